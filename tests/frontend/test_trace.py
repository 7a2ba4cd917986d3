#!/usr/bin/env python3
"""--trace, `umbra86 trace` and --assert: nothing is lost on the way, every format says the same, the filters
let through what they should, and files that are not whole are refused. The traces are of a boot from a tiny
diskette, and files made here after docs/TRACE.md."""
import collections
import csv
import io
import json
import os
import random
import struct
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "boot"))
from boot import Checks, Run, boot_sector, debug_exit  # noqa: E402

t = Checks("trace")
# More OUTs than the ring holds records, a software interrupt, three waits for the timer, then the end.
CODE = b"\xb9\x28\x23\xe6\x80\xe2\xfc\xcd\x12\xfb\xf4\xf4\xf4" + debug_exit(0x21)
RUN = ("-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-display", "none", "-rtc", "base=2026-01-31T12:00:00")


def convert(path, to, *filters):
    return Run("trace", path, "--to", to, *filters)


# ---- a real run ---------------------------------------------------------------------------------------------


def stats_entries(path):
    """(cause, verdict, ring) -> entries, of a --stats-json file."""
    hv = json.loads(path.read_text())["hypervisor"]
    return collections.Counter({(c, v, ring): n for c, verdicts in hv.items() for v, rings in verdicts.items()
                                for ring, n in enumerate(rings) if n})


def chrome_entries(text):
    events = json.loads(text)["traceEvents"]
    return events, collections.Counter((e["name"], e["args"]["verdict"], e["tid"] - 1) for e in events if e["ph"] == "i")


def chrome_schema(events):
    """What the Trace Event Format asks of each kind of event."""
    for e in events:
        if e["ph"] not in "iXCM" or not isinstance(e["name"], str) or not isinstance(e["pid"], int) \
                or not isinstance(e["tid"], int) or not isinstance(e["args"], dict):
            return False
        if e["ph"] != "M" and not isinstance(e["ts"], (int, float)):
            return False
        if e["ph"] == "X" and e["dur"] <= 0 or e["ph"] == "i" and e["s"] != "t":
            return False
        if e["ph"] == "C" and not all(isinstance(v, int) for v in e["args"].values()):
            return False
    return True


def boot(engine):
    img = t.file("boot.img", boot_sector(CODE))
    trace, stats = t.path(f"{engine}.umt"), t.path(f"{engine}.json")
    run = Run("-fda", img, "--mmu", engine, *RUN, "--trace", trace, "--stats-json", stats)
    t.ends(f"{engine}: the run", run, 0x43)
    want = stats_entries(stats)
    t.check(f"{engine}: more than the ring holds", sum(want.values()) > 9000, run)

    out = convert(trace, "chrome")
    t.ends(f"{engine}: chrome", out, 0)
    events, got = chrome_entries(out.out)
    t.check(f"{engine}: counts are those of the statistics", got == want, f"{got - want} {want - got}")
    t.check(f"{engine}: verdicts", {"reflected", "emulated", "injected"} <= {v for _, v, _ in got})
    t.check(f"{engine}: the events are well-formed", chrome_schema(events))
    counted = collections.Counter()
    for e in events:
        if e["ph"] == "C":
            counted.update(e["args"])
    t.check(f"{engine}: counters sum up", +counted == collections.Counter(c for c, _, _ in want.elements()))
    t.check(f"{engine}: it waited in HLT", sum(e["ph"] == "X" for e in events) >= 3)

    items = json.loads(convert(trace, "json").out)["items"]
    times = [i["ns"] for i in items if "ns" in i]
    t.check(f"{engine}: time does not go back", times == sorted(times))
    counts = [i["icount"] for i in items if "icount" in i]
    t.check(f"{engine}: nor do instructions", counts == sorted(counts))
    seconds = json.loads(stats.read_text())["guest_seconds"]
    t.check(f"{engine}: guest time is the machine's", 0 <= seconds * 1e9 - times[-1] < 1e6, f"{seconds} {times[-1]}")
    json_got = collections.Counter((i["cause"], i["verdict"], i["ring"]) for i in items if "cause" in i)
    t.check(f"{engine}: json", json_got == want)
    rows = list(csv.DictReader(io.StringIO(convert(trace, "csv").out.decode())))
    t.check(f"{engine}: csv", collections.Counter((r["cause"], r["verdict"], int(r["ring"])) for r in rows) == want)
    lines = convert(trace, "text").out.decode().splitlines()
    entries = sum(1 for line in lines if not line.startswith("#") and "waits in HLT" not in line)
    t.check(f"{engine}: text", entries == sum(want.values()))
    t.check(f"{engine}: perfetto", perfetto_entries(convert(trace, "perfetto").out) == want)
    return trace, want


# ---- Perfetto's protobuf ----------------------------------------------------------------------------------------


def varint(b, at):
    value = shift = 0
    while True:
        value |= (b[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if b[at - 1] < 128:
            return value, at


def message(b):
    """Field number -> values."""
    at, fields = 0, collections.defaultdict(list)
    while at < len(b):
        key, at = varint(b, at)
        assert key & 7 in (0, 2), "a wire type that is not used"
        value, at = varint(b, at)
        if key & 7 == 2:
            assert at + value <= len(b), "a field longer than its message"
            value, at = b[at:at + value], at + value
        fields[key >> 3].append(value)
    return fields


def perfetto_entries(b):
    """Instant events by (cause, verdict, ring), through the tracks' names; each track hangs on a process."""
    tracks, got, depth = {}, collections.Counter(), 0
    for raw in message(b)[1]:
        packet = message(raw)
        for raw_track in packet[60]:
            track = message(raw_track)
            assert track[3] or track[5][0] in tracks, "a track without a parent"
            tracks[track[1][0]] = track[2][0].decode() if track[2] else ""
        for raw_event in packet[11]:
            event = message(raw_event)
            assert event[11][0] in tracks and packet[8], "an event without a track or time"
            kind = event[9][0]
            depth += (kind == 1) - (kind == 2)
            if kind == 3:
                notes = {a[10][0]: a for a in map(message, event[4])}
                got[event[23][0].decode(), notes[b"verdict"][6][0].decode(), int(tracks[event[11][0]][5:])] += 1
    assert depth == 0, "slices that do not end"
    return got


# ---- files made here, after docs/TRACE.md -----------------------------------------------------------------------


def block(kind, raw):
    stored = zlib.compress(raw)
    head = struct.pack("<III", kind, len(stored), len(raw))
    return head + struct.pack("<I", zlib.crc32(stored, zlib.crc32(head))) + stored


def record(icount, cause, verdict, ring, guest, address=0, error=0, vector=0):
    return struct.pack("<QIIIHBBBBB5x", icount, 0x1000, address, error, 0x1B, cause, verdict, ring, vector, guest)


def a_file(records, guests=((0, 5, b"dos"), (7, 10, b"li\"nux"))):
    return (b"UMBRAHVT" + struct.pack("<HHHH", 1, 16, 32, 0) +
            b"".join(block(1, struct.pack("<II", n, ns) + name) for n, ns, name in guests) +
            block(2, b"".join(records)) + block(3, struct.pack("<Q", sum(r[22] != 255 for r in records))))


MADE = [record(0, 255, 0, 0, 0, 100), record(10, 0, 0, 3, 0, 0xBFFF0000, 6, 14), record(20, 3, 1, 0, 0, 0x20),
        record(30, 255, 0, 0, 0, 1000), record(40, 4, 1, 0, 0, 0x3F8), record(15, 6, 3, 3, 7, 0x80000000),
        record(16, 6, 0, 0, 7, 0xFFFFFFFF)]


def csv_of(path, *filters):
    run = convert(path, "csv", *filters)
    return [tuple(int(r[k], 0) for k in ("guest", "ns", "icount")) for r in csv.DictReader(io.StringIO(run.out.decode()))]


def filters():
    path = t.file("made.umt", a_file(MADE))
    dos, linux = [(0, 150, 10), (0, 200, 20), (0, 1050, 40)], [(7, 150, 15), (7, 160, 16)]
    for words, want in (((), dos + linux), (("--guest", "dos"), dos), (("--guest", "7"), linux),
                        (("--guest", "7,dos"), dos + linux), (("--guest", "nobody"), []),
                        (("--cause", "exception,port_io"), [dos[0], dos[2]]), (("--verdict", "emulated"), dos[1:]),
                        (("--ring", "3"), [dos[0], linux[0]]), (("--ring", "1,2"), []),
                        (("--address", "0x20-0x3f8"), dos[1:]), (("--address", "0x3f8"), dos[2:]),
                        (("--address", "0x80000000-0xffffffff"), [dos[0], *linux]),
                        (("--ring", "3", "--guest", "7"), linux[:1])):
        t.check(f"filter {' '.join(words)}", csv_of(path, *words) == want, csv_of(path, *words))
    events = json.loads(convert(path, "chrome").out)["traceEvents"]
    names = {(e["pid"], e["tid"], e["args"]["name"]) for e in events if e["ph"] == "M" and "name" in e["args"]}
    t.check("one track for each guest and ring", names == {
        (1, 1, "dos"), (1, 4, "ring 3"), (1, 1, "ring 0"), (8, 1, 'li"nux'), (8, 4, "ring 3"), (8, 1, "ring 0")}, names)
    t.check("waiting is a slice", [(e["ts"], e["dur"]) for e in events if e["ph"] == "X"] == [(0.25, 0.75)])
    out = t.path("o.json")
    t.ends("-o", convert(path, "json", "-o", out), 0)
    t.check("-o has it", len(json.loads(out.read_text())["items"]) == 5 + 2 + 1 + 1)
    for words in (("--cause", "whim"), ("--verdict", "guilty"), ("--ring", "4"), ("--address", "9-1"), ("--address", "x"),
                  ("--guest", ""), ("--frobnicate", "1"), ("--cause",)):
        t.ends(f"refused: {' '.join(words)}", convert(path, "csv", *words), 64)
    t.ends("an unknown format", convert(path, "xml"), 64)
    t.ends("no format", Run("trace", path), 64)
    t.check("--help", b"--verdict" in Run("trace", "--help").out)


def refusals(trace):
    whole = trace.read_bytes()
    path = t.path("bad.umt")

    def refused(what, data, words):
        path.write_bytes(data)
        run = convert(path, "csv")
        t.ends(what, run, 65, words)
        t.check(f"{what}: nothing is half done", run.out == b"", run)

    for n in (9, 15, 16, 20, 40, len(whole) // 2, len(whole) - 1):
        refused(f"truncated to {n}", whole[:n], b"truncated")
    for n in (0, 3):
        refused(f"truncated to {n}", whole[:n], b"not a trace")
    refused("foreign", b"GIF89a" + whole, b"not a trace")
    refused("of the future", whole[:8] + b"\2" + whole[9:], b"format 2")
    refused("longer", whole + b"x", b"more after its end")
    t.ends("absent", convert(t.path("none"), "csv"), 65, b"No such file")
    t.ends("a folder", convert(t.path("."), "csv"), 65)
    rng = random.Random(1)
    good = True
    for _ in range(60):
        at = rng.randrange(len(whole) - 16) + 16
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1:])
        run = convert(path, "csv")
        good &= run.code == 65 and not run.out
    t.check("any flipped bit is found", good)
    # Right checksums around wrong contents.
    for what, records, guests in (
            ("an unknown cause", [record(1, 77, 0, 0, 0)], ((0, 5, b"a"),)), ("an unknown verdict", [record(1, 0, 9, 0, 0)], ((0, 5, b"a"),)),
            ("ring 4", [record(1, 0, 0, 4, 0)], ((0, 5, b"a"),)), ("an unknown guest", [record(1, 0, 0, 0, 3)], ((0, 5, b"a"),)),
            ("a guest too many", MADE, ((256, 5, b"a"),)), ("a guest without time", MADE, ((0, 0, b"a"),)),
            ("a guest with a long name", MADE, ((0, 1, b"a" * 64),))):
        refused(what, a_file(records, guests), b"damaged")
    refused("half a record", a_file(MADE).replace(block(2, b"".join(MADE)), block(2, b"".join(MADE)[:-1])), b"damaged")
    refused("another count", a_file(MADE)[:-len(block(3, bytes(8)))] + block(3, bytes(8)), b"damaged")


def assertions(want):
    img = t.file("boot.img", boot_sector(CODE))
    reflected = sum(n for (_, v, _), n in want.items() if v == "reflected")
    hlt = sum(n for (c, _, _), n in want.items() if c == "hlt")

    def run(*texts):
        return Run("-fda", img, *RUN, *(w for text in texts for w in ("--assert", text)))

    t.ends("--assert that hold", run(f"guest.traps.reflected == {reflected}", f"hypervisor.hlt.emulated=={hlt}",
                                     "traps.denied.3 < 1", "instructions > 1e3", "mmu.root_loads >= 0",
                                     f"hypervisor.hlt.emulated.0 <= {hlt}", "hypervisor.hlt.emulated.3 == 0",
                                     "hypervisor.swap.swapped == 0"), 0x43)
    t.ends("one that does not", run("instructions > 1", f"traps.reflected != {reflected}"), 82,
           f"is {reflected}, which is not != {reflected}".encode())
    t.ends("no such counter", run("traps.ignored == 0"), 64, b"no counter traps.ignored")
    for text in ("traps.reflected", "== 3", "a = 3", "a == b", "a == 3 4", ""):
        t.ends(f"not a statement: {text}", run(text), 64, b"NAME OP NUMBER")


trace, want = boot("shadow")
boot("direct")
filters()
refusals(trace)
assertions(want)
t.ends("a trace that cannot be made", Run("-fda", t.path("boot.img"), *RUN, "--trace", t.path("none") / "x"), 65, b"--trace")
if os.path.exists("/dev/full"):
    t.ends("a full disk", Run("-fda", t.path("boot.img"), *RUN, "--trace", "/dev/full"), 0x43,
           b"not all could be written")
t.finish()
