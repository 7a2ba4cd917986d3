#!/usr/bin/env python3
"""Checkpoints in a new process: in the middle of Linux' start, at the DOS prompt, and of several guests while they swap.
Each goes on to the state that a run without a checkpoint has, under either engine. And what happens to the older file when
the program is killed while it saves, and when the disk is full. Linux is made by shared/bench/linux/make.sh.
"""
import concurrent.futures
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from boot import SHARED, UMBRA86, Checks, Run, boot_sector  # noqa: E402
from packages import Missing, linux_guest  # noqa: E402

t = Checks("checkpoints")
QUIET = ["-display", "none", "-rtc", "base=2026-01-01"]


def script(name, *lines):
    return t.file(name + ".script", "\n".join([*lines, "quit", ""]))


def hashes(run):
    return re.findall(rb"^([0-9a-f]{16}) after (\d+) instructions", run.out, re.M)


def going_on(name, machine, before, after, engines=("shadow", "direct")):
    """`before` and `after` are commands; between them the machine is saved, and loaded elsewhere."""
    file, again = t.path(f"{name}.ckpt"), t.path(f"{name}.again")
    plain = Run(*machine, *QUIET, "--script", script(name + "0", *before, *after, "hash"), limit=300)
    saved = Run(*machine, *QUIET, "--script", script(name + "1", *before, f"savevm {file}", *after, "hash",
                                                      f"savevm {again}"), limit=300)
    t.ends(f"{name}: without a checkpoint", plain, 0)
    t.ends(f"{name}: saving", saved, 0)
    t.check(f"{name}: saving changes nothing", hashes(plain) and hashes(plain) == hashes(saved), saved)
    for engine in engines:
        other = t.path(f"{name}.{engine}")
        # Another date: the clock is the checkpoint's.
        run = Run(*machine, "-display", "none", "-rtc", "base=1999-12-31", "--mmu", engine, "-loadvm", file, "--script",
                  script(name + engine, *after, "hash", f"savevm {other}"), limit=300)
        t.ends(f"{name}: going on, {engine}", run, 0)
        t.check(f"{name}: the same in the end, {engine}", hashes(run) == hashes(plain), run)
        t.check(f"{name}: the same to the last byte, {engine}",
                other.exists() and other.read_bytes() == again.read_bytes())


def dos():
    image = SHARED / "guests" / "fd14.img"
    if not image.exists():
        return t.skip(f"DOS: no {image}")
    going_on("DOS", ["-m", 16, "-fda", image, "-snapshot"],
             ['wait "A:\\>" 60', 'type "echo one > two.txt\\n"', "sleep 2"],
             ['type "type two.txt\\n"', "sleep 1", 'type "dir\\n"', 'wait "TWO" 30', "until 1500000000"])


def linux(guest):
    """One run is saved twice: while the kernel starts its drivers, and when init runs."""
    machine = ["-m", 64, "-kernel", guest / "vmlinuz", "-initrd", guest / "initrd.gz",
               "-append", (guest / "cmdline").read_text().strip()]
    early, late = t.path("early.ckpt"), t.path("late.ckpt")
    marks = ["until 1500000000", "until 2300000001", "hash", "until 6000000000", 'wait "READY" 300', "until 6420000000",
             "hash"]
    plain = Run(*machine, *QUIET, "--script", script("linux0", *marks), limit=500)
    saved = Run(*machine, *QUIET, "--script", script("linux1", marks[0], f"savevm {early}", *marks[1:4],
                                                      f"savevm {late}", *marks[4:]), limit=500)
    t.ends("Linux: without a checkpoint", plain, 0)
    t.ends("Linux: saving", saved, 0)
    known = hashes(plain)
    t.check("Linux: saving changes nothing", len(known) == 2 and hashes(saved) == known, saved)
    for name, engine, file, after, end in [("start", "shadow", early, marks[1:3], known[:1]),
                                           ("start", "direct", early, marks[1:3], known[:1]),
                                           ("init", "shadow", late, marks[4:], known[1:])]:
        run = Run(*machine, "-display", "none", "--mmu", engine, "-loadvm", file, "--script",
                  script(name + engine, *after), limit=500)
        t.ends(f"Linux: going on, {name}, {engine}", run, 0)
        t.check(f"Linux: the same in the end, {name}, {engine}", hashes(run) == end, run)


def several(guest):
    kernel = [f"kernel = {guest / 'vmlinuz'}", f"initrd = {guest / 'initrd.gz'}",
              f"append = {(guest / 'cmdline').read_text().strip()}", "rtc = base=2026-01-01"]
    config = t.file("lab.ini", "\n".join(["[host]", "pool = 20M", f"swap = {t.dir.name}", "sharing = on", "[guest a]", "memory = 40M", *kernel,
                                          "[guest b]", "memory = 40M", *kernel, ""]))
    file, one = t.path("lab.ckpt"), t.path("b.ckpt")
    after = ["@a until 2300000000", "@a stop", "@a hash", "@b until 2400000000", "@b stop", "@b hash"]

    def run(name, *lines, options=()):
        return Run("--config", config, "-display", "none", *options, "--script", script(name, *lines), limit=300)

    plain = run("lab0", "@a until 1900000000", *after, options=["--stats-json", t.path("lab.json")])
    saved = run("lab1", "@a until 1900000000", "info guests", f"savevm {file}", f"@b savevm {one}", *after)
    t.ends("several guests: without a checkpoint", plain, 0)
    t.ends("several guests: saving", saved, 0)
    shared = re.search(rb"sharing: (\d+) frames have several pages, and save (\d+)", saved.out)
    pages = [row.split() for row in saved.out.splitlines() if row[:2] in (b"a ", b"b ")]
    swapped = sum(int(row[6]) - int(row[7]) for row in pages)
    t.check("several guests: they share pages and others are swapped out when they are saved",
            shared and int(shared[1]) > 100 and swapped > 100, saved)
    print(f"several guests: saved with {shared and shared[0].decode()}; {swapped} pages swapped out")
    swap = json.loads(t.path("lab.json").read_text())["swap"]
    t.check("several guests: they swap", swap["pages_out"] > 2000 and swap["pages_in"] > 500, plain)
    t.check("several guests: saving changes nothing", len(hashes(plain)) == 2 and hashes(saved) == hashes(plain), saved)
    loaded = run("lab2", *after, options=["-loadvm", file])
    t.check("several guests: the same in the end", hashes(loaded) == hashes(plain), loaded)
    # All of them into a set that has gone elsewhere, then one of them once more.
    back = run("lab3", "@a until 400000000", "@b type \"x\"", f"loadvm {file}", *after, f"@b loadvm {one}", "@b cont",
               "@b until 2400000000", "@b stop", "@b hash")
    t.check("several guests: back in place", hashes(back)[:2] == hashes(plain), back)
    t.check("several guests: one by itself", hashes(back)[2:] == hashes(plain)[1:], back)
    mixed = run("lab4", f"loadvm {one}")
    t.ends("several guests: one for all", mixed, 64, b"@GUEST loadvm")
    alone = Run("-m", 40, *sum((["-" + key, value] for key, _, value in (line.partition(" = ") for line in kernel[:3])), []),
                "-display", "none", "-loadvm", one, "--script", script("alone", "until 2400000000", "hash"), limit=300)
    t.check("several guests: one without the others", hashes(alone) == hashes(plain)[1:], alone)


# ---- files ----

# cli; again: inc word [5000]; jmp again
COUNTS = bytes([0xFA, 0x31, 0xC0, 0x8E, 0xD8, 0xFF, 0x06, 0x00, 0x50, 0xEB, 0xFA])


def killed():
    """The file that is there after kill -9, whenever that comes, is a whole one."""
    image, file = t.file("killed.img", boot_sector(COUNTS)), t.path("killed.ckpt")
    machine = ["-m", 8, "-fda", image, "-snapshot"]
    lines = [line for n in range(1, 120) for line in (f"until {2000000 + 1000 * n}", "hash", f"savevm {file}")]
    known = hashes(Run(*machine, *QUIET, "--script", script("reference", *[x for x in lines if "savevm" not in x])))
    generator, seen, parts = random.Random(7), set(), 0
    for _ in range(12):
        program = subprocess.Popen([UMBRA86, *map(str, machine), *QUIET, "--script", script("saves", *lines)],
                                   stdout=subprocess.PIPE)
        # Every line is said before a save; the first is there before the second is said.
        for _ in range(generator.randint(2, 40)):
            program.stdout.readline()
        time.sleep(generator.random() * 0.02)
        program.send_signal(signal.SIGKILL)
        program.wait()
        parts += t.path("killed.ckpt.part").exists()
        run = Run(*machine, "-display", "none", "-loadvm", file, "--script", script("look", "hash"))
        t.check("killed: the file can be loaded", run.code == 0 and hashes(run) and hashes(run)[0] in known, run)
        seen.update(hashes(run))
    t.check("killed: at different times", len(seen) > 2)
    print(f"killed: {len(seen)} different checkpoints survived, {parts} times one was being written")


def full_disk():
    """A limit on the length of files does to us what a full disk does."""
    image, file = t.file("full.img", boot_sector(COUNTS)), t.path("full.ckpt")
    machine = ["-m", 8, "-fda", image, "-snapshot"]
    t.ends("full disk: the first", Run(*machine, *QUIET, "--script", script("first", "until 2000000", f"savevm {file}")), 0)
    was = file.read_bytes()

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

    done = subprocess.run([UMBRA86, *map(str, machine), *QUIET, "--script",
                           script("second", "until 2100000", f"savevm {file}")], preexec_fn=limit, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    t.check("full disk: one line", done.returncode == 64 and done.stderr.count(b"\n") == 1 and
            b"full.ckpt.part: cannot be written: File too large" in done.stderr, done)
    t.check("full disk: the older file", file.read_bytes() == was and not t.path("full.ckpt.part").exists())


def bad_files():
    image, file = t.file("counts.img", boot_sector(COUNTS)), t.path("good.ckpt")
    machine = ["-m", 8, "-fda", image, "-snapshot"]
    Run(*machine, *QUIET, "--script", script("good", "until 2000000", f"savevm {file}"))
    good = file.read_bytes()
    for name, data, words in [("cut", good[:-60], b"incomplete"), ("empty", b"", b"empty"),
                              ("foreign", b"#!/bin/sh\nexit\n", b"not a checkpoint"),
                              ("damaged", good[:9000] + bytes([good[9000] ^ 1]) + good[9001:], b"damaged")]:
        bad = t.file(name + ".ckpt", data)
        run = Run(*machine, *QUIET, "-loadvm", bad)
        t.ends(f"{name} file", run, 65, words)
        t.check(f"{name} file: one line, with its name", run.err.count(b"\n") == 1 and bytes(bad) in run.err, run)
    t.ends("no file", Run(*machine, *QUIET, "-loadvm", "/no/such/file"), 65, b"/no/such/file: cannot be read: No such file")
    t.ends("another machine", Run("-m", 16, *machine[2:], *QUIET, "-loadvm", file), 65, b"memory of 8192 KiB")


def linux_or_skip(work):
    try:
        work(linux_guest())
    except Missing as e:
        t.skip(f"{work.__name__}: {e}")


with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for done in [pool.submit(linux_or_skip, several), pool.submit(linux_or_skip, linux),
                 *[pool.submit(work) for work in (dos, killed, full_disk, bad_files)]]:
        done.result()
t.finish()
