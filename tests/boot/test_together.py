#!/usr/bin/env python3
"""FreeDOS, two Linux guests and our demo side by side, in a pool that is an eighth of their sum, sharing pages and swapping:
all of them reach their ends, and what they compute is right. UMBRA86_SLOW=1: to the end of all of Linux' workloads.
"""
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(__file__))
from boot import SHARED, UMBRA86, Checks, Run  # noqa: E402
from packages import Missing, linux_guest  # noqa: E402
from sums import SUMS  # noqa: E402

END = "BENCH-END" if os.environ.get("UMBRA86_SLOW") else "END gunzip"
t = Checks("guests together")


def config(linux):
    command = (linux / "cmdline").read_text().strip()
    lines = ["[host]", "pool = 28M", f"swap = {t.dir.name}", "sharing = on",
             # At a prompt DOS asks for a key without end: at 10 million instructions a second that costs less.
             "[guest dos]", "memory = 16M", f"fda = {SHARED / 'guests' / 'fd14.img'}", "snapshot = on", "mips = 10",
             "limit = 4M", "guarantee = 1M",
             "[guest demo]", "memory = 16M", f"fda = {os.path.join(os.path.dirname(UMBRA86), 'roms', 'demo.img')}",
             "snapshot = on", "boot = a", f"serial = file:{t.path('demo')}"]
    for name in "one", "two":
        lines += [f"[guest {name}]", "memory = 96M", f"kernel = {linux / 'vmlinuz'}", f"initrd = {linux / 'initrd.gz'}",
                  f"append = {command}", f"serial = file:{t.path(name)}"]
    return t.file("lab.ini", "\n".join(lines) + "\n")


def said(name):
    path = t.path(name)
    return path.read_text(errors="replace") if path.exists() else ""


def judge(run, s):
    t.ends("four guests", run, 0)
    t.check("FreeDOS: five files", b"5 file(s)" in run.out, run)
    checks = re.findall(r"^ok +\d+ ", said("demo"), re.M)
    t.check(f"the demo: {len(checks)} checks", f"all {len(checks)} checks passed" in said("demo"))
    sums = dict(re.findall(r"^END (\w+) sum=(\w+)", said("one"), re.M))
    t.check(f"Linux: {sums}", "gunzip" in sums and all(SUMS[work] == got for work, got in sums.items()))
    for guest in s["guests"]:
        t.check(f"switches to {guest['name']}", sum(guest["switches"].values()) > 100)
    dos = s["guests"][0]
    t.check(f"the limit of DOS, {dos['resident']} frames", dos["resident"] <= 1024)
    t.check(f"the pool: {s['pool']}", s["pool"]["used"] <= s["pool"]["frames"])
    t.check(f"swap: {s['swap']}", s["swap"]["pages_out"] > 500 and s["swap"]["pages_in"] > 20)
    t.check(f"sharing: {s['sharing']}", s["sharing"]["shared"] > 2000 and s["sharing"]["broken"] > 500)
    t.check("swap and breaks are events", all(
        sum(sum(g["hypervisor"].get(cause, {}).get(verdict, [0])) for g in s["guests"]) == count for cause, verdict, count in
        [("swap", "swapped", s["swap"]["pages_out"]), ("swap", "filled", s["swap"]["pages_in"]),
         ("share_break", "copied", s["sharing"]["broken"])]))


try:
    linux = linux_guest()
    if not (SHARED / "guests" / "fd14.img").exists():
        raise Missing(f"no {SHARED}/guests/fd14.img")
except Missing as e:
    t.skip(f"four guests: {e}")
    t.finish()
script = t.file("lab.script", f'@dos wait "A:\\>" 120\n@two wait "READY" 240\n@two stop\n@one wait "{END}" 600\n'
                '@dos type "dir\\n"\n@dos wait "112,371" 60\n@dos screentext\nquit\n')
stats = t.path("stats.json")
run = Run("--config", config(linux), "-display", "none", "-rtc", "base=2026-01-31T12:00:00", "--script", script,
          "--stats-json", stats, limit=450)
try:
    judge(run, json.loads(stats.read_text()))
except (OSError, ValueError, KeyError) as e:
    t.check(f"statistics: {e!r}", False, run)
t.finish()
