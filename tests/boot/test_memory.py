#!/usr/bin/env python3
"""What an idle Linux of 64 MiB costs the host's memory: no more than 1.3 times what it has touched, and 40 MiB."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from boot import UMBRA86, Checks  # noqa: E402
from idle import idle_linux, pss_kib  # noqa: E402
from packages import Missing  # noqa: E402

FACTOR, FIXED_KIB = 1.3, 40 << 10
t = Checks("memory")


def held(options, script, words):
    """Runs up to the script's `words` on standard output, and leaves the program: (line with the words, PSS in KiB)."""
    path = t.file("script", script)
    with subprocess.Popen([str(o) for o in [UMBRA86, *options, "-display", "none", "--script", path]],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as child:
        try:
            for line in child.stdout:
                if words in line:
                    return line.decode(), pss_kib(child.pid)
        finally:
            child.kill()
    return "", 0


def alone(guest):
    options = [word for key, value in guest.items() for word in (f"-{key}", value)]
    line, pss = held(["-m", 64, *options, "-rtc", "base=2026-01-01", "-serial", f"file:{t.path('com1')}"],
                     'wait "READY" 300\nsleep 10\ninfo memory\nstop\n', b"touched")
    found = re.search(r"touched and in memory (\d+) KiB", line)
    t.check("the guest booted and info memory says what it has touched", found)
    if found:
        touched = int(found[1])
        print(f"touched {touched} KiB, PSS {pss} KiB")
        t.check(f"touched {touched} KiB, but PSS is {pss} KiB", pss <= FACTOR * touched + FIXED_KIB)


try:
    if pss_kib(os.getpid()) is None:
        raise Missing("this host has no /proc/PID/smaps_rollup")
    if "san" in subprocess.run(["ldd", UMBRA86], stdout=subprocess.PIPE).stdout.decode():
        raise Missing("a sanitizer needs memory of its own")
    alone(idle_linux(t.path("")))
except Missing as e:
    t.skip(e)
t.finish()
