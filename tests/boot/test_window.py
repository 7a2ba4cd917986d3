#!/usr/bin/env python3
"""The window: keys typed into it reach FreeDOS, and the X server's own picture of it shows the answer, pixel for
pixel what `screendump` writes. Needs Xvfb and xdotool; the picture is read from Xvfb's frame buffer file."""
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import time
import zlib

sys.path.insert(0, os.path.dirname(__file__))
from boot import SHARED, UMBRA86, Checks  # noqa: E402

WIDTH, HEIGHT, CELL = 720, 400, 9 * 16
t = Checks("window")


def until(what, seconds):
    """The first true answer of what(), or None after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = what()
        if answer:
            return answer
        time.sleep(0.2)
    return None


def png_pixels(path):
    """Rows of RGB triples as bytes; only the filters `none` and `up`, which are what screendump writes."""
    data = path.read_bytes()
    at, packed = 8, b""
    while at < len(data):
        n = int.from_bytes(data[at:at + 4], "big")
        kind, body = data[at + 4:at + 8], data[at + 8:at + 8 + n]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour) == (8, 2)
        if kind == b"IDAT":
            packed += body
        at += 12 + n
    raw, rows, above = zlib.decompress(packed), [], bytes(width * 3)
    for y in range(height):
        line = raw[y * (width * 3 + 1):(y + 1) * (width * 3 + 1)]
        assert line[0] in (0, 2)
        above = bytes((a + b) & 255 for a, b in zip(line[1:], above)) if line[0] else line[1:]
        rows.append(above)
    return rows


def frame_buffer(path, x, y):
    """A part of Xvfb's screen, of the window's size. Its file is an XWD dump, of 32 bits a pixel."""
    data = path.read_bytes()
    head = struct.unpack(">20I", data[:80])
    size, order, bits, stride, colours = head[0], head[7], head[11], head[12], head[19]
    assert bits == 32
    base = size + colours * 12
    rows = []
    for line in range(y, y + HEIGHT):
        at = base + line * stride + x * 4
        part = data[at:at + WIDTH * 4]
        blue, green, red = (part[0::4], part[1::4], part[2::4]) if order == 0 else (part[3::4], part[2::4], part[1::4])
        rows.append(bytes(v for pixel in zip(red, green, blue) for v in pixel))
    return rows


def differing(a, b):
    return sum(a[y][i:i + 3] != b[y][i:i + 3] for y in range(HEIGHT) for i in range(0, WIDTH * 3, 3))


def xdotool(env, *args):
    done = subprocess.run(["xdotool", *map(str, args)], env=env, timeout=60, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return done.stdout.decode().strip()


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
        place = dict(line.split("=") for line in xdotool(env, "getwindowgeometry", "--shell", window).splitlines()
                     if "=" in line)
        t.check(f"the window has the picture's size: {place}", (place["WIDTH"], place["HEIGHT"]) == ("720", "400"))
        picture = png_pixels(answered)
        t.check("the answer is no empty picture", sum(any(row) for row in picture[:80]) > 20)
        # The blinking cursor may be in one of the two pictures only.
        same = until(lambda: differing(picture, frame_buffer(screen, int(place["X"]), int(place["Y"]))) <= CELL, 15)
        t.check("the window shows what screendump writes", same)
    finally:
        guest.terminate()
        t.check("it ends when it is told to", until(lambda: guest.poll() is not None, 15))
        guest.kill()
    return None


def x_server(folder):
    """An Xvfb on a display number that it finds itself, and that number."""
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1024x768x24", "-fbdir", folder,
                               "-nolisten", "tcp"], pass_fds=[write], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    return server, number


missing = [tool for tool in ("Xvfb", "xdotool") if not shutil.which(tool)]
if missing or not (SHARED / "guests" / "fd14.img").exists():
    t.skip(f"no {missing[0]} here" if missing else f"no {SHARED}/guests/fd14.img")
    t.finish()
folder = t.path("screen")
folder.mkdir()
server, number = x_server(str(folder))
if not number:
    t.skip("Xvfb does not start here")
    t.finish()
try:
    environment = dict(os.environ, DISPLAY=":" + number, SDL_VIDEODRIVER="x11", SDL_AUDIODRIVER="dummy")
    environment.pop("WAYLAND_DISPLAY", None)
    with_window(environment, pathlib.Path(folder) / "Xvfb_screen0")
finally:
    server.terminate()
    server.wait(20)
t.finish()
