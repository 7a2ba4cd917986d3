#!/usr/bin/env python3
"""Debian's kernel reaches its init: by -kernel and from the CD, with both engines, and with the two compared.

The guest is made by shared/bench/linux/make.sh, which downloads packages; this test uses it when it has been made, in
$JUDGE_CACHE/linux (default /tmp/umbra86-judge/linux).
"""
import os
import pathlib
import sys

sys.path.insert(0, os.path.dirname(__file__))
from boot import Checks, Run  # noqa: E402

t = Checks("Linux")
guest = pathlib.Path(os.environ.get("JUDGE_CACHE", "/tmp/umbra86-judge")) / "linux"
script = t.file("ready.script", 'wait "READY" 400\nquit\n')
ways = {"-kernel, shadow": [], "-kernel, direct": ["--mmu", "direct"], "-kernel, compared": ["--mmu-check"],
        "CD, shadow": [], "CD, direct": ["--mmu", "direct"]}
for name, options in ways.items():
    if not (guest / "linux.iso").exists():
        t.skip(f"{name}: no {guest}/linux.iso")
        continue
    if name.startswith("CD"):
        boot = ["-cdrom", guest / "linux.iso", "-boot", "d"]
    else:
        boot = ["-kernel", guest / "vmlinuz", "-initrd", guest / "initrd.gz",
                "-append", (guest / "cmdline").read_text().strip()]
    t.ends(name, Run("-m", 256, *boot, "-display", "none", "-no-reboot", "--script", script, *options, limit=200), 0)
t.finish()
