#!/usr/bin/env python3
"""Turns the instruction table into C: gen_insn_tables.py OUT.c|OUT.h TABLE.def...

OUT.h has the prototypes and sizes; OUT.c the rows (insn_table) and, for each opcode map, the row of
every (opcode, /reg), and what a ModRM byte says (modrm_table). What decoding and lowering would have to find out from
the operands' kinds for each instruction anew is written into its row. Two rows for one encoding, an unknown operand
code or an unknown column value stop the build.
"""
import re
import sys

ROW = re.compile(r"^I\(\s*(.*)\)\s*(?:/\*.*\*/)?\s*$")
MAPS = ("M1", "M2", "M2_66", "M2_F3", "M2_F2", "M38", "M38_66", "M38_F2", "M3A", "M3A_66")
CC = ("o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g")
SINCE = ("I8086", "I186", "I286", "I386", "I486", "P5", "P6", "MMX", "SSE", "SSE2", "SSE3", "SSSE3")
# SMAP came later than SSSE3, but the newest model has both and no other has either.
SINCE_ALIAS = {"I8087": "I8086", "I287": "I286", "I387": "I386", "SMAP": "SSSE3"}
TAIL_KINDS = {"I", "IS", "I2", "J", "A", "O", "ONE"}
MODRM_KINDS = {"E", "EW", "RNONE", "G", "M", "R", "S", "C", "D", "P", "Q", "N", "V", "W", "U"}


def die(where, text):
    sys.exit(f"{where}: {text}")


def operands(path):
    kinds = {}
    for m in re.finditer(r"\bO\(\s*(\w+)\s*,\s*(\w+)\s*,\s*(\d+)\s*\)", open(path).read().split("*/", 1)[1]):
        kinds[m[1]] = (m[2], int(m[3]))
    return kinds


def rows(paths, kinds):
    result = []
    for path in paths:
        for number, line in enumerate(open(path), 1):
            m = ROW.match(line)
            if not m:
                if line.startswith("I("):
                    die(f"{path}:{number}", "row not understood")
                continue
            f = [x.strip() for x in m[1].split(",")]
            if len(f) != 12:
                die(f"{path}:{number}", f"{len(f)} columns, 12 wanted")
            for o in f[4:7]:
                if o not in kinds:
                    die(f"{path}:{number}", f"unknown operand code {o}: add it to operands.def")
            since = SINCE_ALIAS.get(f[10], f[10])
            if since not in SINCE:
                die(f"{path}:{number}", f"unknown processor {f[10]}")
            result.append(dict(where=f"{path}:{number}", map=f[0], opcode=int(f[1], 0), reg=f[2], name=f[3].strip('"'),
                               op=f[4:7], access=f[7], flags=f[8], undef=f[9], since=since, exec=f[11]))
    return result


def hot_id(r):
    m = re.match(r"hot\((\w+)\)", r["exec"])
    if not m:
        return "HOT_NONE"
    fam, cc = m[1], CC[r["opcode"] & 15]
    if fam in ("cmov",):
        fam = "cmov" + cc
    elif fam == "setcc":
        fam = "set" + cc
    elif fam in ("movzx", "movsx"):
        fam += "1" if r["op"][1] == "Eb" else "2"
    elif fam == "push" and r["op"][0] != "Ev":
        fam = "push_r" if r["op"][0] == "Zv" else "push_i"
    elif fam == "pop":
        fam = "pop_r"
    elif "CL" in r["op"]:
        fam += "_cl"
    return "HOT_" + fam.upper()


def modrm_need(r, kinds):
    k = {kinds[o][0] for o in r["op"]}
    if r["map"] in ("FM",):
        return "MODRM_MEM"
    if r["map"] in ("FR", "FX", "M2R"):
        return "MODRM_REG"
    if not (k & MODRM_KINDS) and r["reg"] == "ANY":
        return "MODRM_NONE"
    if "M" in k:
        return "MODRM_MEM"
    if k & {"R", "RNONE", "N", "U"}:
        return "MODRM_REG"
    return "MODRM_ANY"


def tail(r, kinds):
    """What lies behind ModRM, with an operand size of 4 and of 2: a field, or what takes a closer look."""
    behind = [kinds[o] for o in r["op"] if kinds[o][0] in TAIL_KINDS]
    if not behind:
        return ["FIELD_NONE"] * 2
    kind, size = behind[0]
    if len(behind) > 1 or kind not in ("I", "IS", "J"):
        return ["FIELD_OTHER"] * 2
    sign = "U" if kind == "I" else "S"
    return [f"FIELD_{sign}{8 * (size or v)}" if (size or v) < 4 else "FIELD_32" for v in (4, 2)]


def is_picky(r, kinds):
    return modrm_need(r, kinds) in ("MODRM_MEM", "MODRM_REG") or bool({"Cd", "Sw"} & set(r["op"]))


# Where a register's number is: its lowest bit in modrm << 8 | opcode.
NUMBER_AT = {"Z": 0, "E": 8, "G": 11}
NUMBER_0 = 16
# Families that lower.c knows by name; of the others the row says all.
BY_FAMILY = {"JCC", "LOOP", "LOOPE", "LOOPNE", "JCXZ", "JMP", "CALL", "RET", "CALLI", "JMPI", "PUSH", "PUSH_R", "POP_R",
             "PUSH_I", "LEAVE", "NOP", "CLC", "STC", "CMC", "CLD", "STD",
             "ROL", "ROR", "RCL", "RCR", "SHL", "SHR", "SAR"}


def number_at(r, operand, kinds):
    kind, size = kinds[operand]
    if kind.startswith("FIXED") and size:
        die(r["where"], f"a hot row with the register {operand}: only number 0 is foreseen")
    return NUMBER_AT.get(kind, NUMBER_0)


def log2_size(operand, kinds):
    """With an operand size of 4 and of 2."""
    kind, size = kinds[operand]
    size = {"FIXED8": 1, "FIXED16": 2, "FIXEDV": 0}.get(kind, size)
    return "{ %s }" % ", ".join(str((size or v) >> 1) for v in (4, 2))


def lowering(r, kinds):
    """A row's struct insn_lowering. Registers: those of a form with two, or the one that meets memory."""
    if not r["exec"].startswith("hot("):
        return "{ .way = LOWER_GENERIC }"
    way = "LOWER_BY_FAMILY" if hot_id(r)[len("HOT_"):] in BY_FAMILY else "LOWER_BY_ROW"
    op0, op1 = r["op"][:2]
    kind0, kind1 = kinds[op0][0], kinds[op1][0]
    two = kind1 in ("G", "E", "Z", "M", "O") or kind1 in ("FIXED8", "FIXEDV") and op1 != "CL"
    if kind0 == "O" or kind0 == "E" and kind1 != "E":
        mem, met = ("HOT_MRB", op1) if two else ("HOT_MIB", "__")
    else:
        mem, met = "HOT_RMB", op0
    numbers = ", ".join(str(number_at(r, o, kinds)) for o in (op0, op1 if two else "__", met))
    return (f'{{ {way}, {"HOT_RR" if two else "HOT_RI"}, {mem}, {int("O" in (kind0, kind1))}, {{ {numbers} }}, '
            f'{log2_size(op0, kinds)}, {log2_size(op1 if two else "__", kinds)} }}')


# SDM vol 2 tables 2-1, 2-2: registers by number, 16 for none.
BASE16, INDEX16 = (3, 3, 5, 5, 6, 7, 5, 3), (6, 7, 6, 7, 16, 16, 16, 16)


def modrm_place(m, wide):
    mod, rm = m >> 6, m & 7
    base, index, field, note = 16, 16, "FIELD_NONE", "0"
    if mod == 3:
        pass
    elif wide and rm == 4:
        field, note = ("FIELD_NONE", "FIELD_S8", "FIELD_32")[mod], "MODRM_SIB"
    elif mod == 0 and rm == (5 if wide else 6):
        field = "FIELD_32" if wide else "FIELD_U16"
    else:
        base, index = (rm, 16) if wide else (BASE16[rm], INDEX16[rm])
        field = ("FIELD_NONE", "FIELD_S8", "FIELD_32" if wide else "FIELD_S16")[mod]
        note = "MODRM_SS" if base == 5 else "0"
    return f"{{ {base}, {index}, {field}, {note} }}"


def modrm_table():
    text = ["const struct modrm_place modrm_table[2][256] = {"]
    for wide in (False, True):
        text += ["\t{"] + [f"\t\t{modrm_place(m, wide)}, /* {m:02x} */" for m in range(256)] + ["\t},"]
    return text + ["};", ""]


def place(index, key, n, all_rows):
    if key in index:
        die(all_rows[n]["where"], f"same encoding as {all_rows[index[key]]['where']}")
    index[key] = n


def indexes(all_rows):
    index = {m: {} for m in MAPS}
    fm, fr, m2r = {}, {}, {}
    exact = {r["opcode"] for r in all_rows if r["map"] == "FX"}
    for n, r in enumerate(all_rows):
        regs = range(8) if r["reg"] == "ANY" else [int(r["reg"])]
        if r["map"] == "FM":
            for g in regs:
                place(fm, (r["opcode"] - 0xD8, g), n, all_rows)
        elif r["map"] == "FR":
            for g in regs:
                for rm in range(8):
                    if (r["opcode"] << 8 | 0xC0 | g << 3 | rm) not in exact:
                        place(fr, (r["opcode"] - 0xD8, g << 3 | rm), n, all_rows)
        elif r["map"] == "FX":
            place(fr, ((r["opcode"] >> 8) - 0xD8, r["opcode"] & 63), n, all_rows)
        elif r["map"] == "M2R":
            if r["opcode"] >> 8 != 1 or r["opcode"] & 255 < 0xC0:
                die(r["where"], "M2R is 0F 01 with a register ModRM")
            place(m2r, (0, r["opcode"] & 63), n, all_rows)
        elif r["map"] in index:
            for g in regs:
                place(index[r["map"]], (r["opcode"], g), n, all_rows)
        else:
            die(r["where"], f"unknown map {r['map']}")
    return index, fm, fr, m2r


def matrix(name, table, outer, inner):
    text = [f"const uint16_t {name}[{outer}][{inner}] = {{"]
    for a in range(outer):
        cells = [(table[(a, b)] + 1) if (a, b) in table else 0 for b in range(inner)]
        if any(cells):
            text.append(f"\t[{a:#04x}] = {{ {', '.join(map(str, cells))} }},")
    return "\n".join(text + ["};", ""])


def main():
    out, operand_file, tables = sys.argv[1], sys.argv[2], sys.argv[3:]
    kinds = operands(operand_file)
    all_rows = rows(tables, kinds)
    index, fm, fr, m2r = indexes(all_rows)
    execs = sorted({r["exec"] for r in all_rows if not r["exec"].startswith("hot(")})
    if out.endswith(".h"):
        text = ["/* Written by gen_insn_tables.py. */", "#ifndef INSN_ROWS_H", "#define INSN_ROWS_H", '#include "cpu/insn.h"', "",
                f"#define INSN_COUNT {len(all_rows)}u", "", "enum operand_code {"]
        text += [f"\tOP_{k}," for k in kinds] + ["\tOPERAND_CODES", "};", ""]
        text += [f"insn_exec exec_{e};" for e in execs] + ["#endif"]
    else:
        text = ["/* Written by gen_insn_tables.py. */", '#include "cpu/hot.h"', '#include "cpu/insn_table.h"', ""]
        text.append("const struct operand_desc operand_table[OPERAND_CODES] = {")
        text += [f"\t[OP_{k}] = {{ OPK_{v[0]}, {v[1]} }}," for k, v in kinds.items()] + ["};", ""]
        text.append("const struct insn_desc insn_table[INSN_COUNT] = {")
        for r in all_rows:
            e = "NULL" if r["exec"].startswith("hot(") else "exec_" + r["exec"]
            und = "|".join("FLAG_" + x for x in r["undef"].split("|")) if r["undef"] != "0" else "0"
            k = {kinds[o][0] for o in r["op"]}
            fl = "|".join("INSN_" + x.strip() for x in r["flags"].split("|")) if r["flags"] != "0" else "0"
            text.append(f'\t{{ "{r["name"]}", {e}, {hot_id(r)}, {r["opcode"]:#x}, MAP_{r["map"]}, '
                        f'{"REG_ANY" if r["reg"] == "ANY" else r["reg"]}, '
                        f'{{ {", ".join("OP_" + o for o in r["op"])} }}, ACC_{r["access"].strip("_") or "NONE"}, {fl}, '
                        f'SINCE_{r["since"]}, {modrm_need(r, kinds)}, {und}, '
                        f'{{ {", ".join(tail(r, kinds))} }}, {int("R" in k)}, '
                        f'{int(is_picky(r, kinds))}, {lowering(r, kinds)} }},')
        text += ["};", ""] + modrm_table()
        for m in MAPS:
            text.append(matrix(f"insn_index_{m.lower()}", index[m], 256, 8))
        text.append(matrix("insn_index_fm", fm, 8, 8))
        text.append(matrix("insn_index_fr", fr, 8, 64))
        text.append(matrix("insn_index_m2r", m2r, 1, 64))
    open(out, "w").write("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
