"""Handlers for hot traces (special.h): one choice of registers each, with flags and without. Used by gen_handlers.py."""
import re

# How the flags are told afterwards, see enum hot_recover.
RECOVER = {"and": "LOGIC", "or": "LOGIC", "xor": "LOGIC"} | {
    f: f.upper() for f in ("add", "sub", "adc", "sbb", "inc", "dec", "neg", "shl", "shr", "sar", "rol", "ror")}
# What is left of an instruction whose flags nobody reads: a and b are its operands.
BARE = {"add": "a + b", "sub": "a - b", "and": "a & b", "or": "a | b", "xor": "a ^ b", "imul2": "a * b",
        "inc": "a + 1", "dec": "a - 1", "shl": "a << b", "shr": "a >> b", "sar": "(uint32_t)((int32_t)a >> b)",
        "neg": "0 - a", "adc": "a + b + c->cf", "sbb": "a - b - c->cf", "rol": "a << b | a >> (32 - b)",
        "ror": "a >> b | a << (32 - b)"}
# Their flags are told from the first operand, which they leave in flag_src.
KEPT = ("shl", "shr", "sar")

# What a handler may be made for (enum hot_choice): fields of the op, and all that these may hold, each with its index
# in the tables and its name.
REGISTER = [(r, str(r), (r,)) for r in range(8)]
BYTES = [(n, ("al", "cl", "dl", "bl", "ah", "ch", "dh", "bh")[n], (n & 3, (n & 4) << 1)) for n in range(8)]
CHOICES = {
    "R0": (("op->r0",), REGISTER),
    "R1": (("op->r1",), REGISTER),
    "BASE": (("op->r1",), REGISTER + [("HOT_NO_REG", "z", ("REG_ZERO",))]),
    "SCALE": (("op->r3",), [(n, f"x{1 << n}", (n,)) for n in range(4)]),
    "BYTE": (("op->r0", "op->imm"), BYTES),
    "BYTE0": (("op->r0", "op->r2"), BYTES),
    "BYTE1": (("op->r1", "op->r3"), BYTES),
    "ANY": ((), [(0, None, ())]),
}


class Specials:
    """rows: generic handler -> (first choice, second choice, {(index, index): name}, the same without flags)."""

    def __init__(self, handler, put, bodies):
        self.handler, self.put, self.bodies, self.rows, self.folded = handler, put, bodies, {}, {}

    def variants(self, name, code, first, second):
        rows = {}
        for i, a, firsts in CHOICES[first][1]:
            for j, b, seconds in CHOICES[second][1]:
                if second == "BASE" and firsts == (seconds[0], 8):
                    continue  # like CH at [ECX]: few registers of an x86 host have a second byte
                body = code
                for field, value in zip(CHOICES[first][0] + CHOICES[second][0], firsts + seconds):
                    body = body.replace(field, str(value))
                rows[i, j] = "_".join([name] + [x for x in (a, b) if x])
                self.handler(rows[i, j], body)
        return rows

    def specialise(self, name, first="ANY", second="ANY", bare=None):
        """For each value of the two choices. bare: what is left when nobody reads the flags."""
        self.rows[name] = (first, second, self.variants(name, self.bodies[name], first, second),
                           self.variants("bare_" + name, bare, first, second) if bare else {})

    def bare(self, family, second):
        if family not in BARE:
            return None
        a = "(uint32_t)c->r[op->r0]"
        code = re.sub(r"\b[ab]\b", lambda m: a if m[0] == "a" else second, BARE[family])
        kept = f"\tc->flag_src = {a};\n" if family in KEPT else ""
        return f"{kept}\t{self.put(4, 'op->r0', '0', code)}\n\tNEXT;"

    def bare_memory(self, name):
        """
        The same of a register with memory. Some flags are told from the result, others from the second operand too:
        it is left where they would have put it.
        """
        return re.sub(r"flags_(\w+)\(c, 32.*?\);", lambda m: "" if m[1] == "logic" else "c->flag_src = b;",
                      self.bodies[name])

    def fold_mov(self, family, form, alu):
        """MOV of a register, and `family` on its copy, in one handler: three operands. folded: generic -> (name, bare's)."""
        second = "(uint32_t)c->r[op[1].r1]" if form == "rr" else "op[1].imm"
        operands = f"\tuint32_t a = (uint32_t)c->r[op->r1], b = {second}, r;\n\n\t(void)b;\n"
        code = self.put(4, "op->r0", "0", "r") + "\n\tSKIP;"
        names = [f"mov_{family}_{form}4", f"bare_mov_{family}_{form}4"]
        self.handler(names[0], f"{operands}\t{alu}\n\t{code}")
        kept = "\tc->flag_src = a;\n" if family in KEPT else ""
        self.handler(names[1], f"{operands}{kept}\tr = {BARE.get(family, '~a')};\n\t{code}")
        self.folded[f"{family}_{form}4"] = names

    def make(self, sub_cond, logic_cond, sign_cond):
        """All of them; the conditions under which compares and tests are fused with a branch."""
        self.registers(sub_cond, logic_cond)
        self.memory(sub_cond, sign_cond)

    def registers(self, sub_cond, logic_cond):
        for f in ("mov", "add", "sub", "and", "or", "xor", "cmp", "test", "adc", "sbb", "imul2"):
            self.specialise(f"{f}_rr4", "R0", "R1", self.bare(f, "(uint32_t)c->r[op->r1]"))
        for f in ("mov", "add", "sub", "and", "or", "xor", "cmp", "test", "adc", "sbb", "inc", "dec", "shl", "shr", "sar",
                  "rol", "ror", "neg", "not"):
            self.specialise(f"{f}_ri4", "R0", bare=self.bare(f, "op->imm"))
        for f in ("push_r_f4", "pop_r_f4"):
            self.specialise(f, "R0")
        self.specialise("movzx1_rr4", "R0", "BYTE1")
        self.specialise("movzx2_rr4", "R0", "R1")
        for f in ("shl", "shr", "sar"):
            self.specialise(f"{f}_cl_ri4", "R0")
        for cc in ("b", "ae", "e", "ne"):
            self.specialise(f"set{cc}_ri1", "BYTE0")
        for cc in sub_cond:
            self.specialise(f"cmp_ri4_j{cc}", "R0")
            self.specialise(f"cmp_rr4_j{cc}", "R0", "R1")
            self.specialise(f"cmp_ri1_j{cc}", "BYTE0")
            self.specialise(f"cmp_ri2_j{cc}", "R0")
        for cc in logic_cond:
            self.specialise(f"test_rr4_j{cc}", "R0", "R1")
            self.specialise(f"test_ri4_j{cc}", "R0")
            self.specialise(f"test_ri1_j{cc}", "BYTE0")

    def memory(self, sub_cond, sign_cond):
        for f in ("mov", "movzx1", "movzx2", "movsx1", "lea", "add", "sub", "and", "or", "xor", "cmp"):
            for form, second in (("rmb", "BASE"), ("rmx", "SCALE")):
                name = f"{f}_{form}4"
                self.specialise(name, "R0", second, self.bare_memory(name) if f in BARE else None)
        for size, register in ((1, "BYTE"), (2, "R0"), (4, "R0")):
            self.specialise(f"mov_mrb{size}", register, "BASE")
            self.specialise(f"mov_mrx{size}", register, "SCALE")
            if size < 4:
                self.specialise(f"mov_rmb{size}", register, "BASE")
                self.specialise(f"mov_rmx{size}", register, "SCALE")
        for f in ("mov", "cmp", "add", "inc", "push"):
            self.specialise(f"{f}_mib4", second="BASE")
        for cc in sign_cond:
            self.specialise(f"dec_mib4_j{cc}", second="BASE")
        for cc in sub_cond:
            for form in ("rmb", "mrb"):
                self.specialise(f"cmp_{form}4_j{cc}", "R0")
            for form in ("rmb", "mrb"):
                self.specialise(f"cmp_{form}1_j{cc}", "BYTE")
            for form in ("rmx", "mrx"):
                self.specialise(f"cmp_{form}1_j{cc}", second="SCALE")
            self.specialise(f"cmp_mib4_j{cc}", second="BASE")
        for cc in ("b", "ae", "e", "ne"):
            self.specialise(f"cmov{cc}_rmb4", "R0")


def flag_traits(tables, fused, alu, read_only):
    """
    What handlers do with flags, for dead_flags.c: handler -> names of enum hot_trait. Whoever is not listed may read
    flags, or write but some.
    """
    moves = ["mov", "lea", "not", "bswap"] + [f"mov{x}{n}" for x in ("zx", "sx") for n in (1, 2)]
    writers = [*alu, "neg", "imul2", "imul3", "shl", "shr", "sar"]
    traits = {tables[f]["ri", n]: ["FLAGS_ROTATED", "WRITES_R0"] for f in ("rol", "ror") for n in (1, 2, 4)}
    for f in moves + writers:
        for (form, _), n in tables[f].items():
            memory = len(form) == 3 and f != "lea"
            to_memory = memory and form[0] == "m"
            traits[n] = ["FLAGS_WRITTEN"] * (f in writers) + ["MAY_LEAVE"] * memory + \
                        ["WRITES_R0"] * (not to_memory and f not in read_only)
    for n in [n for by_cc in fused.values() for n in by_cc.values() if not n.startswith("dec")]:
        traits[n] = ["FLAGS_WRITTEN"] + ["MAY_LEAVE"] * (n.split("_")[1][0] == "m" or n.split("_")[1][1] == "m")
    traits["push_r_f4"] = traits["push_i_f4"] = ["MAY_LEAVE", "WRITES_ESP"]
    traits["pop_r_f4"] = ["MAY_LEAVE", "WRITES_ESP", "WRITES_R0"]
    traits["nop"] = ["FLAGS_UNTOUCHED"]
    return traits
