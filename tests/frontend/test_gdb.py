#!/usr/bin/env python3
"""The gdb server: packets over the socket, good and bad ones, and gdb itself where it is installed."""
import atexit
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "boot"))
from boot import UMBRA86, Checks, Run, boot_sector  # noqa: E402

t = Checks("gdb")
# 7C00: cli; mov ax,1234; inc ax; nop; inc ax; jmp 7C04
LOOP = boot_sector(b"\xfa\xb8\x34\x12\x40\x90\x40\xeb\xfb")
HEADLESS = ("-display", "none", "-snapshot")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Stub:
    """A program with a gdb server, and a debugger's end of the line."""

    def __init__(self, image, *args, connected=True):
        self.port = free_port()
        self.run = subprocess.Popen([UMBRA86, "-fda", t.file("gdb.img", image), *HEADLESS, "-gdb", f"tcp::{self.port}", "-S", *args],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        atexit.register(self.run.kill)  # nothing is left behind, however the test ends
        if connected:
            self.connect()

    def connect(self):
        for _ in range(100):
            try:
                self.line = socket.create_connection(("127.0.0.1", self.port), timeout=20)
                break
            except OSError:
                time.sleep(0.1)
        self.rest = b""

    def send(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        self.line.sendall(b"$" + data + b"#%02x" % (sum(data) & 255))

    def receive(self):
        """The next packet's text."""
        while True:
            whole = re.search(rb"\$([^#]*)#([0-9a-f]{2})", self.rest)
            if whole:
                self.rest = self.rest[whole.end():]
                assert sum(whole[1]) & 255 == int(whole[2], 16)
                self.line.sendall(b"+")
                return whole[1].decode()
            more = self.line.recv(65536)
            if not more:
                return None
            self.rest += more

    def ask(self, text):
        self.send(text)
        return self.receive()

    def register(self, n):
        return int.from_bytes(bytes.fromhex(self.ask(f"p{n:x}")), "little")

    def end(self, code=0):
        self.send("k")
        self.line.close()
        try:
            _, err = self.run.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.run.kill()
            err = b"still running"
        t.check(f"it ends: {self.run.returncode} {err}", self.run.returncode == code and b"Sanitizer" not in err)


EAX, EIP, CS = 0, 8, 10


def packets():
    s = Stub(LOOP)
    t.check("what it can", "qXfer:features:read+" in s.ask("qSupported:swbreak+"))
    t.check("it waits at the first instruction", s.ask("?") == "S05" and (s.register(EIP), s.register(CS)) == (0xFFF0, 0xF000))
    text = ""
    while not text or part[0] == "m":
        part = s.ask(f"qXfer:features:read:target.xml:{len(text):x},200")
        text += part[1:]
    names = {r.get("name"): r for r in xml.etree.ElementTree.fromstring(text).iter("reg")}
    t.check("the description", {"eax", "st7", "xmm0", "mxcsr", "cs_base", "cr0", "cr3"} <= names.keys())
    registers = s.ask("g")
    t.check("all registers", len(registers) == 2 * sum(int(r.get("bitsize")) // 8 for r in names.values()))
    base = int(names["cs_base"].get("regnum"))
    t.check("the segment's base", s.register(base) == 0xFFFF0000)
    t.check("a breakpoint", s.ask("Z0,7c00,1") == "OK" and s.ask("c") == "S05" and s.register(EIP) == 0x7C00)
    t.check("memory", s.ask("m7c00,9") == "fab834124090 40ebfb".replace(" ", ""))
    t.check("a step", s.ask("s") == "S05" and s.register(EIP) == 0x7C01)
    t.check("another one", s.ask("s") == "S05" and s.register(EAX) & 0xFFFF == 0x1234)
    t.check("two breakpoints", s.ask("Z1,7c05,1") == "OK" and s.ask("c") == "S05" and s.register(EIP) == 0x7C05)
    t.check("round the loop", s.ask("c") == "S05" and s.register(EIP) == 0x7C05 and s.register(EAX) & 0xFFFF == 0x1237)
    t.check("a register is changed", s.ask("P0=78563412") == "OK" and s.register(EAX) == 0x12345678)
    t.check("a selector in real mode brings its base", s.ask("Pc=00200000") == "OK" and s.register(base + 2) == 0x20000)
    t.check("CR0 is not", s.ask(f"P{base + 10:x}=00000000") == "E01")
    whole = s.ask("g")
    t.check("all registers back", s.ask("G" + whole) == "OK" and s.ask("g") == whole)
    t.check("memory is changed, code too", s.ask("M7c05,1:48") == "OK" and s.ask("s") == "S05" and s.register(EAX) == 0x12345677)
    t.check("bytes as they are", s.ask(b"X500,3:a}\x03}]") == "OK" and s.ask("m500,3") == "61237d")
    t.check("the monitor", "EAX=12345677" in bytes.fromhex(s.ask("qRcmd," + b"info registers".hex())).decode())
    t.check("a mistake there", "unknown command" in bytes.fromhex(s.ask("qRcmd," + b"frob".hex())).decode())
    t.check("what takes time is not for there", "the machine is stopped" in bytes.fromhex(s.ask("qRcmd," + b'type "x"'.hex())).decode())
    t.check("a breakpoint goes", s.ask("z0,7c05,1") == "OK" and s.ask("z0,7c00,1") == "OK")
    s.send("c")
    time.sleep(0.3)
    s.line.sendall(b"\x03")
    t.check("Ctrl-C stops", s.receive() == "S02")
    t.check("and it stands still", s.ask("g") == s.ask("g"))
    t.check("no watchpoints", s.ask("Z2,500,1") == "")
    for k in range(40):
        answer = s.ask(f"Z0,{0x9000 + k:x},1")
    t.check("breakpoints run out", answer.startswith("E"))
    s.line.close()  # gone without a word
    s.connect()
    t.check("another debugger is welcome", s.ask("?") == "S05" and s.register(CS) == 0)
    s.end()


def bad_packets():
    s = Stub(LOOP)
    for text in ("m", "m1", "m1,", "mzz,1", "m0,ffffffff", "m123456789,1", "M0,5:00", "M0,1:zz", "X0,9:a", "p", "pffff", "P0", "P0=",
                 "P0=1", "Pffffffff=00", "G", "G0", "Gzz", "Z0", "Z0,", "Z0,1", "Z9,1,1", "z0", "qXfer:features:read:none:0,1",
                 "qXfer:features:read:target.xml:fffff,1", "qXfer:features:read:target.xml:", "qRcmd,", "qRcmd,zz", "vCont?",
                 "vMustReplyEmpty", "qSymbol::", "!", "", "H", "Hg-1", "sffffffffff", "qRcmd," + "41" * 7000):
        t.check(f"{text[:40]!r} is answered", s.ask(text) is not None)
    s.line.sendall(b"$g#00")  # a wrong sum is not obeyed
    t.check("a wrong sum", s.ask("?").startswith("S"))
    random.seed(1)
    for _ in range(300):
        s.send(bytes(random.choice(b"gGmMpPXZzqQH?0123456789abcdef,:=;") for _ in range(random.randrange(60))))
    s.line.sendall(b"$" + b"x" * 70000)  # it hangs up
    time.sleep(0.5)
    s.line.close()
    s.connect()
    t.check("it lives", s.ask("?") == "S05")
    s.end()


def endings():
    s = Stub(boot_sector(b"\xb0\x21\xe6\xf4\xf4"), "-device", "isa-debug-exit,iobase=0xf4,iosize=4")
    t.check("the exit code", s.ask("c") == "W43")
    t.check("is the program's, too", s.run.wait(20) == 0x43)
    s = Stub(boot_sector(b"\x31\xc0\x8e\xd8\x0f\x01\x1e\x10\x7c\xcc"))
    t.check("a triple fault stops the guest", s.ask("c") == "S0b" and s.register(EIP) == 0x7C09)
    t.check("and to go on is the end", s.ask("c") == "W50" and s.run.wait(20) == 80)
    port = free_port()
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", port))
        busy.listen()
        t.ends("a port in use", Run("-fda", t.file("x.img", LOOP), *HEADLESS, "-gdb", f"tcp::{port}"), 71, b"cannot listen")
    script = t.file("b.script", "break 0x7c04\nwait \"never\" 100\nbreak\nx/1i\nwait \"never\" 100\ndelete 0:7c04\n"
                    "break 7c0:6\nsleep 1\ninfo registers\nquit\n")
    run = Run("-fda", t.file("x.img", LOOP), *HEADLESS, "--script", script)
    t.check("breakpoints without gdb", run.code == 64 and b"the machine is stopped" in run.err, run)
    script.write_text("break 0x7c04\nwait \"never\" 100\nbreak\nstep\ncont\nwait \"never\" 100\ndelete 0:7c04\nbreak 7c0:6\n"
                      "cont\nsleep 1\ninfo registers\nquit\n")
    run = Run("-fda", t.file("x.img", LOOP), *HEADLESS, "--script", script)
    t.check("and with cont", run.code == 0 and run.out.count(b"breakpoint after") == 3 and b"EIP=00007c06" in run.out, run)
    for line in ("break zz", "delete 0x1234", "break 0x123456789"):
        t.ends(line, Run("-fda", t.file("x.img", LOOP), *HEADLESS, "--script", t.file("c.script", line + "\n")), 64)


def gdb():
    if not shutil.which("gdb"):
        t.skip("no gdb here")
        return
    s = Stub(LOOP, connected=False)
    time.sleep(1)
    commands = ("set pagination off", f"target remote :{s.port}", "break *0x7c00", "continue", "set architecture i8086",
                "x/2i $cs_base+$eip", "stepi", "stepi", "p/x $ax", "monitor info pic", "kill")
    done = subprocess.run(["gdb", "-nx", "-batch", *(w for c in commands for w in ("-ex", c))], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    said = done.stdout.decode()
    t.check(f"gdb agrees: {said}", "Breakpoint 1, 0x00007c00" in said and "mov    $0x1234,%ax" in said and "= 0x1234" in said
            and "chip[0].imr" in said)
    t.check("its kill ends the program", s.run.wait(20) == 0)


for part in (packets, bad_packets, endings, gdb):
    part()
t.finish()
