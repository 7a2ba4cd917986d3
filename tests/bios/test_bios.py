#!/usr/bin/env python3
"""Runs the BIOS probe (probe.asm: a boot floppy) on the built program and counts its checks.

    test_bios.py            with $UMBRA86, or build/umbra86
    test_bios.py --show     prints every check
"""
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
FLOPPY_BYTES = 1474560
DISK_BYTES = 16 << 20
INSTRUCTIONS = 3_000_000_000  # it needs a tenth


def main():
    program = os.environ.get("UMBRA86", "build/umbra86")
    with tempfile.TemporaryDirectory() as folder:
        floppy, disk, serial = (f"{folder}/{name}" for name in ("floppy", "disk", "serial"))
        subprocess.run(["nasm", "-f", "bin", "-I", f"{HERE}/", "-o", floppy, HERE / "probe.asm"],
                       check=True)
        os.truncate(floppy, FLOPPY_BYTES)
        with open(disk, "wb") as file:
            file.truncate(DISK_BYTES)
        run = subprocess.run(
            [program, "-m", "16", "-display", "none", "-serial", f"file:{serial}", "-fda", floppy,
             "-hda", disk, "-boot", "a", "-device", "isa-debug-exit,iobase=0x501,iosize=1",
             "--timeout-insns", str(INSTRUCTIONS)], capture_output=True, text=True, timeout=300)
        text = open(serial, errors="replace").read() if os.path.exists(serial) else ""

    lines = text.splitlines()
    passed = [line for line in lines if line.startswith("ok ")]
    failed = [line for line in lines if line.startswith("FAIL ")]
    if "END" not in lines or run.returncode != 1:
        failed.append(f"FAIL the probe did not come to its end (code {run.returncode}): "
                      f"{run.stderr.strip()[-300:]}")
    for line in (lines if "--show" in sys.argv else failed):
        print(line)
    print(f"bios: {len(passed)} passed, {len(failed)} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
