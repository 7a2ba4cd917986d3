#!/usr/bin/env python3
"""The whole state of real guests (registers, memory, devices) after so many instructions, as the `hash` has it: the same
one instruction at a time, with traces of one instruction (while there is a breakpoint the processor makes single steps),
and under each memory engine; of Linux under each engine when it has booted, too."""
import concurrent.futures
import os
import re
import sys

sys.path.insert(0, os.path.dirname(__file__))
from boot import SHARED, Checks, Run  # noqa: E402
from packages import Missing, linux_guest  # noqa: E402

NOWHERE = "break 0xfffffff3"  # inside the first jump of the BIOS, where no instruction begins
t = Checks("states")


def demo():
    return ["--demo"], [1, 3, 9, 27, 60]


def dos():
    floppy = SHARED / "guests" / "fd14.img"
    if not floppy.exists():
        raise Missing(f"no {floppy}")
    return ["-m", 16, "-fda", floppy, "-snapshot"], [1, 4, 12, 30]


def linux():
    guest = linux_guest()
    return ["-m", 64, "-kernel", guest / "vmlinuz", "-initrd", guest / "initrd.gz",
            "-append", (guest / "cmdline").read_text().strip()], [5, 20, 60, 120, 200]


def hashes(name, options, script):
    """The run, and the hashes it printed."""
    run = Run(*options, "-display", "none", "-rtc", "base=2026-01-31T12:00:00", "--script",
              t.file(name + ".script", script + "quit\n"), limit=300)
    return run, re.findall(r"^([0-9a-f]{16}) after", run.out.decode("utf-8", "replace"), re.M)


def at(millions):
    return "".join(f"until {n}000000\nhash\n" for n in millions)


def try_guest(make):
    name = make.__name__
    try:
        options, millions = make()
    except Missing as e:
        why = f"{name}: {e}"
        return lambda: t.skip(why)
    booted = 'wait "READY" 300\nhash\n' if make is linux else ""
    fast, want = hashes(name, options, at(millions) + booted)
    others = {"stepped": hashes(name + "-stepped", options, NOWHERE + "\n" + at(millions))}
    for engine in "direct", "nested":
        others[engine] = hashes(name + "-" + engine, [*options, "--mmu", engine], at(millions) + booted)

    def judge():
        t.ends(name, fast, 0)
        t.check(f"{name}: the states differ from each other", len(set(want)) == len(millions) + bool(booted), fast)
        for way, (run, got) in others.items():
            t.ends(f"{name}, {way}", run, 0)
            for n, state in enumerate(want if way != "stepped" else want[:len(millions)]):
                t.check(f"{name}, {way}: state {n}", got[n:n + 1] == [state])
    return judge


with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for judge in pool.map(try_guest, (linux, dos, demo)):
        judge()
t.finish()
