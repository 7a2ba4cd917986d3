#!/usr/bin/env python3
"""Several guests in one window: keys reach the one in focus and nobody else, Ctrl+Alt with an arrow or a digit and a
click move the focus and reach nobody, and the window is pixel for pixel what `screendump` writes. Each guest writes
the keys that it gets to its COM1, a file. Needs Xvfb and xdotool."""
import atexit
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from boot import UMBRA86, Checks, Run, boot_sector  # noqa: E402
from screen import differing, environment, frame_buffer, missing, place, png_pixels, until, x_server, xdotool  # noqa: E402

CELL, NAMES = 9 * 16, ("alpha", "beta", "gamma")
t = Checks("lab_window")
# INT 16, INT 10 teletype, COM1, for ever; before it, a letter on the screen that says whose screen it is.
KEYS = (b"\xba\xfb\x03\xb0\x03\xee" b"\xb8%c\x0e\xbb\x07\x00\xcd\x10"
        b"\x31\xc0\xcd\x16\xb4\x0e\xbb\x07\x00\xcd\x10\xba\xf8\x03\xee\xeb\xef")


class Lab:
    """The three guests in a window, with keys for their sections of the configuration."""

    def __init__(self, env, number, script="", **keys):
        self.env = env
        self.logs = {name: t.path(f"{name}{number}.log") for name in NAMES}
        text = "".join(f"[guest {n}]\nmemory = 2M\nfda = {t.file(n + '.img', boot_sector(KEYS.replace(b'%c', n[:1].encode())))}\n"
                       f"snapshot = on\nserial = file:{self.logs[n]}\n{keys.get(n, '')}\n" for n in NAMES)
        args = ["--script", t.file("lab.script", script)] if script else []
        self.said = t.path("said")
        with open(self.said, "wb") as said:
            self.run = subprocess.Popen([UMBRA86, "--config", t.file("lab.ini", text), "-display", "sdl", *args], env=env,
                                        stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        atexit.register(self.run.kill)
        self.window = (until(lambda: xdotool(env, "search", "--name", "Umbra86"), 30) or "").split("\n")[0]
        time.sleep(1.5)  # the BIOS asks for keys by then

    def press(self, *keys):
        for key in keys:
            xdotool(self.env, "key", "--delay", 100, key)

    def got(self, **want):
        """Waits until each guest has got these keys, and no others."""
        wanted = {name: want.get(name, "").encode() for name in NAMES}
        self.seen = None

        def seen():
            self.seen = {name: self.logs[name].read_bytes() if self.logs[name].exists() else b"" for name in NAMES}
            return self.seen == wanted
        good = until(seen, 10)
        time.sleep(0.3)  # nothing comes behind it
        return good and seen()

    def end(self):
        self.run.terminate()
        t.check("it ends when it is told to", until(lambda: self.run.poll() is not None, 15))
        self.run.kill()


def focus(env, screen):
    dump = t.path("all.png")
    lab = Lab(env, 1, script=f'@alpha wait "Q" 3000\nsleep 0.2\nscreendump {dump}\nsleep 3000\n')
    try:
        t.check("a window appears", lab.window, lab.said.read_text())
        title = xdotool(env, "getwindowname", lab.window)
        t.check(f"the title names the guest in focus: {title}", title.startswith("alpha"))
        lab.press("a", "b", "c")
        t.check("keys reach the first guest only", lab.got(alpha="abc"), lab.seen)
        lab.press("ctrl+alt+Right", "d", "e")
        t.check("an arrow moves the focus on", lab.got(alpha="abc", beta="de"), lab.seen)
        lab.press("ctrl+alt+3", "f")
        t.check("a digit too", lab.got(alpha="abc", beta="de", gamma="f"), lab.seen)
        t.check("the title follows", until(lambda: xdotool(env, "getwindowname", lab.window).startswith("gamma"), 5))
        at = place(env, lab.window)
        xdotool(env, "mousemove", at["X"] + 40, at["Y"] + 60, "click", 1)
        lab.press("g")
        t.check("a click too, and nothing is held", lab.got(alpha="abcg", beta="de", gamma="f"), lab.seen)
        lab.press("ctrl+alt+Left", "h", "ctrl+alt+Right", "Q")
        t.check("round the corner and back", lab.got(alpha="abcgQ", beta="de", gamma="fh"), lab.seen)
        t.check("a picture of all is written", until(dump.exists, 20))
        if not dump.exists():
            return
        time.sleep(0.5)
        picture = png_pixels(dump)
        at = place(env, lab.window)
        t.check(f"the window is as large as all need: {at}", (at["WIDTH"], at["HEIGHT"]) == (len(picture[0]) // 3, len(picture)))
        xdotool(env, "mousemove", 1599, 0)
        same = until(lambda: differing(picture, frame_buffer(screen, at["X"], at["Y"], at["WIDTH"], at["HEIGHT"]))
                     <= len(NAMES) * CELL, 15)
        t.check("the window shows what screendump writes", same)
    finally:
        lab.end()


def assigned(env):
    lab = Lab(env, 2, beta="keyboard = on")
    try:
        lab.press("a", "b")
        t.check("an assigned keyboard stays with its guest", lab.got(beta="ab"), lab.seen)
        lab.press("ctrl+alt+3", "c")
        t.check("wherever the focus is", lab.got(beta="abc"), lab.seen)
    finally:
        lab.end()
    lab = Lab(env, 3, alpha="keyboard = off")
    try:
        lab.press("a", "ctrl+alt+Right", "b")
        t.check("a guest without a keyboard gets no key", lab.got(beta="b"), lab.seen)
    finally:
        lab.end()


if missing() or b"libinih" in Run("--config", t.file("empty.ini", "[host]\n")).err:
    t.skip(f"no {missing() or 'libinih'} here")
    t.finish()
folder = t.path("screen")
folder.mkdir()
server, number = x_server(str(folder), "1600x1000")
if not number:
    t.skip("Xvfb does not start here")
    t.finish()
try:
    focus(environment(number), pathlib.Path(folder) / "Xvfb_screen0")
    assigned(environment(number))
finally:
    server.terminate()
    server.wait(20)
t.finish()
