#!/usr/bin/env python3
"""Fails when a folder includes one that it must not know. The picture is in docs/ARCHITECTURE.md.

A folder that is not in the table fails too: the house has no rooms without a place on the plan.
"""
import pathlib
import re
import sys

MAY_INCLUDE = {
    "base": set(),
    "mmu": {"base"},
    "shadow": {"base", "mmu"},
    "cpu": {"base", "mmu", "shadow"},
    "devices": {"base"},
    "bios": {"base"},
    "roms": {"base"},
    "machine": {"base", "mmu", "shadow", "cpu", "devices", "bios", "roms"},
    "frontend": {"base", "machine", "roms"},
}
# Backends that a front end opens itself and hands to the machine.
ALSO = {"frontend": {"devices/block.h", "devices/char.h"}}
# Folders that hold no C of the program.
OUTSIDE = {"tests", "tools", "docs"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.M)


def complaints(root):
    for path in sorted(root.glob("*/**/*.[ch]")):
        name = path.relative_to(root)
        folder = name.parts[0]
        if folder in OUTSIDE or folder.startswith(("build", ".")):
            continue
        if folder not in MAY_INCLUDE:
            yield f"{name}: {folder}/ has no place in tools/check_layers.py"
            continue
        for target in INCLUDE.findall(path.read_text(errors="replace")):
            other = target.split("/")[0]
            if "/" not in target or other not in MAY_INCLUDE:
                continue  # beside the file, generated, or of the system
            if other != folder and other not in MAY_INCLUDE[folder] and target not in ALSO.get(folder, ()):
                yield f"{name}: {folder}/ must not include {target}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = list(complaints(root))
    print("\n".join(found) if found else "layers: every include points down the house")
    return 1 if found else 0


sys.exit(main())
