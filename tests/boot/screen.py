"""What tests of the window share: an Xvfb, its picture, xdotool, and PNG files as rows of pixels."""
import os
import shutil
import struct
import subprocess
import time
import zlib


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


def frame_buffer(path, x, y, width, height):
    """A part of Xvfb's screen. Its file is an XWD dump, of 32 bits a pixel."""
    data = path.read_bytes()
    head = struct.unpack(">20I", data[:80])
    size, order, bits, stride, colours = head[0], head[7], head[11], head[12], head[19]
    assert bits == 32
    base = size + colours * 12
    rows = []
    for line in range(y, y + height):
        at = base + line * stride + x * 4
        part = data[at:at + width * 4]
        blue, green, red = (part[0::4], part[1::4], part[2::4]) if order == 0 else (part[3::4], part[2::4], part[1::4])
        rows.append(bytes(v for pixel in zip(red, green, blue) for v in pixel))
    return rows


def differing(a, b):
    """Pixels that two pictures of one size have not in common."""
    return sum(ra[i:i + 3] != rb[i:i + 3] for ra, rb in zip(a, b) if ra != rb for i in range(0, len(ra), 3))


def place(env, window):
    """X, Y, WIDTH and HEIGHT of a window."""
    lines = xdotool(env, "getwindowgeometry", "--shell", window).splitlines()
    return {key: int(value) for key, value in (line.split("=") for line in lines if "=" in line)}


def xdotool(env, *args):
    done = subprocess.run(["xdotool", *map(str, args)], env=env, timeout=60, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return done.stdout.decode().strip()


def x_server(folder, size="1024x768"):
    """An Xvfb on a display number that it finds itself, and that number."""
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", size + "x24", "-fbdir", folder,
                               "-nolisten", "tcp"], pass_fds=[write], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    return server, number


def environment(number):
    env = dict(os.environ, DISPLAY=":" + number, SDL_VIDEODRIVER="x11", SDL_AUDIODRIVER="dummy")
    env.pop("WAYLAND_DISPLAY", None)
    return env


def missing():
    """The tool that is not here; None: all are."""
    return next((tool for tool in ("Xvfb", "xdotool") if not shutil.which(tool)), None)
