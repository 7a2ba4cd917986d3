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

from boot import UMBRA86, Checks

IMAGE = os.path.join(os.path.dirname(UMBRA86), "roms", "demo.img")
DATE = ["-rtc", "base=2026-01-31T12:00:00"]
CHAPTERS = 7


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
    t = Checks(name)
    code, said, out = run(args)
    lines = said.splitlines()
    promised = re.search(r"(\d+) checks$", lines[0]) if lines else None
    checks = int(promised[1]) if promised else 0
    t.check(f"how many checks there will be: {lines[:1]}", checks > 40)
    good = {int(m[1]) for m in re.finditer(r"^ok +(\d+) ", said, re.M)}
    bad = re.findall(r"^FAIL.*$", said, re.M)
    for n in range(1, checks + 1):
        why = next((b for b in bad if re.match(rf"FAIL +{n} ", b)), "not reached")
        t.check(f"check {n}: {why}", n in good)
    chapters = [int(m[1]) for m in re.finditer(r"^([1-9])  ", said, re.M)]
    t.check(f"chapters in order: {chapters}", chapters == list(range(1, CHAPTERS + 1)))
    final = f"Umbra86 demo: all {checks} checks passed"
    t.check(f"COM1 ends with: {lines[-2:]}", final in lines)
    t.check("the final line on the last screen, which is printed", "--demo" not in args or final in out)
    t.check(f"exit code {code}\n{out}", code == 0)
    t.report()
    return t, said


def keys():
    """Space stops time, a digit changes its speed, s keeps the machine on, q switches it off."""
    t = Checks("keys")
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
    t.check(f"three screens: {titles}", len(titles) == 3)
    if len(titles) == 3:
        t.check(f"story time stands still: {titles[:2]}", "paused" in titles[0] and titles[0] == titles[1])
        t.check(f"the keys were taken: {titles[2]}", "stays" in titles[2] and "speed 9" in titles[2])
    t.check("the story ended within 3 s at speed 9", "checks passed" in said)
    t.check(f"q switches off: exit code {code}\n{out}", "power off" in said and code == 0)
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
    t = Checks("trap models")
    _, story, plain = statistics("assist")
    code, said, s = statistics("deprivileged")
    t.check(f"deprivileged: the same story; exit code {code}", code == 0 and said == story)
    t.check("deprivileged: the same instructions", s["instructions"] == plain["instructions"])
    for cause, n in REFUSED.items():
        entries = s["hypervisor"][cause]
        t.check(f"{cause} refused in ring 3: {entries}", entries["reflected"][3] == n)
        t.check(f"{cause} of ring 0: {entries}", entries["emulated"][0] > 0 and not any(entries["emulated"][1:]))
    t.check("CLI refused in ring 1", s["hypervisor"]["privileged"]["reflected"][1] == 1)
    for name, n in s["silent"].items():
        t.check(f"deprivileged: {name}: {n}", n["caught"] == n["executed"] and not n["wrong"])
    for name, n in plain["silent"].items():
        t.check(f"assist: {name}: {n}", n["executed"] == 0)

    code, said, s = statistics("classic")
    wrong = {name: n["wrong"] for name, n in s["silent"].items() if n["wrong"]}
    t.check(f"classic: exit code {code}", code == 81)
    for name in ("sgdt", "sidt", "str", "smsw", "iret"):
        t.check(f"classic: {name} runs silently wrong: {wrong}", wrong.get(name, 0) > 0)
    for name, what in (("sgdt", "SGDT"), ("sidt", "SIDT"), ("str", "STR")):
        t.check(f"classic: {what} lies\n{said}", re.search(f"^FAIL.*{what} tells ring 3 the truth", said, re.M))
    for cause, n in REFUSED.items():
        t.check(f"classic: {cause} refused in ring 3", s["hypervisor"][cause]["reflected"][3] == n)
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
    t = Checks("demo, the same story under every engine")
    t.check("COM1 differs", len(set(stories.values())) == 1)
    t.report()
    tallies.append(t)
    tallies.append(whole_story("demo, diskette", ["-fda", IMAGE, "-snapshot", "-boot", "a"])[0])
    tallies.append(keys())
    tallies.append(trap_models())
    return 1 if any(t.failed for t in tallies) else 0


sys.exit(main())
