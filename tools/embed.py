#!/usr/bin/env python3
"""Turns a file into C: embed.py IN OUT.c NAME [--rom]

Defines `const uint8_t NAME[]` and `const size_t NAME_size`. --rom sets the last byte so that all
bytes sum to zero, as an option ROM's must.
"""
import sys


def main():
    args = [a for a in sys.argv[1:] if a != "--rom"]
    data = bytearray(open(args[0], "rb").read())
    if "--rom" in sys.argv:
        data[-1] = -sum(data[:-1]) & 0xFF
    rows = (", ".join(f"0x{b:02x}" for b in data[i:i + 16]) for i in range(0, len(data), 16))
    with open(args[1], "w") as out:
        out.write(f"/* Made by tools/embed.py from {args[0].rsplit('/', 1)[-1]}. */\n"
                  "#include <stddef.h>\n#include <stdint.h>\n\n"
                  f"extern const uint8_t {args[2]}[];\nextern const size_t {args[2]}_size;\n\n"
                  f"const uint8_t {args[2]}[] = {{\n")
        for row in rows:
            out.write(f"\t{row},\n")
        out.write(f"}};\nconst size_t {args[2]}_size = sizeof({args[2]});\n")


main()
