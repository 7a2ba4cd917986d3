#!/usr/bin/env python3
"""Which rows of the instruction table are decoded, executed and verified: coverage.py LOGS OUT

LOGS has the files that the tests of cpu/ wrote (run_tests.py --coverage LOGS). A row is

  decoded   when Zydis agrees on its encodings (test_zydis),
  executed  when some test was about to execute it, one instruction at a time,
  verified  when what it did was compared with a recording of a processor, the host's processor or Unicorn; or when
            tests/cpu/coverage.txt names the test of ours that checks it, and that test has executed it.

OUT/map.txt and OUT/map.html are the opcode maps, in the manner of SDM vol 2 appendix A. A row that is not verified
fails, and so does a line of coverage.txt that does not hold.
"""
import collections
import html
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "cpu"))
import gen_insn_tables as table  # noqa: E402

DEFS = ("insns.def", "insns_sse.def", "insns_x87.def")
PREFIX = {"M1": "", "M2": "0F ", "M2_66": "66 0F ", "M2_F3": "F3 0F ", "M2_F2": "F2 0F ", "M38": "0F 38 ", "M38_66": "66 0F 38 ",
          "M38_F2": "F2 0F 38 ", "M3A": "0F 3A ", "M3A_66": "66 0F 3A ", "M2R": "0F "}
GRIDS = (("One-byte opcodes", ("M1",)), ("Two-byte opcodes, 0F", ("M2", "M2_66", "M2_F3", "M2_F2", "M2R")),
         ("Three-byte opcodes, 0F 38", ("M38", "M38_66", "M38_F2")), ("Three-byte opcodes, 0F 3A", ("M3A", "M3A_66")))
# The models of cpu/trace.c newest(), and the generations each adds.
MODELS = (("486", ("I8086", "I186", "I286", "I386", "I486")), ("Pentium", ("P5",)), ("Pentium II", ("P6", "MMX")),
          ("Pentium III", ("SSE",)), ("Pentium 4", ("SSE2",)), ("max", ("SSE3", "SSSE3")))

PREFIXES = {0x26: "ES:", 0x2E: "CS:", 0x36: "SS:", 0x3E: "DS:", 0x64: "FS:", 0x65: "GS:", 0x66: "operand size",
            0x67: "address size", 0xF0: "LOCK", 0xF2: "REPNE", 0xF3: "REP"}


class Row:
    def __init__(self, r):
        self.map, self.opcode, self.name, self.since = r["map"], r["opcode"], r["name"], r["since"]
        self.reg = None if r["reg"] == "ANY" else int(r["reg"])
        self.modrm = None  # the one of an M2R row
        if self.map == "M2R":
            self.opcode, self.modrm = self.opcode >> 8, self.opcode & 255
            self.reg = self.modrm >> 3 & 7
        self.operands = ",".join(o for o in r["op"] if o != "__")
        self.uses = {"decoded": {}, "executed": {}, "verified": {}}
        self.claim = None  # (tests, what they check) of coverage.txt

    @property
    def label(self):
        if self.map == "FX":
            return f"{self.opcode >> 8:02X} {self.opcode & 255:02X}"
        if self.modrm:
            return f"0F {self.opcode:02X} {self.modrm:02X}"
        if self.map in ("FM", "FR"):
            return f"{self.opcode:02X} /{self.reg} {'mem' if self.map == 'FM' else 'reg'}"
        return f"{PREFIX[self.map]}{self.opcode:02X}" + ("" if self.reg is None else f" /{self.reg}")

    @property
    def decoded(self):
        return bool(self.uses["decoded"])

    @property
    def executed(self):
        return bool(self.uses["executed"] or self.uses["verified"])

    @property
    def mark(self):
        """V: by vectors, T: by a test of ours, !: by nothing."""
        return "V" if self.uses["verified"] else "T" if self.claim and self.executed else "!"

    def evidence(self):
        said = [f"{use} by " + ", ".join(f"{t} ({n})" for t, n in sorted(tests.items()))
                for use, tests in self.uses.items() if tests]
        if self.claim:
            said.append(f"checked by {', '.join(self.claim[0])}: {self.claim[1]}")
        return "; ".join(said) or "nothing"


def read_rows():
    cpu = ROOT / "cpu"
    return [Row(r) for r in table.rows([cpu / d for d in DEFS], table.operands(cpu / "operands.def"))]


def read_logs(rows, folder):
    names = []
    for path in sorted(pathlib.Path(folder).glob("*.rows")):
        first, *lines = path.read_text().splitlines()
        if first != f"rows {len(rows)}":
            sys.exit(f"{path}: {first}, but the table has {len(rows)}: run the tests again")
        names.append(path.stem.removeprefix("cpu_test_"))
        for line in lines:
            use, row, count = line.split()
            rows[int(row)].uses[use][names[-1]] = int(count)
    return names


def read_claims(rows, path, logs):
    """Lines `LABEL | MNEMONIC | TEST, TEST | what is checked`. Returns what does not hold."""
    wrong, places = [], {(r.label, r.name): r for r in rows}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{path.relative_to(ROOT)}:{number}"
        cells = [c.strip() for c in line.split("|")]
        row = places.get(tuple(cells[:2])) if len(cells) == 4 else None
        if not row:
            wrong.append(f"{where}: names no row of the table: {line.strip()}")
            continue
        tests = [t.strip() for t in cells[2].split(",")]
        for t in tests:
            if t in logs and not row.uses["executed"].get(t):
                wrong.append(f"{where}: test_{t} does not execute {row.label} {row.name}")
        row.claim = (tests, cells[3])
    return wrong


# ---- text ----------------------------------------------------------------------------------------------------------

def text_grid(title, rows):
    cells = collections.defaultdict(list)
    for r in rows:
        cells[r.opcode].append(r.mark)
    lines = [title, "     " + " ".join(f"{c:X}" for c in range(16))]
    for high in range(16):
        marks = [cells[high << 4 | low] for low in range(16)]
        lines.append(f"  {high:X}  " + " ".join(min(m, key="!TV".index) if m else "." for m in marks))
    return lines + [""]


def write_text(rows, path, summary):
    lines = ["The instruction table: V verified by vectors of a processor or another emulator, T by a test of ours,",
             "! by nothing, . no such instruction. An opcode of several rows shows the weakest.", ""] + summary + [""]
    for title, maps in GRIDS:
        here = [r for r in rows if r.map in maps]
        lines += text_grid(title, here) if here else []
    lines += [f"{'encoding':16}{'instruction':26}{'since':8}{'decoded':9}{'executed':10}{'verified':9} by"]
    for r in rows:
        lines.append(f"{r.label:16}{r.name + ' ' + r.operands:26}{r.since:8}{'yes' if r.decoded else 'no':9}"
                     f"{'yes' if r.executed else 'no':10}{r.mark:9} {r.evidence()}")
    path.write_text("\n".join(lines) + "\n")


# ---- HTML ----------------------------------------------------------------------------------------------------------

STYLE = """body{font:13px/1.35 sans-serif;margin:1.5em;color:#222;max-width:1500px}h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}
table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:1px 3px;vertical-align:top;font-size:11px}th{background:#eee}
table.map{table-layout:fixed;width:100%}table.map th:first-child{width:3.4em}.map td{height:2.6em;overflow-wrap:anywhere}
.none{background:#f6f6f6}.r{display:block;margin:1px 0;padding:0 2px 0 3px;border-left:4px solid #2a2}
.T{border-left-color:#26c}.X{border-left-color:#d00;outline:2px solid #d00}.r small{color:#555}.p{color:#777;font-size:9px}
.m0{background:#fff}.m1{background:#e3f4e1}.m2{background:#dcebfa}.m3{background:#fdf1cc}.m4{background:#fbe0d0}.m5{background:#eedff5}
.key .r{display:inline-block;margin-right:1em;padding:1px 6px}"""


def model_of(row):
    return next(n for n, (_, since) in enumerate(MODELS) if row.since in since)


def cell(rows, prefix=False):
    if not rows:
        return '<td class="none"></td>'
    out = []
    for r in rows:
        before = PREFIX.get(r.map, "").replace("0F ", "").replace("38 ", "").replace("3A ", "").strip() if prefix else ""
        kind, title = r.mark.replace("!", "X"), html.escape(f"{r.label}: {r.evidence()}")
        out.append(f'<span class="r m{model_of(r)} {kind}" title="{title}">'
                   + (f'<span class="p">{before}</span> ' if before else "")
                   + f"<b>{r.name}</b> <small>{r.operands}</small></span>")
    return f"<td>{''.join(out)}</td>"


def group_link(rows, label):
    worst = min((r.mark for r in rows), key="!TV".index).replace("!", "X")
    oldest = min(model_of(r) for r in rows)
    return (f'<td><span class="r m{oldest} {worst}"><a href="#g{label.replace(" ", "")}">by /reg</a>'
            f' <small>{len(rows)} row{"s" * (len(rows) > 1)}</small></span></td>')


def other_use(maps, opcode):
    """What a byte of the map is when it is no instruction's."""
    if maps[0] == "M1" and opcode in PREFIXES:
        return PREFIXES[opcode]
    if maps[0] == "M1" and opcode == 0x0F or maps[0] == "M2" and opcode in (0x38, 0x3A):
        return "escape"
    return '<a href="#x87">x87</a>' if maps[0] == "M1" and 0xD8 <= opcode <= 0xDF else ""


def grid(title, maps, rows):
    here = [r for r in rows if r.map in maps]
    if not here:
        return []
    out = [f"<h2>{title}</h2><table class=map><tr><th></th>" + "".join(f"<th>{c:X}</th>" for c in range(16)) + "</tr>"]
    for high in range(16):
        out.append(f"<tr><th>{high:X}_</th>")
        for low in range(16):
            at = [r for r in here if r.opcode == high << 4 | low]
            if any(r.reg is not None for r in at):
                out.append(group_link(at, f"{PREFIX[maps[0]]}{at[0].opcode:02X}"))
            elif at:
                out.append(cell(at, True))
            else:
                out.append(f'<td class="none"><small>{other_use(maps, high << 4 | low)}</small></td>')
        out.append("</tr>")
    return out + ["</table>"]


def groups(rows):
    out = ["<h2>Opcodes that ModRM.reg extends</h2><table class=map><tr><th></th>"
           + "".join(f"<th>/{c}</th>" for c in range(8)) + "</tr>"]
    for title, maps in GRIDS:
        for opcode in range(256):
            at = [r for r in rows if r.map in maps and r.opcode == opcode]
            if any(r.reg is not None for r in at):
                label = f"{PREFIX[maps[0]]}{opcode:02X}"
                out.append(f'<tr id="g{label.replace(" ", "")}"><th>{label}</th>'
                           + "".join(cell([r for r in at if r.reg == n], True) for n in range(8)) + "</tr>")
    return out + ["</table>"]


def x87(rows):
    out = ["<h2 id=x87>x87: memory operand by /reg</h2><table class=map><tr><th></th>"
           + "".join(f"<th>/{c}</th>" for c in range(8)) + "</tr>"]
    for op in range(0xD8, 0xE0):
        here = [r for r in rows if r.map == "FM" and r.opcode == op]
        out.append(f"<tr><th>{op:02X}</th>" + "".join(cell([r for r in here if r.reg == n]) for n in range(8)) + "</tr>")
    out.append("</table><h2>x87: registers; each encoding of its own, or a line for eight of ST(i)</h2><table class=map>"
               "<tr><th></th>" + "".join(f"<th>{0xC0 + 8 * c:02X}-{0xC7 + 8 * c:02X}</th>" for c in range(8)) + "</tr>")
    for op in range(0xD8, 0xE0):
        out.append(f"<tr><th>{op:02X}</th>")
        for n in range(8):
            exact = [r for r in rows if r.map == "FX" and r.opcode >> 8 == op and r.opcode >> 3 & 7 == n]
            out.append(cell([r for r in rows if r.map == "FR" and r.opcode == op and r.reg == n] + exact))
        out.append("</tr>")
    return out + ["</table>"]


def write_html(rows, path, summary):
    key = "".join(f'<span class="r m{n}">{name}: {", ".join(since)}</span>' for n, (name, since) in enumerate(MODELS))
    marks = ('<span class="r m0">verified by vectors</span><span class="r m0 T">verified by a test of ours</span>'
             '<span class="r m0 X">by nothing</span>')
    out = [f"<!doctype html><meta charset=utf-8><title>Umbra86: the instruction table</title><style>{STYLE}</style>",
           "<h1>Umbra86: the instruction table</h1><pre>" + html.escape("\n".join(summary)) + "</pre>",
           f"<p class=key>{marks}<p class=key>First model that has it: {key}<p>The mouse over an instruction shows the evidence."]
    for title, maps in GRIDS:
        out += grid(title, maps, rows)
    path.write_text("\n".join(out + groups(rows) + x87(rows)) + "\n")


# ---- all -----------------------------------------------------------------------------------------------------------

def summarise(rows, logs):
    out = [f"{'model':14}{'rows':>6}{'decoded':>9}{'executed':>10}{'by vectors':>12}{'by a test':>11}{'by nothing':>12}"]
    for name, since in MODELS + (("all", tuple(table.SINCE)),):
        here = [r for r in rows if r.since in since]
        count = collections.Counter(r.mark for r in here)
        out.append(f"{name:14}{len(here):6}{sum(r.decoded for r in here):9}{sum(r.executed for r in here):10}"
                   f"{count['V']:12}{count['T']:11}{count['!']:12}")
    return out + ["", "logs: " + (", ".join(logs) or "none")]


def main():
    logs_folder, out = sys.argv[1], pathlib.Path(sys.argv[2])
    rows = read_rows()
    logs = read_logs(rows, logs_folder)
    wrong = read_claims(rows, ROOT / "tests/cpu/coverage.txt", logs)
    wrong += [f"{r.label} {r.name} {r.operands}: verified by nothing ({r.evidence()})" for r in rows if r.mark == "!"]
    if "zydis" in logs:
        wrong += [f"{r.label} {r.name}: Zydis was never asked" for r in rows if not r.decoded]
    summary = summarise(rows, logs)
    out.mkdir(parents=True, exist_ok=True)
    write_text(rows, out / "map.txt", summary)
    write_html(rows, out / "map.html", summary)
    print("\n".join(summary + wrong))
    print(f"coverage: {out / 'map.txt'}, {out / 'map.html'}")
    print(f"coverage: {sum(r.mark != '!' for r in rows)} passed, {len(wrong)} failed, 0 skipped")
    return 1 if wrong else 0


sys.exit(main())
