#!/usr/bin/env python3
"""What there is to test, for tests/meson.build: one line a test, `FOLDER NAME SUITES FILE[,FILE...] [ARGUMENT]`.

Every FOLDER/test_*.c is a program by itself, with the other .c files of its folder linked in whose header it includes
(NAME.h is the header of NAME.c and of NAME_*.c); every
FOLDER/test_*.py runs the built program. A test is of the suite FOLDER, and of `conformance` when it reads the
recordings in shared/corpora, or measures against MPFR. A program that says `CONFORMANCE ARGUMENT: N` has a fuller mode:
with that argument it is a test more, of `conformance` alone, which only `./dev conformance` runs.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])


def headers(path, known):
    """Stems of the headers of its folder that it includes, directly or not."""
    for stem in re.findall(rf'#include "tests/{path.parent.name}/(\w+)\.h"', path.read_text(errors="replace")):
        if stem not in known:
            known.add(stem)
            for p in [path.parent / f"{stem}.h", *path.parent.glob(f"{stem}*.c")]:
                if p.exists():
                    headers(p, known)
    return known


for path in sorted([*root.glob("*/test_*.c"), *root.glob("*/test_*.py")]):
    folder = path.parent
    text = path.read_text(errors="replace")
    suites = folder.name + (",conformance" if "corpora" in text or "<mpfr.h>" in text else "")
    files = [path]
    if path.suffix == ".c":
        stems = headers(path, set())
        files += [p for p in sorted(folder.glob("*.c")) if not p.name.startswith("test_")
                  and (p.stem in stems or p.stem.split("_")[0] in stems)]
    fuller = re.findall(r"CONFORMANCE ARGUMENT: (\w+)", text)[:1]
    print(folder.name, path.stem, suites, ",".join(str(p.relative_to(root)) for p in files), *fuller)
