#!/usr/bin/env python3
"""The window: keys typed into it reach FreeDOS, and the X server's own picture of it shows the answer, pixel for
pixel what `screendump` writes. Needs Xvfb and xdotool; the picture is read from Xvfb's frame buffer file."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from boot import SHARED, UMBRA86, Checks  # noqa: E402
from screen import differing, environment, frame_buffer, missing, place, png_pixels, until, x_server, xdotool  # noqa: E402

WIDTH, HEIGHT, CELL = 720, 400, 9 * 16
t = Checks("window")


def with_window(env, screen):
    ready, answered = t.path("ready.png"), t.path("answer.png")
    script = t.file("window.script", f'wait "A:\\>" 120\nscreendump {ready}\nwait "FreeCom version 0.82" 3000\n'
                    f'sleep 0.1\nscreendump {answered}\nsleep 3000\n')
    with open(t.path("said"), "wb") as said:
        guest = subprocess.Popen([UMBRA86, "-m", "16", "-fda", str(SHARED / "guests" / "fd14.img"), "-snapshot",
                                  "-display", "sdl", "--script", str(script)], env=env, stdin=subprocess.DEVNULL,
                                 stdout=said, stderr=said)
    try:
        window = until(lambda: xdotool(env, "search", "--name", "Umbra86"), 30)
        t.check("a window appears", window, t.path("said").read_text())
        if not window or not until(ready.exists, 60):
            return t.check("FreeDOS reaches its prompt in the window", False, t.path("said").read_text())
        window = window.split()[0]
        title = xdotool(env, "getwindowname", window)
        t.check(f"the title tells the guest's time and the real one: {title}", "guest time" in title and "real" in title)
        xdotool(env, "type", "--delay", 150, "ver")
        xdotool(env, "key", "Return")
        t.check("the typed keys reach FreeDOS, which answers", until(answered.exists, 60))
        if not answered.exists():
            return None
        at = place(env, window)
        t.check(f"the window has the picture's size: {at}", (at["WIDTH"], at["HEIGHT"]) == (WIDTH, HEIGHT))
        picture = png_pixels(answered)
        t.check("the answer is no empty picture", sum(any(row) for row in picture[:80]) > 20)
        # The blinking cursor may be in one of the two pictures only.
        same = until(lambda: differing(picture, frame_buffer(screen, at["X"], at["Y"], WIDTH, HEIGHT)) <= CELL, 15)
        t.check("the window shows what screendump writes", same)
    finally:
        guest.terminate()
        t.check("it ends when it is told to", until(lambda: guest.poll() is not None, 15))
        guest.kill()
    return None


if missing() or not (SHARED / "guests" / "fd14.img").exists():
    t.skip(f"no {missing()} here" if missing() else f"no {SHARED}/guests/fd14.img")
    t.finish()
folder = t.path("screen")
folder.mkdir()
server, number = x_server(str(folder))
if not number:
    t.skip("Xvfb does not start here")
    t.finish()
try:
    with_window(environment(number), pathlib.Path(folder) / "Xvfb_screen0")
finally:
    server.terminate()
    server.wait(20)
t.finish()
