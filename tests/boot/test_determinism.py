#!/usr/bin/env python3
"""The same input gives the same final state: Linux and its programs, and FreeDOS at the keyboard, under every
memory engine and every exact trap model, and with the engine changed on the way. ./dev determinism does it for several
compilers."""
import itertools
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from boot import SHARED, UMBRA86, Checks  # noqa: E402
from determinism import ENGINES, EXACT_MODELS, final_state, final_states, linux_options  # noqa: E402
from packages import Missing, linux_guest  # noqa: E402

t = Checks("determinism")


def compare(what, options, script, changed):
    """`changed` is the script with changes of engine in it: the same instructions, the same hashes."""
    runs = {f"{what}, {engine}, {model}": (UMBRA86, options + ENGINES[engine] + ["--traps", model], script)
            for engine, model in itertools.product(ENGINES, EXACT_MODELS)}
    runs[f"{what}, engine changed on the way"] = (UMBRA86, options, changed)
    first = None
    for name, state in final_states(runs):
        first = first or state
        t.check(f"{name}: {state if isinstance(state, str) else state[0]}, not {first[0]}",
                not isinstance(state, str) and state == first)


CHANGES = ("mmu direct\n", "mmu nested\n")
try:
    # Booted once; from there on with programs, page faults and system calls under each.
    options, ready = linux_options(linux_guest(), 64), t.path("ready.ckpt")
    booted = final_state(UMBRA86, options, f'wait "READY" 300\nhash\nsavevm "{ready}"\nquit\n')
    t.check(f"Linux to READY: {booted}", not isinstance(booted, str))
    if ready.exists():
        (_, at), = booted[0]
        script = f"hash\n{{}}until {at + 100_000_001}\nhash\n{{}}until {at + 300_000_003}\nhash\nquit\n"
        compare("Linux", [*options, "-loadvm", ready], script.format("", ""), script.format(*CHANGES))
except Missing as e:
    t.skip(f"Linux: {e}")
dos = SHARED / "guests" / "fd14.img"
if dos.exists():
    script = 'wait "A:\\>" 60\n{}hash\ntype "dir\\nver\\n"\nwait "FreeCom version" 30\n{}hash\nquit\n'
    compare("FreeDOS", ["-m", 16, "-fda", dos, "-snapshot"], script.format("", ""), script.format(*CHANGES))
else:
    t.skip(f"FreeDOS: no {dos}")
t.finish()
