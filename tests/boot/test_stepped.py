#!/usr/bin/env python3
"""Real guests one instruction at a time, with traces of one instruction: while there is a breakpoint the processor makes
single steps. After so many instructions the whole state (registers, memory, devices) is what it is at full speed."""
import concurrent.futures
import os
import re
import sys

sys.path.insert(0, os.path.dirname(__file__))
from boot import SHARED, Checks, Run  # noqa: E402
from packages import Missing, linux_guest  # noqa: E402

NOWHERE = "break 0xfffffff3"  # inside the first jump of the BIOS, where no instruction begins
t = Checks("stepped")


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


def hashes(name, options, millions, first):
    script = t.file(name + ".script", first + "".join(f"until {n}000000\nhash\n" for n in millions) + "quit\n")
    run = Run(*options, "-display", "none", "-rtc", "base=2026-01-31T12:00:00", "--script", script, limit=300)
    return run, re.findall(r"^([0-9a-f]{16}) after", run.out.decode("utf-8", "replace"), re.M)


def try_guest(make):
    try:
        options, millions = make()
    except Missing as e:
        why = f"{make.__name__}: {e}"
        return lambda: t.skip(why)
    fast, want = hashes(make.__name__, options, millions, "")
    slow, got = hashes(make.__name__ + "-stepped", options, millions, NOWHERE + "\n")

    def judge():
        t.ends(f"{make.__name__}", fast, 0)
        t.ends(f"{make.__name__}, stepped", slow, 0)
        t.check(f"{make.__name__}: {len(want)} different states seen", len(set(want)) == len(millions), fast)
        for n, million in enumerate(millions):
            t.check(f"{make.__name__}: the states after {million} million instructions are one",
                    want[n:n + 1] == got[n:n + 1])
    return judge


with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for judge in pool.map(try_guest, (linux, dos, demo)):
        judge()
t.finish()
