#!/usr/bin/env python3
"""Bad input: files and options that cannot be meant, and random bytes in every place where a file goes.

Every run must end by itself with a documented exit code and say in one line what is wrong: never a signal, never
a report of the sanitizers, never silence. (Random floppies: tests/boot/test_random_floppies.py.)
"""
import concurrent.futures
import os
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "boot"))
from boot import ASAN, UMBRA86, Checks, Run, boot_sector, debug_exit  # noqa: E402

USAGE, IMAGE, TIMEOUT = 64, 65, 124
DOCUMENTED = {0, 64, 65, 80, 81, 124}
HEADLESS = ("-display", "none")
QUICK = (*HEADLESS, "-m", 4, "--timeout-insns", 3000000)
NOBODY = 65534

t = Checks("bad input")
pool = concurrent.futures.ThreadPoolExecutor(2)
waiting = []


class AsNobody(Run):
    """A run that file permissions hold for, also when root runs the tests."""

    def __init__(self, *args):
        done = subprocess.run([UMBRA86, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                              **({"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}))
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr


def later(what, good, *args, run=Run):
    waiting.append((what, good, pool.submit(run, *args)))


def refused(what, code, words, *args, run=Run):
    """It ends with this code, and its one line on stderr has these words."""
    def good(r):
        return r.code == code and r.err.count(b"\n") == 1 and words in r.err and ASAN not in r.err
    later(what, good, *args, run=run)


def survives(what, *args):
    """It ends with a documented code, and is not silent unless the guest has ended by itself."""
    later(what, lambda r: r.code in DOCUMENTED and (r.err or r.code == 0) and ASAN not in r.err, *args)


def collect():
    for what, good, future in waiting:
        try:
            run = future.result()
        except (OSError, subprocess.SubprocessError) as e:
            t.check(f"{what}: {e}", False)
        else:
            t.check(what, good(run), run)


def options():
    for m in ("0", "0M", "4095G", "-5", "garbage", "12q", "", "1e3", "99999999999999999999", "0x"):
        refused(f"-m {m!r}", USAGE, b"-m", "-m", m)
    for wrong, near in (("-hdq", b"-hd"), ("-crdom", b"-cdrom"), ("--kernal", b"-kernel"), ("-displya", b"-display"),
                        ("--timeout-insn", b"--timeout-insns"), ("-snapshto", b"-snapshot"), ("-" + "y" * 5000, b"--help"),
                        ("-\xff\xfe", b"--help")):
        refused(f"an unknown option {wrong[:20]!r}", USAGE, near, wrong, "x")
    for last in ("-m", "-fda", "-kernel", "-serial", "--script", "--timeout-insns", "-display", "-device"):
        refused(f"{last} without its value", USAGE, last.encode(), last)
    for option, value in (("-display", "hologram"), ("-boot", "zzz"), ("-serial", "carrier-pigeon"), ("-cpu", "z80"),
                          ("--timeout-insns", "soon"), ("--timeout-insns", "-1"), ("--mmu", "none"),
                          ("--traps", "none"), ("--cost-model", "free"), ("--gpa-cache", "maybe"), ("--host-large", "1"), ("--host-ad", ""),
                          ("-device", "flux-capacitor"), ("-device", "isa-debug-exit,iobase=banana"),
                          ("-rtc", "base=tomorrow")):
        refused(f"{option} {value}", USAGE, option.encode(), option, value, *QUICK)


def files():
    gone, folder, empty = t.path("gone"), t.dir.name, t.file("empty", b"")
    text = t.file("text", "this is no image\n" * 400)
    linux = t.file("linux", bytes(0x1F1) + b"\x04" + bytes(12) + b"\x55\xaa" + b"\xeb\x66HdrS\x0c\x02" + bytes(0x1DF8))
    for option in ("-fda", "-hda", "-cdrom", "-kernel", "-bios"):
        refused(f"{option}: no such file", IMAGE, b"gone", option, gone, *QUICK)
        refused(f"{option}: a directory", IMAGE, folder.encode() + b": ", option, folder, *QUICK)
        refused(f"{option}: an empty file", IMAGE, b"empty", option, empty, *QUICK)
    for what, path in (("no such file", gone), ("a directory", folder), ("an empty file", empty), ("a text", text)):
        refused(f"a bare name: {what}", IMAGE, str(path).encode(), path, *QUICK)
    refused("a kernel that is no kernel", IMAGE, b"text", "-kernel", text, *QUICK)
    refused("an initrd that is missing", IMAGE, b"gone", "-kernel", linux, "-initrd", gone, *QUICK)
    refused("an initrd without a kernel", USAGE, b"-initrd", "-initrd", text, *QUICK)
    refused("no such script", IMAGE, b"gone", "--script", gone, *QUICK)
    refused("a script that is a directory", IMAGE, folder.encode(), "--script", folder, *QUICK)
    refused("a line to a file in no folder", IMAGE, b"gone", "-serial", f"file:{gone}/com1", *QUICK)
    refused("statistics to a folder", IMAGE, folder.encode(), "--stats-json", folder, *QUICK)
    label = b"\xeb\x3c\x90MSDOS5.0\x00\x02\x01\x01\x00\x02\xe0\x00\x40\x0b\xf0\x09\x00\x12\x00\x02\x00"
    image = boot_sector(label)
    for size in (513, 500000, 1474559):
        refused(f"a floppy cut at {size}", IMAGE, b"cut", "-fda", t.file(f"cut{size}.img", image[:size]), *QUICK)
    loop = t.file("loop.img", boot_sector(b"\xeb\xfe"))
    for k, (line, words) in enumerate((("frobnicate", b":2: unknown command frobnicate"), ("mmu none", b"nested"), ("gpa-cache 1", b"on or off"), ('wait "x', b"quote"),
                                       ("wait", b"wait"), ("sleep soon", b"sleep"), ("sendkey meta-bucky", b"key"),
                                       ("x/99999999999q zz", b":2: "), ("\x01\x02", b":2: "))):
        refused(f"a script with {line!r}", USAGE, words, "-fda", loop, "-snapshot", "--script",
                t.file(f"line{k}", f"\n{line}\n"), *QUICK)


def permissions():
    pathlib.Path(t.dir.name).chmod(0o755)
    secret, fixed = t.file("secret.img", boot_sector(b"\xeb\xfe")), t.file("fixed.img", b"")
    # INT 13 AH=3 of one sector; the status, not 0, is the exit code
    write = b"\x31\xc0\x8e\xc0\xbb\x00\x7e\xb8\x01\x03\xb9\x02\x00\x30\xf6\xcd\x13\x88\xe0\xe6\xf4\xfa\xf4"
    fixed.write_bytes(boot_sector(write))
    secret.chmod(0)
    fixed.chmod(0o444)
    try:
        usable = AsNobody("--version").code == 0
    except OSError:
        usable = False
    if not usable:
        t.skip("files without permission: the program cannot be run by a user whom permissions hold for")
        return
    for option in ("-fda", "-hda", "-cdrom", "-kernel", "-bios", "-initrd", "--script"):
        kernel = ("-kernel", t.path("linux")) if option == "-initrd" else ()
        refused(f"{option}: unreadable", IMAGE, b"secret.img", *kernel, option, secret, *QUICK, run=AsNobody)
    for option in ("-fda", "-hda"):
        later(f"{option}: unwritable, said so, and the guest's write fails", lambda r: r.code & 1 and r.code != 1 and
              b"read-only" in r.err, option, fixed, "-device", "isa-debug-exit,iobase=0xf4,iosize=4", *QUICK, run=AsNobody)
    refused("a log in a folder that cannot be written", IMAGE, b"umbra86.log", "-d", "int", "-D", "/umbra86.log", *QUICK,
            run=AsNobody)


def noise():
    """Random bytes, with as much of a header as gets them past the first look."""
    for seed in range(12):
        r = random.Random(seed)
        setup = bytearray(r.randbytes(65536))
        setup[0x1FE:0x200], setup[0x202:0x206] = b"\x55\xaa", b"HdrS"
        setup[0x1F1], setup[0x206:0x208] = r.randrange(8), bytes([r.randrange(16), 2])
        survives(f"a Linux kernel of noise {seed}", "-kernel", t.file(f"linux{seed}", bytes(setup)), *QUICK)
        words = [0x1BADB002, r.choice([0, 2, 0x10000, 0x10003])]
        words += [-sum(words) & 0xFFFFFFFF] + [r.choice([0, 0x100000, r.getrandbits(32)]) for _ in range(5)]
        multiboot = b"".join(w.to_bytes(4, "little") for w in words) + r.randbytes(8192)
        survives(f"a multiboot kernel of noise {seed}", "-kernel", t.file(f"mb{seed}", multiboot), *QUICK)
        elf = bytearray(b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\0\x03\0\x01\0\0\0" + r.randbytes(28)) + multiboot
        survives(f"an ELF file of noise {seed}", "-kernel", t.file(f"elf{seed}", bytes(elf)), *QUICK)
        disk = bytearray(r.randbytes(1 << 20))
        disk[510:512] = b"\x55\xaa"
        survives(f"a disk of noise {seed}", "-hda", t.file(f"disk{seed}", bytes(disk)), "-snapshot", *QUICK)
        disk[0x8000:0x8006], disk[0x8800:0x8820] = b"\x01CD001", b"\0CD001\x01EL TORITO SPECIFICATION\0\0"
        disk[0x8847:0x884B] = r.randrange(600).to_bytes(4, "little")
        survives(f"a CD of noise {seed}", "-cdrom", t.file(f"cd{seed}", bytes(disk)), "-boot", "d", *QUICK)
        survives(f"a BIOS of noise {seed}", "-bios", t.file(f"bios{seed}", r.randbytes(65536)), *QUICK)
        survives(f"a script of noise {seed}", "--script", t.file(f"script{seed}", r.randbytes(4096)), *QUICK)


options()
files()
permissions()
noise()
collect()
t.finish()
