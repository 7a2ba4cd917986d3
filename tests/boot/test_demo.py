#!/usr/bin/env python3
"""The demonstration guest from power-on to power-off, without a display: under all memory engines, under
their comparison, under the trap models, and from the diskette image. Each check that the guest makes of itself counts as one here;
so do its end, its exit code, and what is on the last screen."""
import json
import os
import re
import subprocess
import sys
import tempfile

UMBRA86 = os.environ.get("UMBRA86", "build/umbra86")
IMAGE = os.path.join(os.path.dirname(UMBRA86), "roms", "demo.img")
DATE = ["-rtc", "base=2026-01-31T12:00:00"]
CHAPTERS = 7


class Tally:
    def __init__(self, name):
        self.name, self.passed, self.failed = name, 0, 0

    def check(self, good, what):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"{self.name}: FAILED: {what}")

    def report(self):
        print(f"{self.name}: {self.passed} passed, {self.failed} failed, 0 skipped")


def run(args, script=None):
    """Exit code, what COM1 said, and the standard output."""
    with tempfile.TemporaryDirectory() as folder:
        com1 = os.path.join(folder, "com1")
        command = [UMBRA86, *args, *DATE, "-display", "none", "-serial", "file:" + com1,
                   "--timeout-insns", "2000000000"]
        if script is not None:
            path = os.path.join(folder, "script")
            with open(path, "w") as f:
                f.write(script)
            command += ["--script", path]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=500)
        said = ""
        if os.path.exists(com1):
            with open(com1, errors="replace") as f:
                said = f.read()
        return done.returncode, said, done.stdout.decode("utf-8", "replace")


def whole_story(name, args):
    """Nobody touches a key: all chapters, all checks, power off."""
    t = Tally(name)
    code, said, out = run(args)
    lines = said.splitlines()
    promised = re.search(r"(\d+) checks$", lines[0]) if lines else None
    checks = int(promised[1]) if promised else 0
    t.check(checks > 40, f"how many checks there will be: {lines[:1]}")
    good = {int(m[1]) for m in re.finditer(r"^ok +(\d+) ", said, re.M)}
    bad = re.findall(r"^FAIL.*$", said, re.M)
    for n in range(1, checks + 1):
        why = next((b for b in bad if re.match(rf"FAIL +{n} ", b)), "not reached")
        t.check(n in good, f"check {n}: {why}")
    chapters = [int(m[1]) for m in re.finditer(r"^([1-9])  ", said, re.M)]
    t.check(chapters == list(range(1, CHAPTERS + 1)), f"chapters in order: {chapters}")
    final = f"Umbra86 demo: all {checks} checks passed"
    t.check(final in lines, f"COM1 ends with: {lines[-2:]}")
    t.check("--demo" not in args or final in out, "the final line on the last screen, which is printed")
    t.check(code == 0, f"exit code {code}\n{out}")
    t.report()
    return t, said


def keys():
    """Space stops time, a digit changes its speed, s keeps the machine on, q switches it off."""
    t = Tally("keys")
    script = """wait "2  Pages on demand" 10
sendkey spc
sleep 1
screentext
sleep 5
screentext
sendkey spc
sendkey 9
sendkey s
wait "checks passed" 3
sleep 20
screentext
sendkey q
sleep 2
"""
    code, said, out = run(["--demo"], script)
    titles = re.findall(r"^ Umbra86 demo guest.*$", out, re.M)
    t.check(len(titles) == 3, f"three screens: {titles}")
    if len(titles) == 3:
        t.check("paused" in titles[0] and titles[0] == titles[1], f"story time stands still: {titles[:2]}")
        t.check("stays" in titles[2] and "speed 9" in titles[2], f"the keys were taken: {titles[2]}")
    t.check("checks passed" in said, "the story ended within 3 s at speed 9")
    t.check("power off" in said and code == 0, f"q switches off: exit code {code}\n{out}")
    t.report()
    return t


REFUSED = {"hlt": 1, "cr_write": 1, "port_io": 1, "privileged": 3}  # privileged: CLI, LGDT and INVLPG


def statistics(traps):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "stats")
        code, said, out = run(["--demo", "--traps", traps, "--stats-json", path])
        with open(path) as f:
            return code, said, json.load(f)


def trap_models():
    """Who trapped: the programs' attempts are reflected from ring 3, the kernel's own are emulated from ring 0; where
    nothing sensitive is caught, the story goes wrong and the list says by what."""
    t = Tally("trap models")
    _, story, plain = statistics("assist")
    code, said, s = statistics("deprivileged")
    t.check(code == 0 and said == story, f"deprivileged: the same story; exit code {code}")
    t.check(s["instructions"] == plain["instructions"], "deprivileged: the same instructions")
    for cause, n in REFUSED.items():
        entries = s["hypervisor"][cause]
        t.check(entries["reflected"][3] == n, f"{cause} refused in ring 3: {entries}")
        t.check(entries["emulated"][0] > 0 and not any(entries["emulated"][1:]), f"{cause} of ring 0: {entries}")
    t.check(s["hypervisor"]["privileged"]["reflected"][1] == 1, "CLI refused in ring 1")
    for name, n in s["silent"].items():
        t.check(n["caught"] == n["executed"] and not n["wrong"], f"deprivileged: {name}: {n}")
    for name, n in plain["silent"].items():
        t.check(n["executed"] == 0, f"assist: {name}: {n}")

    code, said, s = statistics("classic")
    wrong = {name: n["wrong"] for name, n in s["silent"].items() if n["wrong"]}
    t.check(code == 81, f"classic: exit code {code}")
    for name in ("sgdt", "sidt", "str", "smsw", "iret"):
        t.check(wrong.get(name, 0) > 0, f"classic: {name} runs silently wrong: {wrong}")
    for name, what in (("sgdt", "SGDT"), ("sidt", "SIDT"), ("str", "STR")):
        t.check(re.search(f"^FAIL.*{what} tells ring 3 the truth", said, re.M), f"classic: {what} lies\n{said}")
    for cause, n in REFUSED.items():
        t.check(s["hypervisor"][cause]["reflected"][3] == n, f"classic: {cause} refused in ring 3")
    t.report()
    return t


def main():
    tallies = []
    stories = {}
    for name, args in [("demo, shadow", ["--demo", "--mmu", "shadow"]),
                       ("demo, direct", ["--demo", "--mmu", "direct"]),
                       ("demo, nested", ["--demo", "--mmu", "nested"]),
                       ("demo, compared", ["--demo", "--mmu-check"]),
                       ("demo, nested compared", ["--demo", "--mmu", "nested", "--mmu-check"]),
                       ("demo, deprivileged", ["--demo", "--traps", "deprivileged"])]:
        tally, stories[name] = whole_story(name, args)
        tallies.append(tally)
    t = Tally("demo, the same story under every engine")
    t.check(len(set(stories.values())) == 1, "COM1 differs")
    t.report()
    tallies.append(t)
    tallies.append(whole_story("demo, diskette", ["-fda", IMAGE, "-snapshot", "-boot", "a"])[0])
    tallies.append(keys())
    tallies.append(trap_models())
    return 1 if any(t.failed for t in tallies) else 0


sys.exit(main())
