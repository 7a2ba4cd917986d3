#!/usr/bin/env python3
"""FreeDOS answers: on our BIOS with both engines and with the check, and on Debian's SeaBIOS."""
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from boot import SHARED, Checks, Run  # noqa: E402
from packages import Missing, package_file  # noqa: E402

t = Checks("FreeDOS")
image = SHARED / "guests" / "fd14.img"
script = t.file("dos.script", 'wait "A:\\>" 60\ntype "ver\\n"\nwait "FreeCom version 0.82" 30\n'
                'type "dir\\n"\nwait "112,371" 30\nscreentext\nquit\n')
ways = {"shadow": [], "direct": ["--mmu", "direct"], "both, compared": ["--mmu-check"], "a 486": ["-cpu", "486"],
        "SeaBIOS": ["-bios"]}
for name, options in ways.items():
    try:
        if options == ["-bios"]:
            options = ["-bios", package_file("seabios", "usr/share/seabios/bios.bin")]
    except Missing as e:
        t.skip(f"{name}: {e}")
        continue
    if not image.exists():
        t.skip(f"{name}: no {image}")
    else:
        run = Run("-m", 16, "-fda", image, "-snapshot", "-display", "none", "--script", script, *options)
        t.ends(name, run, 0)
        t.check(f"{name}: five files", b"5 file(s)" in run.out, run)
t.finish()
