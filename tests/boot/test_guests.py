#!/usr/bin/env python3
"""Programs that nobody here wrote reach their screens: Debian's installer, memtest86+, GRUB, isolinux with its hardware
lister, syslinux, iPXE, a multiboot game, and SeaBIOS in the place of our BIOS.

UMBRA86_SLOW=1 adds a whole pass of memtest86+ (about a minute); UMBRA86_LONG=1 the installer on the older processors.
"""
import concurrent.futures
import os
import sys
import zlib

sys.path.insert(0, os.path.dirname(__file__))
from boot import SHARED, Checks, Run  # noqa: E402
from packages import Missing, isolinux_cd, package_file, syslinux_floppy  # noqa: E402

INSTALLER = "usr/lib/debian-installer/images/12/i386/text/debian-installer/i386/"
t = Checks("guests")


def debian_installer(*model):
    files = [package_file("debian-installer-12-netboot-i386", INSTALLER + f) for f in ("linux", "initrd.gz")]
    return (["-m", 512, *model, "-kernel", files[0], "-initrd", files[1]],
            'wait "Select a language" 300\nwait "English" 10\nsleep 1\nscreendump PNG\nscreentext\n',
            ["Choose the language to be used", "Go Back"])


def only_when_long():
    if not os.environ.get("UMBRA86_LONG"):
        raise Missing("the default model shows it; UMBRA86_LONG=1 runs it")


def debian_installer_pentium2():
    only_when_long()
    return debian_installer("-cpu", "pentium2")


def debian_installer_pentium3():
    only_when_long()
    return debian_installer("-cpu", "pentium3")


def debian_installer_pentium4():
    only_when_long()
    return debian_installer("-cpu", "pentium4")


def memtest_cd():
    return (["-m", 16, "-cdrom", package_file("memtest86+", "usr/lib/memtest86+/memtest86+ia32.iso")],
            'wait "Memtest86+" 30\nwait "Test #3" 60\nsleep 1\nscreendump PNG\nscreentext\n',
            ["Status: Testing", "Errors: 0", "of 15.6MB"])


def memtest_kernel():
    return (["-m", 8, "-kernel", package_file("memtest86+", "boot/memtest86+ia32.bin")],
            'wait "Status: Testing" 60\nsleep 2\nscreentext\n', ["Memtest86+ v6", "Errors: 0"])


def memtest_pass():
    if not os.environ.get("UMBRA86_SLOW"):
        raise Missing("a minute long; UMBRA86_SLOW=1 runs it")
    return (["-m", 8, "-kernel", package_file("memtest86+", "boot/memtest86+ia32.bin")],
            'wait "Pass:  1" 600\nscreentext\n', ["Pass:  1        Errors: 0"])


def grub_floppy():
    return (["-m", 64, "-fda", package_file("grub-rescue-pc", "usr/lib/grub-rescue/grub-rescue-floppy.img"), "-snapshot"],
            'wait "highlighted entry" 60\nscreendump PNG\nscreentext\n', ["GNU GRUB  version", "*GNU/Linux"])


def grub_cd():
    return (["-m", 64, "-cdrom", package_file("grub-rescue-pc", "usr/lib/grub-rescue/grub-rescue-cdrom.iso")],
            'wait "highlighted entry" 60\ntype "c"\nwait "grub>" 20\ntype "ls\\n"\nwait "(cd" 20\nscreentext\n',
            ["grub> ls"])


def hdt_cd(append):
    return isolinux_cd(t.path(f"hdt{append}.iso"), f"DEFAULT hdt\nPROMPT 0\nLABEL hdt\n KERNEL hdt.c32\n APPEND {append}\n",
                       ["hdt", "libcom32", "libutil", "libmenu", "libgpl"])


def hdt_prompt():
    return (["-m", 64, "-cdrom", hdt_cd("nomenu")],
            'wait "hdt>" 60\ntype "show cpu\\n"\nwait "Features" 20\nscreentext\n',
            ["Hardware Detection Tool", "Manufacturer : Intel"])


def hdt_menu():
    # Where there is no PCI at all it follows a null pointer and hangs, under QEMU's isapc as here.
    return (["-m", 64, "-cdrom", hdt_cd("")], 'wait "Main Menu" 60\nwait "Exit" 10\nscreendump PNG\nscreentext\n',
            ["Processor", "Switch to CLI"])


def isolinux_prompt():
    cd = isolinux_cd(t.path("prompt.iso"), "PROMPT 1\nLABEL x\n KERNEL x.c32\n", [])
    return (["-m", 64, "-cdrom", cd, "-boot", "d"], 'wait "boot:" 30\ntype "nothing\\n"\nwait "No such file" 20\nscreentext\n',
            ["ISOLINUX"])


def syslinux_prompt():
    floppy = syslinux_floppy(t.path("syslinux.img"), "PROMPT 1\nLABEL x\n KERNEL x.c32\n")
    return (["-m", 16, "-fda", floppy], 'wait "boot:" 60\ntype "nothing\\n"\nwait "No such file" 20\nscreentext\n', ["SYSLINUX"])


def invaders():
    return (["-m", 16, "-kernel", package_file("grub-invaders", "boot/invaders.exec")],
            'sleep 1\nscreendump PNG\nscreentext\n', ["-*-", "/ \\"])


def ipxe_cd():
    return (["-m", 64, "-cdrom", package_file("ipxe", "usr/lib/ipxe/ipxe.iso")],
            'wait "iPXE 1." 60\nscreentext\n', ["iPXE ISO boot image"])


def seabios():
    floppy = SHARED / "guests" / "fd14.img"
    if not floppy.exists():
        raise Missing(f"no {floppy}")
    return (["-m", 16, "-bios", package_file("seabios", "usr/share/seabios/bios.bin"), "-fda", floppy, "-snapshot"],
            'wait "A:\\>" 60\ntype "ver\\n"\nwait "FreeCom version 0.82" 30\nscreentext\n', ["XMS_Swap"])


def shows_something(png):
    """A picture of more than one colour: its rows are not all alike."""
    data = png.read_bytes()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return False
    at, packed = 8, b""
    while at < len(data):
        n = int.from_bytes(data[at:at + 4], "big")
        if data[at + 4:at + 8] == b"IDAT":
            packed += data[at + 8:at + 8 + n]
        at += 12 + n
    return len(set(zlib.decompress(packed))) > 2


def try_guest(make):
    name = make.__name__.replace("_", " ")
    try:
        options, script, words = make()
    except Missing as e:
        why = str(e)
        return lambda: t.skip(f"{name}: {why}")
    png = t.path(make.__name__ + ".png")
    file = t.file(make.__name__ + ".script", script.replace("PNG", str(png)) + "quit\n")
    run = Run(*options, "-display", "none", "-rtc", "base=2026-01-31T12:00:00", "--script", file, limit=300)
    screen = run.out.decode("utf-8", "replace")
    lost = [w for w in words if w not in screen]

    def judge():
        t.ends(name, run, 0)
        t.check(f"{name}: {lost} on its screen", not lost, run)
        if "PNG" in script:
            t.check(f"{name}: its picture", png.exists() and shows_something(png))
    return judge


# The long ones first; two at a time, for the machine may have no more.
GUESTS = [debian_installer, debian_installer_pentium2, debian_installer_pentium3, debian_installer_pentium4, memtest_pass,
          grub_cd, ipxe_cd, memtest_cd, memtest_kernel, grub_floppy, hdt_prompt, hdt_menu, isolinux_prompt,
          syslinux_prompt, invaders, seabios]
chosen = [g for g in GUESTS if not sys.argv[1:] or g.__name__ in sys.argv[1:]]
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for judge in pool.map(try_guest, chosen):
        judge()
t.finish()
