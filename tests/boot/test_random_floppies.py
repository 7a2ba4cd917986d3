#!/usr/bin/env python3
"""64 KiB of random bytes, booted as a floppy, 200 times: a documented exit code and a clear line, never a crash."""
import os
import random
import sys

sys.path.insert(0, os.path.dirname(__file__))
from boot import ASAN, Checks, Run  # noqa: E402

DOCUMENTED = {0, 80, 81, 124}

t = Checks("random floppies")
for seed in range(200):
    data = bytearray(random.Random(seed).randbytes(65536))
    data[510:512] = b"\x55\xaa"
    run = Run("-fda", t.file("random.img", bytes(data)), "-snapshot", "-m", 4, "-display", "none",
              "--timeout-insns", 3000000, limit=60)
    t.check(f"seed {seed}", run.code in DOCUMENTED and (run.err or run.code == 0) and ASAN not in run.err, run)
t.finish()
