#!/usr/bin/env python3
"""The demonstration guest under every memory engine, and with the engine changed at random on the way: what it
says, its instructions, its registers and its memory are the same. Loads per walk of the nested engine are as
the formula has them."""
import json
import os
import random
import subprocess
import sys
import tempfile

from boot import UMBRA86, Checks

ENGINES = ("shadow", "direct", "nested")
END = 60_000_000  # instructions; chapter 4 of the story


def run(args, script):
    """Exit code, standard output, what COM1 said, the statistics."""
    with tempfile.TemporaryDirectory() as folder:
        def path(name):
            return os.path.join(folder, name)
        with open(path("script"), "w") as f:
            f.write(script)
        command = [UMBRA86, "--demo", *args, "-rtc", "base=2026-01-31T12:00:00", "-display", "none", "-serial",
                   "file:" + path("com1"), "--script", path("script"), "--stats-json", path("stats")]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=500)
        with open(path("com1"), errors="replace") as f:
            said = f.read()
        with open(path("stats")) as f:
            stats = json.load(f)
        return done.returncode, done.stdout.decode("utf-8", "replace"), said, stats


# Registers, the kernel's memory with its page tables, and some of the programs'.
LOOK = "info registers\nscreentext\nxp/32768xw 0x10000\nxp/8192xw 0x100000\nquit\n"


def same_guest(seeds):
    t = Checks("one guest, every engine")
    first = None
    runs = [(["--mmu", e], f"until {END}\n" + LOOK, e) for e in ENGINES]
    runs += [(["--mmu", e, "--mmu-check"], f"until {END}\n" + LOOK, e + ", checked") for e in ENGINES]
    for seed in seeds:
        at, lines, rng = 0, [], random.Random(seed)
        while True:
            at += int(rng.expovariate(1 / 1_000_000)) if rng.random() < 0.5 else rng.randrange(1, 1000)
            if at >= END:
                break
            lines += [f"until {at}", f"mmu {rng.choice(ENGINES)}", f"gpa-cache {rng.choice(('on', 'off'))}"]
        check = ["--mmu-check"] if seed % 2 else []
        check += ["--host-large", "on"] if seed & 2 else []
        check += ["--host-ad", "on"] if seed & 1 else []
        runs.append((check, "\n".join(lines) + f"\nuntil {END}\n" + LOOK, f"random {seed}"))
    for args, script, name in runs:
        code, out, said, stats = run(args, script)
        got = (code, out, said, stats["instructions"], stats["guest_seconds"])
        first = first or got
        t.check(f"{name}: exit code {code}\n{out}", code == 0)
        t.check(f"{name}: {got[3]} instructions", got[3] == END)
        t.check(f"{name}: the guest differs from its run under {ENGINES[0]}", got == first)
        if name.startswith("random"):
            t.check(f"{name}: {stats['mmu']['switches']} changes of engine", stats["mmu"]["switches"] > 20)
    t.report()
    return t


def loads():
    t = Checks("loads per walk")
    for args, deep in ((["--mmu", "nested"], 14), (["--mmu", "nested", "--gpa-cache", "on"], None)):
        stats = run(args, "sleep 5\nquit\n")[3]["mmu"]
        for levels, d in enumerate(stats["depth"]):
            if not d["walks"]:
                continue
            each = (d["guest_loads"] + d["host_loads"]) / d["walks"]
            want = (levels + 1) * 5 - 1
            t.check(f"{args}: {each} loads over {levels}", each == want if deep else each < want / 2 or not levels)
        t.check(f"{args}: walks {stats['depth'][2]['walks']}", stats["depth"][2]["walks"] > 1000)
    t.report()
    return t


def costs():
    """What is an entry, by trap model and engine; that the sum is one; and that each engine's time counts by its rules."""
    t = Checks("costs")

    def cost(*args, script="sleep 5\nquit\n"):
        s = run(list(args), script)[3]
        c = s["cost"]
        parts = [x["cycles"] for group in ("traps", "work", "loads") for x in c[group].values()]
        t.check(f"{args}: {sum(parts)} and {c['cycles']} cycles", sum(parts) == c["cycles"] > 0)
        for cause, n in c["traps"].items():
            events = sum(sum(rings) for rings in s["hypervisor"][cause].values())
            t.check(f"{args}: {cause}: {n}, events {events}", n["events"] == events >= n["entries"])
        return c

    def entries(c, cause):
        n = c["traps"].get(cause, {"entries": 0})
        return n["entries"]

    shadow, nested = cost("--mmu", "shadow"), cost("--mmu", "nested")
    for c in shadow, nested:
        t.check("assist: exceptions are the guest's", entries(c, "exception") == 0 and entries(c, "sw_interrupt") == 0)
        t.check("assist: HLT is an entry", entries(c, "hlt") == c["traps"]["hlt"]["events"] > 0)
    t.check("CR3 is nested paging's own", entries(shadow, "cr_write") > 0 and entries(nested, "cr_write") == 0)
    t.check("the entries of nested paging", entries(nested, "nested_fault") > 0 and "shadow_fault" not in nested["traps"])
    t.check("loads for entries", nested["cycles"] < shadow["cycles"] + nested["loads"]["host_tables"]["cycles"])
    c = cost("--mmu", "nested", "--traps", "deprivileged")
    t.check("INVLPG is privileged under nested paging, too", entries(c, "invlpg") == entries(shadow, "invlpg") > 0)
    for model in "deprivileged", "classic":
        c = cost("--traps", model, "--cost-model", "prescott")
        t.check(f"{model}: each exception is an entry", entries(c, "exception") == c["traps"]["exception"]["events"])
        t.check(f"{model}: {c['traps']['sensitive']}",
                entries(c, "sensitive") == (c["traps"]["sensitive"]["events"] if model == "classic" else 0))
    other = cost("--cost-model", "prescott")
    t.check("all models are told, whichever is chosen", other["by_model"] == shadow["by_model"])
    t.check("prescott is dearer", other["by_model"]["prescott"] == other["cycles"] > shadow["cycles"])
    c = cost("--cost-model", "entries")
    t.check("entries: an entry is a cycle", c["cycles"] == sum(n["entries"] for n in c["traps"].values()))
    both = cost(script="sleep 2.5\nmmu nested\nsleep 2.5\nquit\n")
    t.check(f"changed on the way: {both['traps']['cr_write']}", 0 < entries(both, "cr_write") < entries(shadow, "cr_write"))
    t.report()
    return t


def main():
    tallies = [same_guest(range(1, 5)), loads(), costs()]
    return 1 if any(t.failed for t in tallies) else 0


sys.exit(main())
