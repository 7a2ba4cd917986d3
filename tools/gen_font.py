#!/usr/bin/env python3
"""Builds the VGA character generator's ROM out of Debian's packaged console fonts.

    gen_font.py OUT.bin          writes 256*16 + 256*14 + 256*8 bytes: the 8x16, 8x14 and 8x8 fonts,
                                 glyphs in code page 437 order, one byte a row, bit 7 leftmost
    gen_font.py --show 16|14|8   prints a font as text, to be looked at

The VGA fonts of the package console-setup-linux are the IBM VGA's shapes, cut up by script (Latin,
Greek, Cyrillic, ...), each with a Unicode table. Together they hold nearly all of code page 437;
what one height lacks, or files wrongly, is taken from the 16-row font by dropping rows. No glyph is
drawn in this file.

PSF1 format: psfaddtable(1) of the package kbd.
"""
import gzip
import pathlib
import sys

FONTS = pathlib.Path("/usr/share/consolefonts")
PACKAGE = "console-setup-linux"
# In order of preference.
SCRIPTS = ["Uni2", "Lat15", "Uni1", "FullGreek", "FullCyrSlav", "Greek", "Arabic", "Lat2", "Lat38",
           "CyrKoi", "Hebrew", "CyrSlav", "Lat7"]
HEIGHTS = [(16, "VGA16"), (14, "VGA14"), (8, "VGA8")]

# Code page 437 as the screen shows it: the control codes are pictures too (IBM PC, appendix C).
CONTROL_PICTURES = ("\u0000\u263a\u263b\u2665\u2666\u2663\u2660\u2022"
                    "\u25d8\u25cb\u25d9\u2642\u2640\u266a\u266b\u263c"
                    "\u25ba\u25c4\u2195\u203c\u00b6\u00a7\u25ac\u21a8"
                    "\u2191\u2193\u2192\u2190\u221f\u2194\u25b2\u25bc")
CP437 = [*CONTROL_PICTURES, *bytes(range(32, 127)).decode("ascii"), "\u2302",
         *bytes(range(128, 256)).decode("cp437")]
# Other code points under which some fonts file the same picture.
ALSO = {"\u25ba": "\u25b6", "\u25c4": "\u25c0"}
# Codes at which the packaged fonts (1.221) hold another character's picture, by height.
MISFILED = {14: {0x14, 0xFC}, 8: {*range(0xE0, 0xEF), 0xFC}}


def fail(text):
    sys.exit(f"gen_font.py: {text}")


def read_psf(path):
    """(height, [(code points of the glyph, first one first), rows]) of a PSF1 file."""
    data = gzip.decompress(path.read_bytes())
    if data[:2] != b"\x36\x04":
        fail(f"{path}: not a PSF1 font; expected the file of package {PACKAGE}")
    mode, height = data[2], data[3]
    count = 512 if mode & 1 else 256
    table = data[4 + count * height:]
    names, sequence = [[]], False
    for i in range(0, len(table) - 1, 2):
        unit = table[i] | table[i + 1] << 8
        if unit == 0xFFFF:                      # end of this glyph's list
            names.append([])
            sequence = False
        elif unit == 0xFFFE:                    # combining sequences follow: not for us
            sequence = True
        elif not sequence:
            names[-1].append(chr(unit))
    glyphs = [data[4 + g * height:4 + (g + 1) * height] for g in range(count)]
    return height, list(zip(names, glyphs))


def merge(height, suffix):
    """{character: rows} of all fonts of one height; a glyph's first name beats its others."""
    own, lent = {}, {}
    for script in SCRIPTS:
        path = FONTS / f"{script}-{suffix}.psf.gz"
        if not path.exists():
            fail(f"{path} is missing: install the package {PACKAGE} (apt-get install {PACKAGE})")
        found, glyphs = read_psf(path)
        if found != height:
            fail(f"{path}: {found} rows, expected {height}")
        for names, rows in glyphs:
            for n, name in enumerate(names):
                (own if n == 0 else lent).setdefault(name, rows)
    return lent | own


def squeeze(rows, height):
    """A glyph of the 16-row font, whose capitals stand on row 11, in fewer rows."""
    if height == 14:
        return rows[:14]
    rows = list(rows[2:13])                     # no leading, one row below the line
    while len(rows) > height:
        runs, start = [], 0                     # of equal rows: (length, last row of it)
        for i in range(1, len(rows)):
            if i == len(rows) - 1 or rows[i] != rows[start]:
                runs.append((i - start, i - 1))
                start = i
        length, last = max(runs)
        if length == 1:
            rows[last - 1] |= rows[last]
        del rows[last]
    return bytes(rows)


def build():
    fonts, tall = {}, None
    for height, suffix in HEIGHTS:
        have = merge(height, suffix)
        font = []
        for code, char in enumerate(CP437):
            if char == "\0" or code == 255:
                rows = bytes(height)
            elif char in have and code not in MISFILED.get(height, ()):
                rows = have[char]
            elif char in ALSO and ALSO[char] in have:
                rows = have[ALSO[char]]
            elif tall:
                rows = squeeze(tall[code], height)
            else:
                fail(f"no VGA font of {PACKAGE} has U+{ord(char):04X}, code {code:#x}")
            font.append(rows)
        fonts[height] = font
        tall = tall or font
    return fonts


def show(font, height):
    for base in range(0, 256, 16):
        print(f"{base:02x}")
        for row in range(height):
            print(" ".join(f"{font[base + c][row]:08b}" for c in range(16)).translate(
                {ord("0"): ".", ord("1"): "#"}))


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--show" and sys.argv[2] in ("16", "14", "8"):
        height = int(sys.argv[2])
        show(build()[height], height)
    elif len(sys.argv) == 2 and not sys.argv[1].startswith("-"):
        fonts = build()
        out = b"".join(b"".join(fonts[height]) for height, _ in HEIGHTS)
        assert len(out) == 256 * (16 + 14 + 8)
        pathlib.Path(sys.argv[1]).write_bytes(out)
    else:
        fail("usage: gen_font.py OUT.bin | gen_font.py --show 16|14|8")


main()
