#!/usr/bin/env python3
"""Makes the list of runs (cpu/hot_runs.txt) anew from profiles: choose_runs.py [--count N] PROFILE... >LIST

A PROFILE is what `umbra86 --profile FILE` wrote; several count as one, so longer runs count for more.

The rule. Every sampled trace is parsed greedily from the left into units, an instruction or a run chosen so far. Pairs of a
unit and the single handler behind it are counted by weight, and the STEP heaviest become runs; then again, until there are enough.

* Each exit of a trace is a trace of its own, with what was executed up to there; it weighs its samples by the number of
  these instructions. Traces do not count while they are hot: they have handlers of their own, and no runs.
* A run has at most five instructions. All but the last must go on with the next op: no jumps, calls, returns, and no compare with
  its branch (gen_runs.py), and, being rare, no LOOP and no JCXZ.
* A run's beginning is a run itself, because it was a unit before.

Needs a cpu/hot_runs.txt that gen_handlers.py accepts; an empty one is accepted.
"""
import argparse
import collections

from profiles import FUSED, bodies, insns, parse, read

STEP = 20
LONGEST = 5
IDS = 254  # gen_runs.py
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


def weighed(traces):
    """(weight, names) of what was executed up to each exit of a trace that was not hot."""
    for t in traces:
        for n, count in t.exits:
            if not t.hot:
                yield count / n, executed(t.names, n)


def count_pairs(traces, runs):
    pairs = collections.Counter()
    for weight, names in traces:
        units = parse(names, runs)
        for unit, following in zip(units, units[1:]):
            if len(following) == 1 and len(unit) < LONGEST and may_go_on(unit[-1]) and may_follow(following[0]):
                pairs[unit + following] += weight
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
    p.add_argument("--count", type=int, default=800, help="runs wanted (default 800)")
    p.add_argument("profile", nargs="+")
    a = p.parse_args()
    traces = list(weighed(read(a.profile)[0]))
    runs = choose(traces, a.count)
    alone = sum(w * len(names) for w, names in traces)
    left = sum(w * len(parse(names, set(runs))) for w, names in traces)
    print("# Instructions that often follow each other, made into one handler each (gen_runs.py): names of handlers, in order of\n"
          "# execution. Chosen by tools/choose_runs.py from profiles, the best first.")
    if alone:
        print(f"# With these, {left / alone:.2f} of the jumps between handlers are left in them.")
    for run in runs:
        print(*run)


main()
