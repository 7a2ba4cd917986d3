#!/usr/bin/env python3
"""--config as its user meets it: what is wrong in the file is told with its place, sharing is counted, limits hold, and a
swap disk that is full pauses a guest and loses nothing."""
import json
import os
import pathlib
import resource
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "boot"))
from boot import UMBRA86, Checks, Run, boot_sector  # noqa: E402

HEADLESS = ["-display", "none", "-rtc", "base=2026-01-31T12:00:00"]
DEMO = os.path.join(os.path.dirname(UMBRA86), "roms", "demo.img")
t = Checks("--config")


def filler(byte):
    """Fills seven times 64 KiB with bytes of its own, compares them three times, and switches itself off; or halts."""
    return boot_sector(bytes.fromhex(
        f"fa bb0010 8ec3 31ff b9ffff b0{byte:02x} 00f8 f3aa 81c30010 81fb0080 75e9"      # rep stosb
        f"bd0300 bb0010 8ec3 31ff b9ffff b0{byte:02x} 00f8 f3ae 7514 81c30010 81fb0080 75e7 4d 75e1"  # repe scasb
        "ba0406 b80020 ef f4"))


def config(name, *lines):
    return t.file(name, "\n".join(lines) + "\n")


def guest(name, image, *more):
    return [f"[guest {name}]", "memory = 8M", f"fda = {image}", "snapshot = on", "boot = a", *more]


def wrong(what, place, words, *lines):
    path = config("wrong.ini", *lines)
    t.ends(what, Run("--config", path, *HEADLESS), 64, f"{path}:{place}: {words}".encode())


def places():
    host = ["[host]", "pool = 8M"]
    wrong("a limit above the memory", "5:9", "limit: guest a has no more than its memory, 8 MiB",
          *host, "[guest a]", "memory = 8M", "limit = 16M")
    wrong("a guarantee above the memory", "4:13", "guarantee: guest a has no more than its memory, 8 MiB",
          *host, "[guest a]", "guarantee = 9M", "memory = 8M")
    wrong("a guarantee above the limit", "6:13", "guarantee: more than the limit of guest a, 4 MiB",
          *host, "[guest a]", "memory = 8M", "limit = 4M", "guarantee = 6M")
    wrong("guarantees above the pool", "8:13", "guarantee: with this one the guests are promised 10 MiB, and the pool has 8",
          *host, "[guest a]", "memory = 8M", "guarantee = 6M", "[guest b]", "memory = 8M", "guarantee = 4M")
    wrong("a size that is none", "4:9", "limit: a size from 1M to 3G is wanted", *host, "[guest a]", "limit = much")
    wrong("sharing = perhaps", "2:11", "sharing is on or off", "[host]", "sharing = perhaps", "[guest a]", "memory = 8M")
    path = config("full.ini", "[host]", "swap = /dev/full", "[guest a]", "memory = 8M")
    t.ends("swap on what is no file", Run("--config", path, *HEADLESS), 65, b"/dev/full: a file is wanted for swap")


def stats(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as e:
        t.check(f"statistics: {e}", False)
        return None


def sharing():
    runs = []
    for n in "12":
        com, out = t.path("com" + n), t.path(f"stats{n}.json")
        rtc = "rtc = base=2026-01-01" # what repeats must not ask the host for the time
        path = config("share.ini", "[host]", "sharing = on", *guest("a", DEMO, rtc, f"serial = file:{com}"),
                      *guest("b", DEMO, rtc))
        script = t.file("share.script", '@a wait "checks passed" 60\ninfo guests\ninfo hypervisor\n')
        run = Run("--config", path, *HEADLESS, "--script", script, "--stats-json", out)
        t.ends("two demos that share", run, 0)
        t.check("the demo's checks", com.exists() and b"checks passed" in com.read_bytes(), run)
        t.check("info names sharing", b"shared" in run.out and b"frames have several pages, and save" in run.out, run)
        runs.append((run.out, stats(out)))
    s = runs[0][1]
    if s and runs[1][1]:
        t.check("pages were shared and broken", s["sharing"]["shared"] > 100 and s["sharing"]["broken"] > 50)
        t.check("the sum of the guests", sum(g["shared"] for g in s["guests"]) == s["sharing"]["shared"])
        copied = [sum(g["hypervisor"]["share_break"]["copied"]) for g in s["guests"]]
        t.check("each break is an event", copied == [g["broken"] for g in s["guests"]])
        t.check("it repeats", s["sharing"] == runs[1][1]["sharing"] and runs[0][0] == runs[1][0])


def bounds():
    a, b, out = t.file("a.img", filler(0x11)), t.file("b.img", filler(0x66)), t.path("bounds.json")
    path = config("bounds.ini", "[host]", "pool = 2M", f"swap = {t.path('swap')}",
                  *guest("a", a, "memory = 16M", "limit = 1M"), *guest("b", b, "guarantee = 1M"))
    run = Run("--config", path, *HEADLESS, "--stats-json", out, limit=30)
    t.ends("a limit and a guarantee", run, 0)
    s = stats(out)
    if s:
        t.check("the limit", s["guests"][0]["resident"] <= 256)
        t.check("swap is removed", not t.path("swap").exists())


def full_disk():
    names = "abcd"
    images = [t.file(n + ".img", filler(0x11 * (k + 1))) for k, n in enumerate(names)]
    lines = ["[host]", "pool = 1M", f"swap = {t.path('swap')}"]
    for n, image in zip(names, images):
        lines += guest(n, image)
    path = config("disk.ini", *lines)
    out = t.path("disk.json")
    run = Run("--config", path, *HEADLESS, "--stats-json", out, limit=30)
    t.ends("four guests swap", run, 0)
    s = stats(out)
    t.check("pages went out and in", s and s["swap"]["pages_out"] > 100 and s["swap"]["pages_in"] > 100)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16384, hard))
    try:
        run = Run("--config", path, *HEADLESS, limit=30)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    t.ends("a disk that is full", run, 71, b" is paused: the pool of 1 MiB is used up, and the swap file")
    t.check("how to go on", b"cont` lets it try again" in run.err and b"File too large" in run.err, run)


def balloon():
    com = t.path("balloon.com")
    path = config("balloon.ini", *guest("a", DEMO, f"serial = file:{com}", "balloon = 6M"), *guest("b", DEMO))
    script = t.file("balloon.script", '@a wait "balloon: 512 pages" 10\n@b balloon 4\n@b wait "balloon: 1024 pages" 10\n'
                    '@b balloon\n@b balloon 8\n@b wait "balloon: 0 pages" 10\n@a wait "checks passed" 60\n')
    run = Run("--config", path, *HEADLESS, "--script", script, "--stats-json", t.path("balloon.json"))
    t.ends("the demo's balloon", run, 0)
    t.check("the monitor's balloon", b"balloon: 4.000 MiB wanted, 4.000 MiB in it; the guest has 4.000 of its 8.000" in run.out, run)
    s = stats(t.path("balloon.json"))
    t.check("its counts", s and [g["balloon"]["held"] for g in s["guests"]] == [512, 0])
    t.ends("a wish that is too great", Run("--config", path, *HEADLESS, "--script", t.file(
        "wish.script", "@b balloon 9\n")), 64, b"balloon 9: the MiB that the guest is to make do with are wanted, 1 to 8")
    wrong("a balloon above the memory", "3:11", "balloon: guest a has no more than its memory, 8 MiB",
          "[guest a]", "memory = 8M", "balloon = 9M")


for part in (places, sharing, bounds, full_disk, balloon):
    part()
t.finish()
