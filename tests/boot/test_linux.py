#!/usr/bin/env python3
"""Debian's kernel and busybox, by -kernel and from the CD through our BIOS, under both memory engines: READY; the
fixed workloads give the sums that QEMU 7.2 gives on the same guest; and with the two engines compared there is no
difference up to READY. The guest is made by shared/bench/linux/make.sh, which downloads packages.
"""
import concurrent.futures
import os
import re
import sys

sys.path.insert(0, os.path.dirname(__file__))
from boot import Checks, Run  # noqa: E402
from packages import Missing, linux_guest  # noqa: E402
from sums import SUMS  # noqa: E402

# How it boots, options, whether to the end of the workloads. UMBRA86_SLOW=1: all to the end.
WAYS = [("kernel", [], True), ("CD", ["--mmu", "direct"], False), ("kernel", ["--mmu-check"], False), ("CD", [], False),
        ("kernel", ["--mmu", "direct"], False)]
t = Checks("Linux")


def try_way(guest, how, options, whole):
    name = f"{how} {' '.join(options) or '--mmu shadow'}"
    whole = whole or "--mmu-check" not in options and bool(os.environ.get("UMBRA86_SLOW"))
    boot = {"CD": ["-cdrom", guest / "linux.iso", "-boot", "d"],
            "kernel": ["-kernel", guest / "vmlinuz", "-initrd", guest / "initrd.gz",
                       "-append", (guest / "cmdline").read_text().strip()]}[how]
    serial = t.path(name.replace(" ", "") + ".com1")
    script = t.file(serial.name + ".script", 'wait "READY" 300\n' + ('wait "BENCH-END" 600\n' if whole else "") + "quit\n")
    run = Run("-m", 256, *boot, *options, "-display", "none", "-no-reboot", "-serial", f"file:{serial}",
              "--script", script, limit=450)
    said = serial.read_text(errors="replace") if serial.exists() else ""

    def judge():
        t.ends(f"{name}: {'BENCH-END' if whole else 'READY'}", run, 0)
        sums = dict(re.findall(r"^END (\w+) sum=(\w+)", said, re.M))
        for work, expected in SUMS.items() if whole else []:
            t.check(f"{name}: {work} gives {sums.get(work)}, not {expected}", sums.get(work) == expected)
    return judge


try:
    guest = linux_guest()
except Missing as e:
    for way in WAYS:
        t.skip(f"{way[0]} {' '.join(way[1])}: {e}")
    t.finish()
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for judge in pool.map(lambda way: try_way(guest, *way), WAYS):
        judge()
t.finish()
