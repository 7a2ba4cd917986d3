#!/usr/bin/env python3
"""Makes the list of what is foreseen (cpu/hot_next.txt) anew from profiles: choose_next.py PROFILE... >LIST

A PROFILE is what `umbra86 --profile FILE` wrote; several count as one, so longer runs count for more.

The rule. Every sampled trace is parsed from the left into units, an instruction or a run of cpu/hot_runs.txt, as the
interpreter does: each unit is a handler. An exit behind n instructions in so many samples counts for samples / n executions
of what lies before it. Traces do not count while they are hot: they have handlers of their own, which foresee nothing.

* "behind": what follows a unit in its trace, weighed by the executions that came so far.
* "there": the first unit of the trace that was entered next, behind a unit that was left where it branches. Where a trace
  ends with a conditional branch (it is full, or its page is), nobody can tell whether that was taken: it is left out.
  All but CALL, RET and JMP go to another page by way of op_exit, which is not generated.
* A handler's successors come in the order of weight, --behind and --there of them at most, and end where the next one has
  less than --share of what is left. What has no generated handler stays left: there is no way to compare with it.
* A handler with less than --least of all the weight of its kind is left out.

Of edges that an interrupt or a fault made, nothing is known: they are few, and count as if they were branches.
"""
import argparse
import collections
import re

from profiles import bodies, insns, parse, read
from gen_runs import Runs

BRANCHES = re.compile(r"\b(TAKE|TAKE_FAR|INDIRECT|INDIRECT_AGAIN|RETURN)\(")
NEAR_ONLY = re.compile(r"\bTAKE\(")  # another page is reached by way of op_exit in join.c
NOT_GENERATED = "-"


def handler_of(unit):
    return "__".join(unit)


def may_branch(name):
    return name in bodies and BRANCHES.search(bodies[name])


def goes_on(name):
    return bodies[name].endswith(("NEXT;", "SKIP;"))


class Trace:
    """Its units, and behind how many instructions each ends."""

    def __init__(self, names, runs):
        self.units = parse(names, runs)
        self.ends, at = [], 0
        for unit in self.units:
            at += sum(map(insns, unit))
            self.ends.append(at)

    def behind(self):
        """(unit, following, where the first ends)"""
        following = [*map(handler_of, self.units[1:]), NOT_GENERATED]
        return zip(map(handler_of, self.units), following, self.ends)

    def branched(self, n):
        """The unit that branches behind the first n instructions, or None."""
        at = 0
        for unit in self.units:
            for name in unit:
                at += insns(name)
                if at == n:
                    told = may_branch(name) and not (n == self.ends[-1] and goes_on(name))
                    return handler_of(unit) if told else None
        return None

    def first(self):
        return handler_of(self.units[0]) if self.units else NOT_GENERATED


def count(traces, edges, runs):
    """(behind, there), each handler -> Counter of those that come next."""
    behind, there = collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter)
    for t in traces:
        if t.hot or not t.samples:
            continue
        for unit, following, end in Trace(t.names, runs).behind():
            weight = sum(samples / n for n, samples in t.exits if n > end)
            if weight:
                behind[unit][following] += weight
    for e in edges:
        unit = None if e.trace.hot or e.to.hot else Trace(e.trace.names, runs).branched(e.insns)
        if unit:
            direct = e.near or not NEAR_ONLY.search(bodies[unit])
            there[unit][Trace(e.to.names, runs).first() if direct else NOT_GENERATED] += e.samples / e.insns
    return behind, there


def best(counted, most, share):
    """The successors worth asking for, and their weight. Of the same weight by name: the same profiles give the same list."""
    all_of_it = left = sum(w for _, w in sorted(counted.items()))
    chosen = []
    for name, weight in sorted(counted.items(), key=lambda p: (-p[1], p[0])):
        if len(chosen) == most or weight < share * left:
            break
        if name in bodies:
            chosen.append(name)
            left -= weight
    return chosen, all_of_it - left


def rows(kind, pairs, most, a):
    """Lines of the list, and which part of the weight they foresee."""
    weight = {unit: sum(w for _, w in sorted(counted.items())) for unit, counted in sorted(pairs.items())}
    everything, foreseen, lines = sum(weight.values()), 0, []
    for unit, counted in sorted(pairs.items()):
        if unit not in bodies or weight[unit] < a.least * everything:
            continue
        chosen, told = best(counted, most, a.share)
        if chosen:
            lines.append(" ".join([unit, kind, *chosen]))
            foreseen += told
    return lines, foreseen / everything if everything else 0


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--behind", type=int, default=6, help="successors within a trace, at most (default 6)")
    p.add_argument("--there", type=int, default=6, help="successors where a branch leads, at most (default 6)")
    p.add_argument("--share", type=float, default=0.1, help="of what is left, that one must have (default 0.1)")
    p.add_argument("--least", type=float, default=1e-6, help="of all weight, that a handler must have (default 1e-6)")
    p.add_argument("profile", nargs="+")
    a = p.parse_args()
    traces, edges = read(a.profile)
    runs = {members for _, members in Runs(bodies).units}
    behind, there = count(traces, edges, runs)
    lines, of_behind = rows("behind", behind, a.behind, a)
    more, of_there = rows("there", there, a.there, a)
    print("# Which handlers mostly come next (gen_foresee.py): handler, behind (in its trace) or there (where it branches\n"
          "# to), successors. Chosen by tools/choose_next.py from profiles, the most frequent first.")
    print(f"# In them, of what came next {of_behind:.2f} is foreseen in a trace and {of_there:.2f} over branches.")
    print(*sorted(lines + more), sep="\n")


main()
