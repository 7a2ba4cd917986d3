#!/usr/bin/env python3
"""Makes the list of runs (cpu/hot_runs.txt) anew from profiles: choose_runs.py [--count N] [--exits] PROFILE... >LIST

A PROFILE is what `umbra86 --profile FILE` wrote; several count as one, so longer runs count for more.

The rule. Every sampled trace is parsed greedily from the left into units, an instruction or a run chosen so far. Pairs of a
unit and the single handler behind it are counted by weight, and the STEP heaviest become runs; then again, until there are enough.

* A trace weighs its samples by the number of its instructions, but no trace counts more than 1/1000 of all samples: a single
  loop of one of the programs must not fill the list.
* Behind each conditional branch the weight is 0.7 of what it was, since some leave there. With --exits the profile's own exits say
  how many came so far, and each exit is a trace of its own with what was executed.
* A run has at most five instructions. All but the last must go on with the next op: no jumps, calls, returns, and no compare with
  its branch (gen_runs.py), and, being rare, no LOOP and no JCXZ.
* A run's beginning is a run itself, because it was a unit before.

Needs a cpu/hot_runs.txt that gen_handlers.py accepts; an empty one is accepted.
"""
import argparse
import collections

from profiles import FUSED, bodies, insns, parse, read
from gen_handlers import CC

STEP = 20
LONGEST = 5
CAP = 1 / 1000
STAYS = 0.7
IDS = 254  # gen_runs.py
BRANCHES = {f"j{cc}" for cc in CC}
NOT_AT_ALL = ("calli", "jmpi", "mov_sr", "pop_sr", "push_sr")
NOT_FIRST = ("loop", "jcxz")


def may_follow(name):
    return name in bodies and not name.endswith("_slow") and not name.startswith(NOT_AT_ALL)


def may_go_on(name):
    return may_follow(name) and bodies[name].endswith("NEXT;") and not FUSED.match(name) and not name.startswith(NOT_FIRST)


def executed(names, n):
    """The handlers of the first n instructions; one that holds two counts when its first was executed."""
    at = 0
    for k, name in enumerate(names):
        if at >= n:
            return names[:k]
        at += insns(name)
    return names


def weighed(traces, by_exits):
    """(weight, names, what stays behind a conditional branch)"""
    most = sum(t.samples for t in traces) * CAP
    for t in traces:
        part = min(1, most / t.samples) if t.samples else 0
        if by_exits:
            for n, count in t.exits:
                yield count * part / n, executed(t.names, n), 1
        elif t.samples and t.names:
            yield t.samples * part / sum(map(insns, t.names)), t.names, STAYS


def count_pairs(traces, runs):
    pairs = collections.Counter()
    for weight, names, stays in traces:
        units = parse(names, runs)
        for unit, following in zip(units, units[1:]):
            if len(following) == 1 and len(unit) < LONGEST and may_go_on(unit[-1]) and may_follow(following[0]):
                pairs[unit + following] += weight
            if FUSED.match(unit[-1]) or unit[-1] in BRANCHES:
                weight *= stays
    return pairs


def choose(traces, count):
    runs, used = {}, set()
    while len(runs) < count:
        before = len(runs)
        # Of the same weight by name, so that the same profiles give the same list.
        best = sorted(count_pairs(traces, runs).items(), key=lambda p: (-p[1], p[0]))
        for run, weight in best[:STEP]:
            if len(runs) < count and weight > 0 and len(used | set(run)) <= IDS:
                runs[run] = weight
                used |= set(run)
        if len(runs) == before:
            break
    return list(runs)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--count", type=int, default=300, help="runs wanted (default 300)")
    p.add_argument("--exits", action="store_true", help="weigh by where traces were left, not by the rule of 0.7")
    p.add_argument("profile", nargs="+")
    a = p.parse_args()
    traces = list(weighed(read(a.profile)[0], a.exits))
    runs = choose(traces, a.count)
    alone = sum(w * len(names) for w, names, _ in traces)
    left = sum(w * len(parse(names, set(runs))) for w, names, _ in traces)
    print("# Instructions that often follow each other, made into one handler each (gen_runs.py): names of handlers, in order of\n"
          "# execution. Chosen by tools/choose_runs.py from profiles, the best first.")
    if alone:
        print(f"# With these, {left / alone:.2f} of the jumps between handlers are left in them.")
    for run in runs:
        print(*run)


main()
