#!/usr/bin/env python3
"""The compiled handlers are what docs/INTERPRETER.md says: handlers.py BUILD

Disassembles the optimised hot handlers. None may call through a pointer: control passes by jumps, or the host's stack would
grow. Those that hot traces get (special.h), and the generic ones they stand for, may call nothing and touch no stack, but
for those listed in SPILLS. Skips builds in which handlers return to a loop (THREADED=0) and hosts that are not x86-64.
"""
import glob
import os
import platform
import re
import subprocess
import sys

# Too many values for the registers that a call leaves free: three operands with a carry; with clang two addresses.
SPILLS = ("adc_", "sbb_", "push_mi")


def functions(path):
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], capture_output=True, text=True, check=True).stdout
    for part in text.split("\n\n"):
        head = re.match(r"[0-9a-f]+ <([\w.]+)>:", part.strip())
        if head:
            yield head[1], [line.split("\t")[-1].strip() for line in part.splitlines() if "\t" in line]


def hot_names(source):
    rows = open(source).read().split("hot_specials[] = {")[1].split("hot_special_count")[0]
    # Rows without tables only say what a generic handler does.
    rows = "\n".join(row for row in rows.splitlines() if "NULL, NULL" not in row)
    return set(re.findall(r"\b[a-z]\w*_\w+", rows))


def complaints(name, code, hot):
    frame = [i for i in code if re.match(r"(push|pop) |sub +\$0x[0-9a-f]+,%rsp", i)]
    if any(re.match(r"call +\*", i) for i in code):
        yield "calls through a pointer"
    if name in hot and any(i.startswith("call") for i in code):
        yield "calls"
    if name in hot and frame and not name.removeprefix("hot_").startswith(SPILLS):
        yield f"has a stack frame ({frame[0]})"


def main():
    build = sys.argv[1]
    objects = glob.glob(os.path.join(build, "cpu", "libcpu.a.p", "*hot_handlers.c.o"))
    threaded = "-DTHREADED=1" in open(os.path.join(build, "build.ninja")).read()
    if not threaded or platform.machine() != "x86_64" or not objects:
        print("handlers: 0 passed, 0 failed, 1 skipped (wants an optimised build on x86-64)")
        return 0
    hot = hot_names(os.path.join(build, "cpu", "hot_handlers.c"))
    passed, failed = 0, 0
    for name, code in functions(objects[0]):
        if ".cold" in name or "_slow" in name:
            continue
        bad = list(complaints(name, code, hot))
        for b in bad:
            print(f"{name} {b}")
        failed += bool(bad)
        passed += not bad
    if passed < len(hot):
        print(f"only {passed} handlers found, {len(hot)} are hot")
        failed += 1
    print(f"handlers: {passed} passed, {failed} failed, 0 skipped")
    return failed > 0


sys.exit(main())
