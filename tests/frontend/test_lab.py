#!/usr/bin/env python3
"""Several guests and what belongs to whom: serial lines and disks that are one guest's alone, in one process and
between two; keyboards; interrupts; the picture of all displays."""
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "boot"))
from boot import UMBRA86, Checks, Run, boot_sector, debug_exit  # noqa: E402

t = Checks("lab")
HEADLESS = ("-display", "none")
# Sends back what COM1 says, each byte plus one.
ECHO = boot_sector(b"\xba\xfb\x03\xb0\x03\xee\xba\xfd\x03\xec\xa8\x01\x74\xfb\xba\xf8\x03\xec\xfe\xc0\xee\xeb\xef")
# All interrupts but the keyboard's masked, and HLT for ever.
WAITS = boot_sector(b"\xfa\xb0\xfd\xe6\x21\xb0\xff\xe6\xa1\xfb\xf4\xeb\xfd")

# Waits for twenty ticks of the timer, then switches itself off.
TICKS = boot_sector(bytes.fromhex("fb b91400 f4 e2fd ba0406 b80020 ef f4"))


def lab(text, *args, script=None, **more):
    config = t.file("lab.ini", text)
    if script is not None:
        args += ("--script", t.file("lab.script", script))
    return Run("--config", config, *HEADLESS, *args, **more)


def guest(name, image, *lines):
    return "\n".join([f"[guest {name}]", "memory = 2M", f"fda = {t.file(name + '.img', image)}", *lines, ""])


def talk(master, said, seconds=20):
    """What comes back for these bytes."""
    os.write(master, said)
    end, back = time.monotonic() + seconds, b""
    while len(back) < len(said) and time.monotonic() < end:
        try:
            back += os.read(master, 100)
        except BlockingIOError:
            time.sleep(0.02)
    return back


def serial_line():
    master, slave = os.openpty()
    line = os.ttyname(slave)
    os.close(slave)
    os.set_blocking(master, False)
    for key in (f"passthrough = serial:{line}", f"serial = {line}", f"serial = tty:{line}"):
        both = guest("one", ECHO, key) + guest("two", WAITS, key)
        run = lab(both)
        t.ends("a line for two guests", run, 64, b"belongs to guest one already")
        t.check("it says where", re.search(rb"lab\.ini:8:\d+: ", run.err), run)
    config = t.file("owner.ini", guest("one", ECHO, f"passthrough = serial:{line}") + guest("two", WAITS))
    with open(t.path("said"), "wb") as said:
        owner = subprocess.Popen([UMBRA86, "--config", config, *HEADLESS], stdin=subprocess.DEVNULL, stdout=said,
                                 stderr=said)
    try:
        time.sleep(1)
        t.check(f"bytes flow both ways: {t.path('said').read_text()}", talk(master, b"HAL12") == b"IBM23")
        t.ends("a line that another process has", Run("-fda", t.file("w.img", WAITS), "-serial", line, *HEADLESS), 65,
               b"another program has this line")
        disk = t.path("one.img")
        t.ends("a disk that another process writes", Run("-fda", disk, *HEADLESS), 65, b"another drive or program")
        t.ends("the same for -snapshot", Run("-fda", disk, "-snapshot", *HEADLESS), 65, b"another drive or program")
        t.check("the owner goes on", owner.poll() is None and talk(master, b"a") == b"b")
    finally:
        owner.terminate()
        t.check("it ends when told to", owner.wait(20) == 130)
        os.close(master)
    t.ends("no such line", lab(guest("one", WAITS, "passthrough = serial:/dev/gone")), 65, b"/dev/gone: No such file")
    t.ends("no line at all", lab(guest("one", WAITS, f"serial2 = tty:{t.file('plain', b'x')}")), 65, b"no serial line")


def disks():
    image = t.file("shared.img", debug_exit(0x21))
    key = f"[guest %s]\nfda = {image}\n"
    t.ends("a disk for two guests", lab(key % "one" + key % "two"), 64, b"lab.ini:4:7: fda: ")
    off = boot_sector(b"\xba\x04\x06\xb8\x00\x20\xef\xf4")
    image.write_bytes(off)
    t.ends("with snapshot for both it is fine", lab((key + "snapshot = on\n") % "one" + (key + "snapshot = on\n") % "two"), 0)
    own = t.file("own.img", off)
    run = lab(f"[guest one]\npassthrough = floppy:{own}\nboot = a\n")
    t.ends("a floppy passed through boots", run, 0)
    reader = subprocess.Popen([UMBRA86, "-drive", f"if=floppy,readonly=on,file={own}", "-S", "-monitor", "stdio", *HEADLESS],
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    time.sleep(1)
    t.ends("but not while another one reads it", lab(f"[guest one]\npassthrough = floppy:{own}\n"), 65, b"another drive or program")
    reader.communicate(b"quit\n", timeout=20)


def keyboards():
    two = guest("one", WAITS, "keyboard = off", "mouse = off") + guest("two", WAITS)
    for command in ("type \"x\"", "sendkey a", "mouse_move 1 1"):
        t.ends("a guest without a keyboard", lab(two, script=f"@one {command}\n"), 64, b"= off")
    stats = t.path("stats.json")
    run = lab(two, "--stats-json", stats, script='@two sleep 2\n@two type "' + "a" * 20 + '"\n@two sleep 1\ninfo irq\n@two info irq\nquit\n')
    t.ends("keys for the other", run, 0)
    rows = [line.split() for line in run.out.decode().splitlines()]
    mine = [r for r in rows if r[:2] == ["two", "1"]]
    other = [r for r in rows if r[:2] == ["one", "1"]]
    alone = [r for r in rows if r[:2] == ["1", "master"]]
    t.check("info irq shows both guests", len(mine) == 1 and len(other) == 1 and len(alone) == 1, run)
    if mine and other and alone:
        # Each letter goes down and up.
        t.check("40 interrupts in one", int(mine[0][-1]) >= 40 and mine[0][-2:] == alone[0][-2:], run)
        t.check("none in the other", other[0][-1] == "0", run)
    guests = json.loads(stats.read_text())["guests"]
    t.check("the statistics count them too", guests[1]["irq"]["1"]["delivered"] >= 40 > guests[0]["irq"]["1"]["delivered"]
            and guests[1]["irq"]["1"]["device"] == "i8042 keyboard", run)


def pictures():
    three = "".join(guest(name, WAITS) for name in ("one", "two", "three"))
    all_of_them, one = t.path("all.png"), t.path("one.png")
    run = lab(three, script=f"@one sleep 1\nscreendump {all_of_them}\n@two screendump {one}\nfocus three\nquit\n")
    t.ends("pictures", run, 0)
    size = [[int.from_bytes(p.read_bytes()[at:at + 4], "big") for at in (16, 20)] for p in (all_of_them, one)]
    t.check(f"the lab's has room for three: {size}", size[1] == [720, 400] and size[0][0] > 1440 and size[0][1] > 840)
    t.ends("a folder that is not there", lab(three, script="screendump /nowhere/x.png\n"), 64, b"/nowhere/x.png")
    t.ends("no name", lab(three, script="screendump\n"), 64, b"usage: screendump")


def monitor():
    two = guest("one", WAITS) + guest("two", WAITS)
    run = lab(two, "-monitor", "stdio", stdin=b"info guests\nnonsense\n@three info\n@two sleep 1\n@two hash\nquit\n")
    t.ends("commands are typed", run, 0)
    t.check("a mistake is told and no end", b"unknown command nonsense" in run.out and b"no guest three" in run.out
            and b" instructions" in run.out.split(b"no guest three")[1], run)
    typed = lab(two, "-monitor", "stdio", "-S", stdin=b"@one hash\n@one sleep 1\n@one cont\n@one sleep 1\n@one hash\n@two hash\nquit\n")
    hashes = [line.split()[2] for line in typed.out.splitlines() if b" after " in line]
    t.check("-S: who is stopped executes nothing", typed.code == 0 and b"is stopped" in typed.out and len(hashes) == 3
            and hashes[0] == hashes[2] == b"0" != hashes[1], typed)
    # Nobody runs, and that is no end while somebody can say cont.
    t.ends("all stopped", lab(two, "-monitor", "stdio", stdin=b"stop\n@two stop\n@two cont\n@two sleep 1\nquit\n"), 0)
    t.ends("a wait that was typed and fails", lab(two, "-monitor", "stdio", stdin=b'@two wait "never" 1\nquit\n'), 0)
    t.ends("one that is in the script", lab(two, "-monitor", "stdio", script='@two wait "never" 1\n', stdin=b"quit\n"), 82, b"not seen")
    t.ends("after the script", lab(two, "-monitor", "stdio", script="@one sleep 1\n", stdin=b'@two wait "never" 1\nquit\n'), 0)
    t.ends("the standard input has one reader", lab(guest("one", WAITS, "serial = stdio"), "-monitor", "stdio"), 64,
           b"-monitor stdio and guest one's serial = stdio")


def logs():
    """The log of a guest among others is the log of the guest alone."""
    args = ("-rtc", "base=2026-01-01")
    image, log = t.file("ticks.img", TICKS), t.path("log")
    t.ends("alone", Run("-m", "2", "-fda", image, *args, *HEADLESS, "-d", "int", "-D", log), 0)
    alone = log.read_bytes().splitlines()
    two = guest("one", TICKS, "rtc = base=2026-01-01") + guest("two", TICKS, "rtc = base=2026-01-01")
    t.ends("two logged, and traced too", lab(two, "-d", "int", "-D", log, "--trace", t.path("trace")), 0)
    lines = log.read_bytes().splitlines()
    t.check(f"{len(alone)} lines alone", len(alone) > 20 and alone == [x[5:] for x in lines if x.startswith(b"one: ")], [alone[:5], lines[:5]])
    t.check("and those of the other", any(x.startswith(b"two: ") for x in lines))
    t.ends("the trace is whole", Run("trace", t.path("trace"), "--to", "text"), 0)
    t.ends("a log that cannot be made", lab(two, "-d", "int", "-D", t.path("none") / "x"), 65, b"-D ")


def assertions():
    stats = t.path("asserted.json")
    two = "[host]\nsharing = on\ncost-model = prescott\n" + guest("one", TICKS) + guest("a.b", TICKS, "cost-model = entries")
    t.ends("counted", lab(two, "--stats-json", stats), 0)
    counted = json.loads(stats.read_text())
    ticks = [sum(n[0] for n in g["hypervisor"]["hw_interrupt"].values()) for g in counted["guests"]]
    t.check("both tick", min(ticks) >= 20)
    t.check("the cost model of all and of one", [g["cost"]["model"] for g in counted["guests"]] == ["prescott", "entries"])

    def asserted(*texts):
        return lab(two, *(w for text in texts for w in ("--assert", text)))

    t.ends("what holds", asserted(f"guest.one.hypervisor.hw_interrupt.* == {ticks[0]}", "guest.a.b.traps.denied == 0",
                                  f"guest.*.hypervisor.hw_interrupt.* == {sum(ticks)}", "pool.used > 0", "swap.pages_out == 0",
                                  "guest.*.resident == 0"), 0)
    t.ends("what does not", asserted("guest.one.hypervisor.hw_interrupt.* == 1"), 82, f"is {ticks[0]}, which is not == 1".encode())
    for name in ("guest.two.traps.denied", "guest.one.nothing", "guest.traps.denied", "traps.denied", "guest.a.traps.denied"):
        t.ends(f"no counter {name}", asserted(f"{name} == 0"), 64, b"no counter " + name.encode())
    t.ends("a cost model that is none", lab("[host]\ncost-model = guess\n[guest one]\nmemory = 2M\n"), 64, b"lab.ini:2:14: cost-model")


def ends_of_guests():
    """Without a swap file the pool has room for one of them: one fills it and waits, two wants as much and is paused, and
    goes on when one has ended."""
    fill, off = "fa bb0010 8ec3 31ff b9ffff b0aa f3aa 81c30010 81fb0090 75eb", "ba0406 b80020 ef f4"
    one, two = (boot_sector(bytes.fromhex(code)) for code in (fill + "fb b90600 f4 e2fd" + off, "fb b90200 f4 e2fd" + fill + off))
    run = lab("[host]\npool = 1M\n" + guest("one", one) + guest("two", two), "--assert", "guest.*.resident == 0")
    t.ends("both end", run, 0)
    t.check("one had been paused", b"guest two is paused: the pool" in run.err, run)
    # A checkpoint from before its end brings it back with all it had; one from after keeps it ended.
    before, after = t.path("before.ckpt"), t.path("after.ckpt")
    both = guest("one", one, "rtc = base=2026-01-01") + guest("two", WAITS, "rtc = base=2026-01-01")
    run = lab(both, script=f"@one until 1200000\n@one hash\nsavevm {before}\n@two sleep 2\n@one hash\nsavevm {after}\n"
                           f"loadvm {before}\n@one hash\n@two sleep 2\n@one hash\nquit\n")
    h = [line for line in run.out.splitlines() if b" after " in line]
    t.check("back to before its end", run.code == 0 and len(h) == 4 and h[:2] == h[2:] and h[0] != h[1], run)
    run = lab(both, "-loadvm", after, script="@one hash\ninfo guests\nquit\n")
    t.check("ended it stays", run.code == 0 and h and run.out.splitlines()[0] == h[1] and
            re.search(rb"^one +stopped.* 0\.0 ", run.out, re.M), run)


run = lab("[guest one]\n")
if b"libinih" in run.err:
    t.skip("no libinih here")
    t.finish()
for part in (serial_line, disks, keyboards, pictures, monitor, logs, assertions, ends_of_guests):
    part()
t.finish()
