#!/usr/bin/env python3
"""Every header of the house compiles on its own, and includes are spelled from the root.

  headers.py SOURCE BUILD COMPILER...
"""
import pathlib
import subprocess
import sys

FOLDERS = ["base", "mmu", "shadow", "cpu", "devices", "bios", "roms", "machine", "frontend"]


def main():
    source, build, compiler = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    passed = failed = 0
    for folder in FOLDERS:
        for header in sorted((source / folder).glob("**/*.h")):
            name = header.relative_to(source)
            done = subprocess.run(compiler + ["-std=gnu11", "-fsyntax-only", "-Wall", "-Wextra", "-I.", "-I", build,
                                              "-I", build + "/cpu",
                                              "-x", "c", "-"], input=f'#include "{name}"\n'.encode(),
                                  cwd=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode:
                failed += 1
                print(f"{name} does not compile on its own:\n{done.stdout.decode()}")
            else:
                passed += 1
    print(f"headers: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
