#!/usr/bin/env python3
"""The program from outside: how runs end, what scripts do, and what is said of bad input."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from boot import ROOT, UMBRA86, Checks, Run, boot_sector, debug_exit  # noqa: E402

t = Checks("program")
HEADLESS = ("-display", "none")
EXIT = ("-device", "isa-debug-exit,iobase=0xf4,iosize=4")


def floppy(name, code):
    return t.file(name, boot_sector(code))


def teletype(text):
    return b"".join(bytes([0xB8, c, 0x0E, 0xBB, 7, 0, 0xCD, 0x10]) for c in text)


def serial(text):
    """Through the transmitter, waiting for it each time."""
    setup = b"\xba\xfb\x03\xb0\x03\xee"  # 8 bits a character
    wait = b"\xba\xfd\x03\xec\xa8\x20\x74\xfb\xba\xf8\x03"
    return setup + b"".join(wait + bytes([0xB0, c, 0xEE]) for c in text)


def endings():
    img = floppy("exit.img", debug_exit(0x21))
    t.ends("isa-debug-exit", Run("-fda", img, *EXIT, *HEADLESS), 0x43)
    t.ends("a bare file is recognised", Run(img, *EXIT, *HEADLESS), 0x43)
    t.ends("-snapshot", Run("-fda", img, "-snapshot", *EXIT, *HEADLESS), 0x43)
    t.ends("-drive", Run("-drive", f"if=floppy,format=raw,readonly=on,file={img}", *EXIT, *HEADLESS), 0x43)
    t.ends("--mmu direct", Run("-fda", img, "--mmu", "direct", *EXIT, *HEADLESS), 0x43)
    t.ends("--mmu-check", Run("-fda", img, "--mmu-check", *EXIT, *HEADLESS), 0x43)
    off = floppy("off.img", b"\xba\x04\x06\xb8\x00\x20\xef\xf4")
    t.ends("power-off", Run("-fda", off, *HEADLESS), 0)
    bochs = floppy("bochs.img", b"\xba\x00\x89" + b"".join(bytes([0xB0, c, 0xEE]) for c in b"Shutdown") + b"\xf4")
    t.ends("power-off by port 8900", Run("-fda", bochs, *HEADLESS), 0)
    halt = floppy("halt.img", b"\xfa\xf4\xeb\xfd")
    t.ends("halted for ever", Run("-fda", halt, *HEADLESS), 81, b"interrupts off")
    loop = floppy("loop.img", b"\xeb\xfe")
    t.ends("--timeout-insns", Run("-fda", loop, "--timeout-insns", 3000000, *HEADLESS), 124, b"3000000 instructions")
    triple = floppy("triple.img", b"\x31\xc0\x8e\xd8\x0f\x01\x1e\x10\x7c\xcc")
    run = Run("-fda", triple, *HEADLESS)
    t.ends("triple fault", run, 80, b"Triple fault")
    t.check("it is explained", b"#DF" in run.err and b"#GP" in run.err, run)
    reset = floppy("reset.img", b"\xb0\xfe\xe6\x64\xf4\xeb\xfd")
    t.ends("-no-reboot", Run("-fda", reset, "-no-reboot", *HEADLESS), 0)
    t.ends("a reset starts again", Run("-fda", reset, "--timeout-insns", 8000000, *HEADLESS), 124)


def scripts():
    img = floppy("text.img", teletype(b"on screen") + serial(b"on the line") + b"\xfb\xf4\xeb\xfd")
    png, stats, log, line = t.path("s.png"), t.path("s.json"), t.path("s.log"), t.path("com1")
    script = t.file("a.script", 'wait "on screen" 20\nwait "on the line" 10 # comment\n'
                    f'screentext\nscreendump "{png}"\ninfo registers\nx/2i\nquit\n')
    run = Run("-fda", img, *HEADLESS, "-serial", f"file:{line}", "--script", script, "--stats-json", stats,
              "-d", "int", "-D", log)
    t.ends("a script", run, 0)
    t.check("screentext", b"on screen" in run.out, run)
    t.check("info registers", b"EAX=" in run.out, run)
    t.check("COM1 went to its file", line.exists() and line.read_bytes() == b"on the line")
    t.check("screendump is a PNG", png.exists() and png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n")
    try:
        j = json.loads(stats.read_text())
        t.check("statistics", j["instructions"] > 100000 and j["guest_seconds"] > 0 and "hypervisor" in j)
    except (OSError, ValueError, KeyError) as e:
        t.check(f"statistics: {e}", False)
    t.check("the log has interrupts", log.exists() and b"v=10" in log.read_bytes())
    t.ends("what COM1 said before counts", Run("-fda", img, *HEADLESS, "--script", t.file(
        "b.script", 'sleep 5\nwait "on the line" 1\nquit\n')), 0)
    run = Run("-fda", img, *HEADLESS, "--script", t.file("c.script", 'wait "never" 1.5\nquit\n'))
    t.ends("a wait that fails", run, 82, b"c.script:1: ")
    t.check("it shows the screen", b"on screen" in run.err, run)
    t.ends("a mistake", Run("-fda", img, *HEADLESS, "--script", t.file("d.script", "\nfrobnicate\n")), 64, b"d.script:2: ")
    t.ends("a missing quote", Run("-fda", img, *HEADLESS, "--script", t.file("e.script", 'type "x\n')), 64, b"quote")
    t.ends("no script", Run("-fda", img, *HEADLESS, "--script", t.path("none")), 65, b"none")
    off = floppy("bye.img", teletype(b"bye") + b"\xba\x04\x06\xb8\x00\x20\xef\xf4")
    t.ends("text seen as the guest ends", Run("-fda", off, *HEADLESS, "--script", t.file(
        "f.script", 'wait "bye" 20\nscreentext\n')), 0)
    t.ends("text that did not come before the end", Run("-fda", off, *HEADLESS, "--script", t.file(
        "g.script", 'wait "hello" 20\n')), 82)
    run = Run("-fda", img, *HEADLESS, "-monitor", "stdio", "-S", stdin=b"info registers\nwhat\nx/1i\ncont\nstop\nquit\n")
    t.ends("a wait that was typed and fails, after a script", Run("-fda", img, *HEADLESS, "-monitor", "stdio", "--script",
           t.file("nothing", "# nothing\n"), stdin=b'wait "never" 0.01\nquit\n'), 0)
    t.ends("the monitor", run, 0)
    t.check("it reports and goes on", b"unknown command what" in run.out and b"fffffff0:" in run.out, run)
    one, two = (Run("-fda", img, *HEADLESS, "-rtc", "base=2026-01-01", "--script", t.file(
        "h.script", "until 1234567\ninfo registers\ninfo rtc\ninfo pit\nquit\n")) for _ in "12")
    t.check("runs repeat", one.code == 0 and one.out == two.out and b"1234567" in one.out, one)


def keyboard():
    # INT 16 AH=0, then what was typed goes to the port
    img = floppy("key.img", teletype(b"ready") + b"\xb4\x00\xcd\x16\xe6\xf4\xf4")
    t.ends("typed keys arrive", Run("-fda", img, *EXIT, *HEADLESS, "--script", t.file(
        "k.script", 'wait "ready" 20\ntype "B"\nsleep 5\nquit\n')), (ord("B") << 1 | 1) & 0xFF)
    t.ends("sendkey", Run("-fda", img, *EXIT, *HEADLESS, "--script", t.file(
        "l.script", 'wait "ready" 20\nsendkey ctrl-c\nsleep 5\nquit\n')), 3 << 1 | 1)
    t.ends("an unknown key", Run("-fda", img, *HEADLESS, "--script", t.file(
        "m.script", "sendkey hyper-x\n")), 64, b"no such key")
    reboot = floppy("cad.img", teletype(b"ready") + b"\xfb\xf4\xeb\xfd")
    t.ends("ctrl-alt-delete", Run("-fda", reboot, *HEADLESS, "-no-reboot", "--script", t.file(
        "n.script", 'wait "ready" 20\nsendkey ctrl-alt-delete\nsleep 10\n')), 0)


def media():
    # For every key: the first byte of the second sector, tried twice; E when there is none.
    read = b"\xbb\x00\x80\xb9\x02\x00\x31\xd2\xb8\x01\x02\xcd\x13"
    say = b"\xb4\x0e\xbb\x07\x00\xcd\x10"
    tries = read + b"\x73" + bytes([len(read) + 6]) + read + b"\x73\x04\xb0E\xeb\x03" + b"\xa0\x00\x80"
    turn = b"\x31\xc0\xcd\x16" + tries + say
    code = b"\x31\xc0\x8e\xd8\x8e\xc0" + teletype(b"key?") + turn + b"\xeb" + bytes([256 - len(turn) - 2])
    one, two = (bytearray(boot_sector(code)) for _ in "12")
    one[512], two[512] = b"12"
    one, two = t.file("one.img", bytes(one)), t.file("two.img", bytes(two))
    run = Run("-fda", one, *HEADLESS, "--script", t.file(
        "media.script", f'wait "key?" 20\ntype "k"\nwait "key?1" 5\neject fda\ntype "k"\nwait "key?1E" 5\n'
        f'change fda {two}\ntype "k"\nwait "key?1E2" 5\nchange fda {one}\ntype "k"\nwait "key?1E21" 5\n'
        f'change fda {one}\neject fda\nquit\n'))
    t.ends("floppies are changed", run, 0)
    for line, words in ((f"change fda {t.path('none')}", b"none"), (f"change hda {two}", b"no such drive"),
                        ("eject fdb", b"no such drive"), ("eject fdz", b"no such drive")):
        t.ends(line, Run("-fda", one, *HEADLESS, "--script", t.file("bad.script", line + "\n")), 64, words)
    t.ends("a CD", Run("-drive", "media=cdrom,file=" + str(one), "-fda", two, *HEADLESS, "--script", t.file(
        "cd.script", f"sleep 1\neject cdrom\nchange cdrom {two}\n")), 64, b"another drive or program")
    t.ends("a CD once more", Run("-drive", "media=cdrom,file=" + str(one), *HEADLESS, "--script", t.file(
        "cd.script", f"sleep 1\neject cdrom\nchange hdc {two}\nsleep 1\nquit\n")), 0)


def bad_input():
    text = t.file("text", "this is no image\n" * 400)
    t.ends("-m 0", Run("-m", 0), 64, b"from 1M to 3G")
    t.ends("an unknown option", Run("-hdq", "x"), 64, b"nearest")
    t.ends("no such file", Run("-fda", t.path("gone"), *HEADLESS), 65, b"gone")
    t.ends("a directory", Run("-hda", t.dir.name, *HEADLESS), 65, b"directory")
    t.ends("an empty file", Run("-fda", t.file("empty", b""), *HEADLESS), 65, b"empty")
    t.ends("a kernel that is none", Run("-kernel", text, *HEADLESS), 65, b"neither a Linux kernel")
    t.ends("a bare file that is nothing", Run(text, *HEADLESS), 65, b"neither")
    cut = bytearray(boot_sector(b"\xeb\x3c\x90MSDOS5.0" + b"\x00\x02\x01\x01\x00\x02\xe0\x00\x40\x0b\xf0\x09\x00\x12\x00\x02\x00"))
    t.ends("a truncated image", Run("-fda", t.file("cut.img", bytes(cut[:500000])), *HEADLESS), 65, b"cut.img")
    t.ends("a BIOS of a wrong size", Run("-bios", text, *HEADLESS), 65, b"multiple")
    t.ends("a log that cannot be written", Run("-d", "int", "-D", t.dir.name, *HEADLESS), 65)
    img = floppy("ro.img", debug_exit(1))
    img.chmod(0o444)
    if os.geteuid() == 0:
        t.skip("an unwritable file: root may write every file")
    else:
        t.ends("an unwritable file", Run("-fda", img, *EXIT, *HEADLESS), 3, b"read-only")


def papers():
    t.check("docs/umbra86.1 is what --man says (else: ./dev man)",
            subprocess.run([UMBRA86, "--man"], stdout=subprocess.PIPE).stdout == (ROOT / "docs/umbra86.1").read_bytes())
    t.ends("--help", Run("--help"), 0)
    t.ends("--version", Run("--version"), 0)


for part in (endings, scripts, keyboard, media, bad_input, papers):
    part()
t.finish()
