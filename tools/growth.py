#!/usr/bin/env python3
"""What growth costs: the curves of docs/PERFORMANCE.md, from runs made now, written there between their marks and into
docs/images. `./dev growth` is the usual way.

    tools/growth.py [--qemu] [--runs N] [--only CURVE] [--no-write] [build/umbra86]

The guests are tools/growth/*.asm, one image a point. A point is run with few rounds of its loop and with many; what is
counted is the difference, in CPU seconds (the least of N runs) and in instructions, so that neither BIOS nor first use
is in it. Memory is PSS of the whole process, when the guest has touched it all and stands still.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from svg_chart import line_chart

ROOT = pathlib.Path(__file__).resolve().parent.parent
GUESTS = ROOT / "tools" / "growth"
PAGE = ROOT / "docs" / "PERFORMANCE.md"
IMAGES = ROOT / "docs" / "images"
MIB = 1 << 20
PAGE_SIZE = 4096
FIRST_MIB = 16  # where guests that grow begin: see memory.asm
EXIT = ["-display", "none", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
QEMU = "qemu-system-i386"

COUNTS = [1 << k for k in range(10, 21)]
SPACES = [1 << k for k in range(9)]
SIZES = [1 << k for k in range(11)]
TOUCHES = 8 << 20     # of pages, about, for a point
EXECUTED = 256 << 20  # instructions, about, for a point


def fail(text):
    sys.exit(f"growth: {text}")


class Bench:
    def __init__(self, umbra86, qemu, runs, folder):
        self.umbra86, self.runs, self.folder = umbra86, runs, folder
        self.engines = {f"umbra86, {e}": [umbra86, "--mmu", e] for e in ("shadow", "nested", "direct")}
        if qemu:
            self.engines["QEMU"] = [QEMU, "-net", "none"]

    def assemble(self, guest, **defines):
        image = self.folder / f"{guest}.bin"
        flags = [f"-D{name}={value}" for name, value in defines.items()]
        subprocess.run(["nasm", "-w+all", "-f", "bin", "-I", f"{GUESTS}/", *flags, GUESTS / f"{guest}.asm", "-o", image],
                       check=True)
        return image

    def cpu_seconds(self, command, image, mib):
        best = None
        for _ in range(self.runs):
            child = subprocess.Popen([*map(str, command), "-m", str(mib), "-kernel", str(image), *EXIT],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            said = child.stderr.read().decode("utf-8", "replace")
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            child.stderr.close()
            if child.returncode != 1:
                fail(f"{command[0]} on {image.name}: exit code {child.returncode} {said}")
            seconds = usage.ru_utime + usage.ru_stime
            best = seconds if best is None else min(best, seconds)
        return best

    def instructions(self, image, mib):
        stats = self.folder / "stats.json"
        self.cpu_seconds([self.umbra86, "--stats-json", stats], image, mib)
        return json.loads(stats.read_text())["instructions"]

    def point(self, guest, mib, engines, few, many, **defines):
        """Seconds by engine, and instructions, of many - few rounds."""
        low, high = {}, {}
        counted = []
        for rounds, seconds in ((few, low), (many, high)):
            image = self.assemble(guest, ROUNDS=rounds, **defines)
            counted.append(self.instructions(image, mib))
            for name in engines:
                seconds[name] = self.cpu_seconds(self.engines[name], image, mib)
        return {name: max(high[name] - low[name], 1e-6) for name in engines}, counted[1] - counted[0]

    def footprint(self, mib, guest_mib):
        """PSS in KiB of the process once the guest has touched `mib`."""
        image, com1 = self.assemble("memory", ROUNDS=1, MIB=mib, SPIN=1), self.folder / "com1"
        com1.write_bytes(b"")
        with subprocess.Popen([self.umbra86, "-m", str(guest_mib), "-kernel", image, "-serial", f"file:{com1}", *EXIT],
                              stdin=subprocess.DEVNULL) as child:
            try:
                for _ in range(6000):
                    if com1.read_bytes():
                        rollup = pathlib.Path(f"/proc/{child.pid}/smaps_rollup").read_text()
                        return int(re.search(r"^Pss: +(\d+)", rollup, re.M)[1])
                    time.sleep(0.01)
            finally:
                child.kill()
        return fail("the guest that touches memory said nothing")


def table(first, series, form):
    names = list(series)
    lines = [f"| {first} | " + " | ".join(names) + " |", "|--:" * (len(names) + 1) + "|"]
    for row in zip(*series.values()):
        lines.append(f"| {row[0][0]} | " + " | ".join(format(y, form) for _, y in row) + " |")
    return "\n".join(lines)


def measure(bench, engines, points, guest, value):
    """`points` yields (x, MiB, few, many, defines); `value` makes a y of seconds, instructions and rounds."""
    series = {name: [] for name in engines}
    for x, mib, few, many, defines in points:
        seconds, executed = bench.point(guest, mib, engines, few, many, **defines)
        for name in engines:
            series[name].append((x, value(seconds[name], executed, many - few, x)))
        print(f"{guest} {x}: " + ", ".join(f"{name} {series[name][-1][1]:.4g}" for name in engines), flush=True)
    return series


def code(bench):
    engines = [e for e in bench.engines if e not in ("umbra86, nested", "umbra86, direct")]
    points = [(n, 64, 1, 1 + max(1, EXECUTED // n), {"COUNT": n}) for n in COUNTS]
    series = measure(bench, engines, points, "code", lambda s, executed, rounds, n: executed / s / 1e6)
    return series, ("Millions of instructions a second by the size of a loop", "instructions in the loop",
                    "MIPS (CPU seconds)"), False, ".0f"


def spaces(bench):
    points = [(n, 64, 2, 2 + (TOUCHES >> 5) // n, {"SPACES": n}) for n in SPACES]
    series = measure(bench, bench.engines, points, "spaces", lambda s, executed, rounds, n: s / rounds / n * 1e9)
    return series, ("A CR3 switch and 32 pages touched, by the number of address spaces", "address spaces",
                    "ns a switch (CPU)"), True, ".0f"


def memory(bench):
    points = [(n, n + FIRST_MIB, 1, 1 + max(1, (TOUCHES >> 8) // n), {"MIB": n}) for n in SIZES]
    series = measure(bench, bench.engines, points, "memory",
                     lambda s, executed, rounds, n: s / rounds / (n * MIB // PAGE_SIZE) * 1e9)
    return series, ("A read and a write in a page that was touched before", "MiB of guest memory, page after page",
                    "ns a page (CPU)"), True, ".1f"


def footprint(bench):
    series = {"touched by the guest": [], "umbra86, PSS": []}
    for n in SIZES:
        pss = bench.footprint(n, SIZES[-1] + FIRST_MIB)
        series["touched by the guest"].append((n, n))
        series["umbra86, PSS"].append((n, pss / 1024))
        print(f"footprint {n}: {pss} KiB", flush=True)
    return series, ("Memory of the program by what the guest has touched", "MiB touched by the guest",
                    "MiB of the host (PSS)"), True, ".1f"


CURVES = {"code": code, "spaces": spaces, "memory": memory, "footprint": footprint}


def write(name, text):
    begin, end = f"<!-- {name}: written by tools/growth.py -->\n", f"<!-- end of {name} -->\n"
    page = PAGE.read_text()
    if begin not in page or end not in page:
        fail(f"{PAGE} has no marks for {name}")
    PAGE.write_text(page[:page.index(begin) + len(begin)] + "\n" + text + "\n\n" + page[page.index(end):])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--qemu", action="store_true", help="beside QEMU's TCG on the same images")
    p.add_argument("--runs", type=int, default=2, help="of each point")
    p.add_argument("--only", choices=CURVES, help="one curve")
    p.add_argument("--no-write", action="store_true", help="print only")
    p.add_argument("umbra86", nargs="?", default=str(ROOT / "build" / "umbra86"))
    args = p.parse_args()
    if args.qemu and not shutil.which(QEMU):
        fail(f"no {QEMU} here")
    with tempfile.TemporaryDirectory(prefix="umbra86-growth-") as folder:
        bench = Bench(args.umbra86, args.qemu, args.runs, pathlib.Path(folder))
        for name, curve in CURVES.items():
            if args.only not in (None, name):
                continue
            series, (title, x, y), log_y, form = curve(bench)
            if not args.no_write:
                IMAGES.mkdir(exist_ok=True)
                (IMAGES / f"growth-{name}.svg").write_text(line_chart(title, x, y, series, log_y))
                write(name, f"![{title}](images/growth-{name}.svg)\n\n" + table(f"{x}", series, form))


main()
