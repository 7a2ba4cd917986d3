#!/usr/bin/env python3
"""What there is to test, for tests/meson.build: one line a test, `FOLDER NAME SUITES FILE[,FILE...]`.

Every FOLDER/test_*.c is a program by itself, with the other .c files of its folder linked in; every
FOLDER/test_*.py runs the built program. A test is of the suite FOLDER, and of `conformance` when it reads the
recordings in shared/corpora.
"""
import pathlib
import sys

root = pathlib.Path(sys.argv[1])
for path in sorted([*root.glob("*/test_*.c"), *root.glob("*/test_*.py")]):
    folder = path.parent
    suites = folder.name + (",conformance" if "corpora" in path.read_text(errors="replace") else "")
    files = [path]
    if path.suffix == ".c":
        files += [p for p in sorted(folder.glob("*.c")) if not p.name.startswith("test_")]
    print(folder.name, path.stem, suites, ",".join(str(p.relative_to(root)) for p in files))
