#!/usr/bin/env python3
"""Debian's PAE kernel for i386 (linux-image-686-pae) with the Linux guest's initrd: user space on processors with and
without NX, and with the shadow held against the guest's tables. The kernel protects its own data by NX and checks that no
page is both writable and executable; of user pages Linux 6.1 loses the bit on i386 (QEMU shows the same), so no program can
tell.

UMBRA86_SLOW=1 adds the workloads to their end, with the sums that QEMU gives.
"""
import concurrent.futures
import os
import re
import sys

sys.path.insert(0, os.path.dirname(__file__))
from boot import Checks, Run  # noqa: E402
from packages import Missing, i386_kernel, linux_guest  # noqa: E402
from sums import SUMS  # noqa: E402

t = Checks("PAE kernel")
RUNS = [("max", []), ("pentium3", []), ("max", ["--mmu-check"])]


def try_run(kernel, guest, cpu, options):
    name = " ".join(["-cpu", cpu, *options])
    nx, whole = cpu == "max", not options and bool(os.environ.get("UMBRA86_SLOW"))
    word = "BENCH-END" if whole else "READY"
    serial = t.path(name.replace(" ", ""))
    script = t.file(serial.name + ".script", f'wait "{word}" {900 if whole else 200}\nquit\n')
    append = (guest / "cmdline").read_text().strip().replace("quiet", "")
    run = Run("-cpu", cpu, *options, "-m", 256, "-kernel", kernel, "-initrd", guest / "initrd.gz", "-append", append,
              "-display", "none", "-no-reboot", "-serial", f"file:{serial}", "--script", script,
              limit=1000 if whole else 300)
    said = serial.read_text(errors="replace") if serial.exists() else ""

    def judge():
        t.ends(f"{name}: {word}", run, 0)
        t.check(f"{name}: the kernel finds {'' if nx else 'no '}NX", ("Execute Disable) protection: active" in said) == nx)
        t.check(f"{name}: NX {'protects' if nx else 'does not protect'} its data",
                ("no W+X pages found" in said) == ("NX-protecting the kernel data" in said) == nx)
        sums = dict(re.findall(r"^END (\w+) sum=(\w+)", said, re.M))
        for work, expected in SUMS.items() if whole else []:
            t.check(f"{name}: {work} gives {sums.get(work)}, not {expected}", sums.get(work) == expected)
    return judge


try:
    kernel, guest = i386_kernel("linux-image-686-pae"), linux_guest()
except Missing as e:
    for cpu, options in RUNS:
        t.skip(f"-cpu {cpu} {' '.join(options)}: {e}")
    t.finish()
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for judge in pool.map(lambda r: try_run(kernel, guest, *r), RUNS):
        judge()
t.finish()
