"""Profiles, as `umbra86 --profile FILE` writes them. Used by choose_runs.py and choose_next.py.

Importing it loads cpu/gen_handlers.py, which must accept cpu/hot_runs.txt; an empty one is accepted.
"""
import collections
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cpu"))
from gen_handlers import bodies  # noqa: E402
from gen_runs import FUSED  # noqa: E402

# A line of [sequences]: exits are (instructions executed, samples) pairs, names those of handlers; hot: it had others.
Trace = collections.namedtuple("Trace", "samples hot exits names")
# A line of [branches]: the trace was left behind so many of its instructions, then `to` entered; near: in the same page.
Edge = collections.namedtuple("Edge", "samples trace insns to near")


def insns(name):
    return 2 if FUSED.match(name) else 1


def read_trace(words):
    samples, heat, exits = words[:3]
    exits = [] if exits == "-" else [tuple(map(int, e.split("*"))) for e in exits.split(",")]
    return Trace(int(samples), ("cold", "hot").index(heat) == 1, exits, words[3:])


def read_edge(words, traces):
    samples, left, to, where = words
    number, n = map(int, left.split("*"))
    if min(number, int(to)) < 1:
        raise IndexError
    return Edge(int(samples), traces[number - 1], n, traces[int(to) - 1], ("far", "near").index(where) == 1)


def read(paths):
    """(traces, edges) of all of these profiles."""
    all_traces, all_edges = [], []
    for path in paths:
        traces, section = [], None
        for number, line in enumerate(open(path, encoding="ascii"), 1):
            words = line.split("#")[0].split()
            try:
                if words and words[0].startswith("["):
                    section = words[0]
                elif words and section == "[sequences]":
                    traces.append(read_trace(words))
                elif words and section == "[branches]":
                    all_edges.append(read_edge(words, traces))
            except (IndexError, ValueError):
                raise SystemExit(f"{path}:{number}: not a line of {section}")
        if section != "[branches]":
            raise SystemExit(f"{path}: not a profile, or not all of one: it does not end with [branches]")
        all_traces += traces
    return all_traces, all_edges


def parse(names, runs):
    """Greedily from the left, as lower_runs() of cpu/lower.c does: a run or a handler is a unit, a tuple of names."""
    units = []
    for name in names:
        if units and units[-1] + (name,) in runs:
            units[-1] += (name,)
        else:
            units.append((name,))
    return units
