#!/usr/bin/env python3
"""The tests of rings, segments, interrupts and tasks again, with the guest's ring 0 in ring 1 and everything
sensitive caught: each must pass as it does without."""
import os
import subprocess
import sys

FOLDER = os.path.join(os.path.dirname(os.environ.get("UMBRA86", "build/umbra86")), "tests")
HERE = os.path.dirname(os.path.abspath(__file__))


def programs():
    """Those made with guest.h, whose processors heed the environment."""
    for name in sorted(os.listdir(HERE)):
        if name.startswith("test_") and name.endswith(".c") and name != "test_traps.c":
            with open(os.path.join(HERE, name)) as f:
                if '"tests/cpu/guest.h"' in f.read():
                    yield name[:-2]


def main():
    passed = failed = 0
    for name in programs():
        program = os.path.join(FOLDER, "cpu_" + name)
        done = subprocess.run([program], env={**os.environ, "UMBRA86_DEPRIVILEGED": "1"}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=500)
        if done.returncode == 0:
            passed += 1
        else:
            failed += 1
            print(f"{name}: exit code {done.returncode}\n{done.stdout.decode('utf-8', 'replace')}")
    print(f"deprivileged: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
