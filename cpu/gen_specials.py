"""Handlers for hot traces (special.h): one choice of registers each, with flags and without. Used by gen_handlers.py."""

# How the flags are told afterwards, see enum hot_recover.
RECOVER = {"add": "ADD", "sub": "SUB", "and": "LOGIC", "or": "LOGIC", "xor": "LOGIC", "inc": "INC", "dec": "DEC"}
# What is left of an instruction whose flags nobody reads: a and b are its operands.
BARE = {"add": "a + b", "sub": "a - b", "and": "a & b", "or": "a | b", "xor": "a ^ b", "imul2": "a * b",
        "inc": "a + 1", "dec": "a - 1", "shl": "a << b", "shr": "a >> b", "sar": "(uint32_t)((int32_t)a >> b)",
        "neg": "0 - a", "rol": "a << b | a >> (32 - b)", "ror": "a >> b | a << (32 - b)"}


class Specials:
    """rows: generic handler -> (by r0, by r1, {(r0, r1): name}, the same without flags)."""

    def __init__(self, handler, put, bodies):
        self.handler, self.put, self.bodies, self.rows, self.folded = handler, put, bodies, {}, {}

    def variants(self, name, code, firsts, seconds):
        rows = {}
        for a in firsts:
            for b in seconds:
                body = code
                n = name + "".join("_z" if v == "REG_ZERO" else f"_{v}" for v in (a, b) if v is not None)
                if a is not None:
                    body = body.replace("op->r0", str(a))
                if b is not None:
                    body = body.replace("op->r1", str(b))
                self.handler(n, body)
                rows[(a or 0, "HOT_NO_REG" if b == "REG_ZERO" else b or 0)] = n
        return rows

    def specialise(self, name, r0=False, r1=False, base=False, bare=None):
        """
        Which fields become constants. A base is r1 of a memory operand, and may be absent. bare: what is left when
        nobody reads the flags.
        """
        firsts = range(8) if r0 else [None]
        seconds = list(range(8)) + ["REG_ZERO"] * base if r1 or base else [None]
        self.rows[name] = (r0, r1 or base, self.variants(name, self.bodies[name], firsts, seconds),
                           self.variants("bare_" + name, f"\t{bare}\n\tNEXT;", firsts, seconds) if bare else {})

    def bare(self, family, second):
        if family not in BARE:
            return None
        code = BARE[family].replace("a", "(uint32_t)c->r[op->r0]")
        return self.put(4, "op->r0", "0", code.replace(" b", " " + second))

    def fold_mov(self, family, form, alu):
        """MOV of a register, and `family` on its copy, in one handler: three operands. folded: generic -> (name, bare's)."""
        second = "(uint32_t)c->r[op[1].r1]" if form == "rr" else "op[1].imm"
        operands = f"\tuint32_t a = (uint32_t)c->r[op->r1], b = {second}, r;\n\n\t(void)b;\n"
        code = self.put(4, "op->r0", "0", "r") + "\n\tSKIP;"
        names = [f"mov_{family}_{form}4", f"bare_mov_{family}_{form}4"]
        self.handler(names[0], f"{operands}\t{alu}\n\t{code}")
        self.handler(names[1], f"{operands}\tr = {BARE.get(family, '~a')};\n\t{code}")
        self.folded[f"{family}_{form}4"] = names

    def make(self, sub_cond, logic_cond):
        """All of them; the conditions under which compares and tests are fused with a branch."""
        for f in ("mov", "add", "sub", "and", "or", "xor", "cmp", "test", "adc", "sbb", "imul2"):
            self.specialise(f"{f}_rr4", r0=True, r1=True, bare=self.bare(f, "(uint32_t)c->r[op->r1]"))
        for f in ("mov", "add", "sub", "and", "or", "xor", "cmp", "test", "adc", "sbb", "inc", "dec", "shl", "shr", "sar",
                  "rol", "ror", "neg", "not"):
            self.specialise(f"{f}_ri4", r0=True, bare=self.bare(f, "op->imm"))
        for f in ("push_r_f4", "pop_r_f4"):
            self.specialise(f, r0=True)
        for f in ("mov", "movzx1", "movzx2", "lea", "add", "sub", "cmp"):
            self.specialise(f"{f}_rmb4", r0=True, base=True)
        self.specialise("mov_mrb4", r0=True, base=True)
        for f in ("mov", "cmp", "add"):
            self.specialise(f"{f}_mib4", base=True)
        for cc in sub_cond:
            self.specialise(f"cmp_ri4_j{cc}", r0=True)
            self.specialise(f"cmp_rr4_j{cc}", r0=True, r1=True)
        for cc in logic_cond:
            self.specialise(f"test_rr4_j{cc}", r0=True, r1=True)
            self.specialise(f"test_ri4_j{cc}", r0=True)


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
