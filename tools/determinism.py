#!/usr/bin/env python3
"""Does every build compute the same? Boots the Linux guest to READY in each program that is named, under every memory
engine, and compares the final state: the monitor's `hash`, the instructions and what COM1 said.

    tools/determinism.py gcc-O2=build/umbra86 gcc-O0=build-gcc-O0/umbra86 ...

`./dev determinism` makes the builds. Nothing is written anywhere; the exit code is 1 when two states differ.
"""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "boot"))
from determinism import ENGINES, final_states, linux_options  # noqa: E402
from packages import Missing, linux_guest  # noqa: E402


def main():
    builds = dict(word.split("=", 1) for word in sys.argv[1:])
    if not builds:
        sys.exit(__doc__)
    passed = failed = skipped = 0
    try:
        options = linux_options(linux_guest(), 64)
        runs = {(b, e): (path, options + ENGINES[e], 'wait "READY" 300\nhash\nquit\n')
                for b, path in builds.items() if os.path.exists(path) for e in ENGINES}
        skipped = len(builds) * len(ENGINES) - len(runs)
    except Missing as e:
        print(f"skipped: {e}")
        runs, skipped = {}, len(builds) * len(ENGINES)
    print(f"{'build':<16}{'engine':<16}{'hash':<18}{'instructions':>14}  bytes on COM1")
    first = None
    for (build, engine), state in final_states(runs):
        broken = isinstance(state, str)
        first = first or (None if broken else state)
        same = not broken and state == first
        passed, failed = passed + same, failed + (not same)
        line = state if broken else f"{state[0][-1][0]:<18}{state[0][-1][1]:>14}  {len(state[1])}"
        print(f"{build:<16}{engine:<16}{line}{'' if same else '  DIFFERS'}", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


sys.exit(main())
