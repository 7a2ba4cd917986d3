#!/usr/bin/env python3
"""--profile, tools/choose_runs.py and tools/choose_next.py: every table is there and its shares add up, samples, traces and
edges agree, the guest cannot tell, a file that cannot be written is refused before the run, and the tools make lists that
gen_runs.py and gen_foresee.py accept."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "boot"))
from boot import ROOT, Checks, Run  # noqa: E402

sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "cpu"))
import gen_foresee  # noqa: E402
import gen_handlers  # noqa: E402
import gen_runs  # noqa: E402

t = Checks("profile")
DEMO = ("--demo", "-display", "none", "-rtc", "base=2026-01-31T12:00:00")
SECTIONS = ["run", "instructions", "pairs", "triples", "generic", "traces", "causes", "sequences", "branches"]


def sections(path):
    found, rows = {}, None
    for line in path.read_text().splitlines():
        if re.fullmatch(r"\[\w+\]", line):
            rows = found.setdefault(line[1:-1], [])
        elif line and not line.startswith("#"):
            rows.append(line)
    return found


def shares(rows):
    return [float(row.split("%")[0]) for row in rows]


def counter(rows, text):
    return next(int(row.split()[0]) for row in rows if row.strip().endswith(text))


def exits(rows):
    """Of each line of [sequences]: instructions executed -> samples."""
    found = []
    for row in rows:
        n, _, text = row.split()[:3]
        found.append({int(k): int(s) for k, s in (e.split("*") for e in text.split(",") if e != "-")})
        if sum(found[-1].values()) != int(n):
            t.check("a trace's exits are its samples", False, row)
    return found


def edges(rows, left, samples):
    total, entered = 0, {}
    for row in rows:
        n, at, to, where = row.split()
        line, insns = map(int, at.split("*"))
        total += int(n)
        entered[line, insns] = entered.get((line, insns), 0) + int(n)
        if not 1 <= int(to) <= len(left) or where not in ("near", "far"):
            t.check("an edge leads to a trace", False, row)
    more = [k for k, n in entered.items() if n > left[k[0] - 1].get(k[1], 0)]
    t.check("no more was entered than was left", not more, more)
    t.check("where most samples led is known", samples * 0.9 < total <= samples, f"{total} {samples}")


def tables(found):
    t.check("each section, in order", list(found) == SECTIONS, list(found))
    for name in ("instructions", "pairs", "triples", "generic", "traces"):
        of = shares(found[name])
        t.check(f"{name}: some, at most 100 %, falling", of and sum(of) <= 100.1 and of == sorted(of, reverse=True), of)
    samples, instructions = counter(found["run"], "samples"), counter(found["run"], "instructions")
    t.check("a sample in 1024 to 2047 instructions", instructions // 2048 <= samples <= instructions // 1024, found["run"])
    t.check("causes are counted", counter(found["causes"], "traces built") > 100 and
            counter(found["causes"], "traps delivered") > 0 and counter(found["causes"], "TLB missed by writes") > 0)
    left = exits(found["sequences"])
    total = sum(n for by_insns in left for n in by_insns.values())
    t.check("the traces' samples are all samples", total == samples, f"{total} {samples}")
    t.check("some were hot", {row.split()[1] for row in found["sequences"]} == {"hot", "cold"})
    edges(found["branches"], left, samples)
    names = {w for row in found["sequences"] for w in row.split()[3:]} - {"-"}
    t.check("handlers have their names", len(names) > 50 and names <= set(gen_handlers.bodies), names - set(gen_handlers.bodies))
    t.check("no runs, no slow twins among them", not any("__" in n or n.endswith("_slow") for n in names))


def profiled():
    profile, plain, noted = t.path("demo.profile"), t.path("plain.json"), t.path("noted.json")
    t.ends("the demo", Run(*DEMO, "--stats-json", plain), 0)
    t.ends("the demo, profiled", Run(*DEMO, "--stats-json", noted, "--profile", profile), 0)
    a, b = json.loads(plain.read_text()), json.loads(noted.read_text())
    for key in ("instructions", "state_hash", "guest_seconds"):
        t.check(f"the same {key}", a[key] == b[key], f"{a[key]} {b[key]}")
    tables(sections(profile))
    again = t.path("again.profile")
    Run(*DEMO, "--profile", again)
    t.check("the same run gives the same profile", again.read_text() == profile.read_text())
    return profile


def refused():
    t.ends("no such folder", Run(*DEMO, "--profile", t.path("no/such")), 65, b"--profile ")
    t.ends("a folder", Run(*DEMO, "--profile", t.dir.name), 65, b"Is a directory")
    t.ends("several guests", Run("--config", "x", "--profile", "y"), 64, b"--config with --profile")


def tool(*args, name="choose_runs.py"):
    return subprocess.run([sys.executable, str(ROOT / "tools" / name), *map(str, args)], capture_output=True, text=True)


def accepted(text):
    """The members of each run, if gen_runs.py takes the list."""
    gen_runs.SOURCE = str(t.file("runs.txt", text))
    try:
        return [members for _, members in gen_runs.Runs(gen_handlers.bodies).units]
    except SystemExit as e:
        print(e)
        return []


def chosen(profile):
    made = tool("--count", 60, profile)
    found = accepted(made.stdout) if made.returncode == 0 else []
    t.check("sixty runs that gen_runs.py accepts", len(found) == 60, made)
    t.check("two to five instructions", all(2 <= len(m) <= 5 for m in found))
    lines = ["10 cold 1*9,2*1 push_r_f4 mov_rr4 sub_ri4", "9 hot 2*9 cld cld", "5 cold 2*5 pop_r_f4 pop_r_f4"]
    small = tool(t.file("small.profile", "\n".join(["[sequences]", *lines, "[branches]", ""])))
    t.check("what was executed, and was not hot", accepted(small.stdout) == [("pop_r_f4", "pop_r_f4"), ("push_r_f4", "mov_rr4")],
            small.stdout)
    for cut in ("[run]\n1 instructions\n", "[sequences]\n1 cold 1*1 nop\n"):
        done = tool(t.file("cut.profile", cut))
        t.check("half a file is refused", done.returncode == 1 and "not a profile" in done.stderr, done)


def foreseen(text):
    """(behind, there), if gen_foresee.py takes the list."""
    gen_foresee.SOURCE = str(t.file("next.txt", text))
    try:
        found = gen_foresee.Foreseen()
        found.check(gen_handlers.bodies)
    except SystemExit as e:
        print(e)
        return {}, {}
    return found.behind, found.there


def chosen_next(profile):
    made = tool(profile, name="choose_next.py")
    behind, there = foreseen(made.stdout)
    t.check("generated handlers, of both kinds", len(behind) > 50 and len(there) > 20, made)
    t.check("six at most", all(1 <= len(s) <= 6 for s in behind.values()) and
            all(1 <= len(s) <= 6 for s in there.values()))
    t.check("what cannot branch leads nowhere", all(re.search("(^|_)j|call|ret|loop", n) for n in there), list(there))
    t.check("the same profile gives the same list", tool(profile, name="choose_next.py").stdout == made.stdout)


def small_next():
    """Each line of [branches], and who has a successor there because of it."""
    lines = ["6 cold 1*2,3*4 nop cmp_ri4_je cld", "4 cold 2*4 nop jmp", "9 hot 1*9 jmp", "0 cold - clc nop", "2 cold 2*2 nop je"]
    for branch, there in (("4 1*3 4 near", {"cmp_ri4_je": ["clc"]}), ("4 1*3 4 far", {}), ("2 1*1 4 near", {}),
                          ("4 2*2 4 far", {"jmp": ["clc"]}), ("4 2*2 3 near", {}), ("9 3*1 4 near", {}),
                          ("2 5*2 4 near", {})):
        small = t.file("next.profile", "\n".join(["[sequences]", *lines, "[branches]", branch, ""]))
        found = foreseen(tool(small, name="choose_next.py").stdout)
        t.check(f"{branch}: behind", found[0] == {"nop": ["jmp", "cmp_ri4_je", "je"]}, found[0])
        t.check(f"{branch}: there", found[1] == there, found[1])


made = profiled()
chosen(made)
chosen_next(made)
small_next()
refused()
t.finish()
