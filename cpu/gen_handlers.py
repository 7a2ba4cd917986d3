#!/usr/bin/env python3
"""Writes the interpreter's hot handlers: gen_handlers.py OUT.c

One handler per (family, form, size). A family is what an instruction computes (FAMILIES below, a
few lines of C each); a form is where its operands are; a memory form exists twice: the fast one goes
through the TLB inline and gives way to its cold twin `..._slow` on a miss, which takes the general
route of access.c, page crossings, MMIO, faults and all.

Fields of an op, by form (see struct op):
  rr   r0 first register, r1 second; bytes: r2, r3 their shifts (8 for AH..BH)
  ri   r0 register, r2 its shift; imm
  rm   r0 register (bytes: imm its shift), memory operand
  mr   the same with memory first
  mi   memory operand, imm
  memory operand: b: r1 base, disp; x: also r2 index, r3 scale; s (any segment, any address size):
  r3 is scale | segment << 2 | 32 for 16-bit addresses
"""
import sys

import gen_muldiv
from gen_foresee import Foreseen
from gen_kit import (SIZES, address, bodies, ea, get, handler, hit, memory_modify, memory_read, memory_write, names, out,
                     put, sized, slow_address, table, tables)
from gen_runs import Runs, STEPS
from gen_specials import RECOVER, Specials, flag_traits

CC = ("o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g")
NEEDS_OF = ("o", "no", "l", "ge", "le", "g")

# ---- two-operand arithmetic ---------------------------------------------------------------------

ALU = {
    "add": "r = (T)(a + b); flags_add(c, BITS, a, b, r);",
    "sub": "r = (T)(a - b); flags_sub(c, BITS, a, b, r);",
    "cmp": "r = (T)(a - b); flags_sub(c, BITS, a, b, r);",
    "and": "r = a & b; flags_logic(c, BITS, r);",
    "test": "r = a & b; flags_logic(c, BITS, r);",
    "or": "r = a | b; flags_logic(c, BITS, r);",
    "xor": "r = a ^ b; flags_logic(c, BITS, r);",
    "adc": "uint64_t w = (uint64_t)a + b + c->cf; r = (T)w;\n"
           "\tflags_result(c, BITS, r, w >> BITS & 1, ((a ^ r) & (b ^ r)) >> (BITS - 1) & 1, (a ^ b ^ r) & 16);",
    "sbb": "uint64_t w = (uint64_t)a - b - c->cf; r = (T)w;\n"
           "\tflags_result(c, BITS, r, w >> BITS & 1, ((a ^ b) & (a ^ r)) >> (BITS - 1) & 1, (a ^ b ^ r) & 16);",
}
READ_ONLY = ("cmp", "test")


def binary(family, code, forms, read_only=False, sizes=SIZES):
    for size in sizes:
        body = sized(code, size)
        kinds = "bxs"
        unused = "\t(void)r;" if read_only else ""
        a0, b1 = get(size, "op->r0", "op->r2"), get(size, "op->r1", "op->r3")
        imm = f"(uint{size * 8}_t)op->imm"
        store = unused if read_only else "\t" + put(size, "op->r0", "op->r2", "r")
        if "rr" in forms:
            n = f"{family}_rr{size}"
            handler(n, f"\tuint32_t a = {a0}, b = {b1}, r;\n\n\t{body}\n{store}\n\tNEXT;")
            table(family, "rr", size, n)
        if "ri" in forms:
            n = f"{family}_ri{size}"
            handler(n, f"\tuint32_t a = {a0}, b = {imm}, r;\n\n\t{body}\n{store}\n\tNEXT;")
            table(family, "ri", size, n)
        for k in kinds:
            if "rm" in forms:
                n = f"{family}_rm{k}{size}"
                st = unused if read_only else "\t" + put(size, "op->r0", "op->imm", "r")
                memory_read(n, k, size,
                            f"\tuint32_t a = {get(size, 'op->r0', 'op->imm')}, b = m, r;\n\t{body}\n{st}")
                table(family, "rm" + k, size, n)
            for form, src in (("mr", get(size, "op->r0", "op->imm")), ("mi", imm)):
                if form not in forms:
                    continue
                n = f"{family}_{form}{k}{size}"
                if read_only:
                    memory_read(n, k, size, f"\tuint32_t a = m, b = {src}, r;\n\t{body}\n{unused}")
                else:
                    memory_modify(n, k, size, f"\tuint32_t b = {src};\n\t{body}")
                table(family, form + k, size, n)


for f, code in ALU.items():
    binary(f, code, ("rr", "ri", "rm", "mr", "mi"), f in READ_ONLY)

# ---- one operand: the register forms are "ri", the memory forms "mi" --------------------------------

UNARY = {
    "inc": "r = (T)(a + 1); flags_inc(c, BITS, r);",
    "dec": "r = (T)(a - 1); flags_dec(c, BITS, r);",
    "not": "r = (T)~a;",
    "neg": "r = (T)(0 - a); flags_sub(c, BITS, 0, a, r);",
}
SHIFT = {  # n is 1..31 here
    "shl": "{ uint64_t w = (uint64_t)a << n; r = (T)w; bool cf = w >> BITS & 1;\n"
           "\tflags_result(c, BITS, r, cf, cf ^ (r >> (BITS - 1) & 1), false); }",
    "shr": "{ bool cf = (uint64_t)a >> (n - 1) & 1; r = (uint32_t)((uint64_t)a >> n);\n"
           "\tflags_result(c, BITS, r, cf, (r ^ r << 1) >> (BITS - 1) & 1, false); }",
    "sar": "{ int64_t w = (int32_t)sext(a, BITS); bool cf = w >> (n - 1) & 1; r = (T)(w >> n);\n"
           "\tflags_result(c, BITS, r, cf, false, false); }",
    "rol": "{ unsigned k = n & (BITS - 1); r = k ? (T)(a << k | a >> (BITS - k)) : a;\n"
           "\tflags_rotate(c, r & 1, (r ^ r >> (BITS - 1)) & 1); }",
    "ror": "{ unsigned k = n & (BITS - 1); r = k ? (T)(a >> k | a << (BITS - k)) : a;\n"
           "\tflags_rotate(c, r >> (BITS - 1) & 1, (r >> (BITS - 1) ^ r >> (BITS - 2)) & 1); }",
    "rcl": "{ unsigned k = n % (BITS + 1); uint64_t w = (uint64_t)c->cf << BITS | a;\n"
           "\tw = w << k | w >> (BITS + 1 - k); r = (T)w;\n"
           "\tif (k || BITS < 32)\n\t\tflags_rotate(c, w >> BITS & 1, (w >> BITS ^ w >> (BITS - 1)) & 1); }",
    "rcr": "{ unsigned k = n % (BITS + 1); uint64_t w = (uint64_t)c->cf << BITS | a;\n"
           "\tw = w >> k | w << (BITS + 1 - k); r = (T)w;\n"
           "\tif (k || BITS < 32)\n\t\tflags_rotate(c, w >> BITS & 1, (r >> (BITS - 1) ^ r >> (BITS - 2)) & 1); }",
}


def unary(family, code, prologue=""):
    """code sets r from a; a prologue may leave early, changing nothing."""
    for size in SIZES:
        body = sized(code, size)
        n = f"{family}_ri{size}"
        handler(n, f"\tuint32_t a = {get(size, 'op->r0', 'op->r2')}, r;\n{prologue}\n\t{body}\n"
                   f"\t{put(size, 'op->r0', 'op->r2', 'r')}\n\tNEXT;")
        table(family, "ri", size, n)
        for k in "bxs":
            n = f"{family}_mi{k}{size}"
            memory_modify(n, k, size, f"{prologue}\n\t{body}")
            table(family, "mi" + k, size, n)


for f, code in UNARY.items():
    unary(f, code)
for f, code in SHIFT.items():
    unary(f, code, "\tunsigned n = op->imm;")     # decoder masks it and drops a zero count
    zero = "\tunsigned n = c->r[R_ECX] & 31;"
    # A count of 0 changes neither the operand nor a flag.
    unary(f + "_cl", "if (n == 0) { r = a; } else " + code, zero)

# A shift by 0 changes nothing but needs its operand to be writable.
for size in SIZES:
    for k in "bxs":
        memory_modify(f"touch_mi{k}{size}", k, size, "\tr = a;")
        table("touch", "mi" + k, size, f"touch_mi{k}{size}")

# ---- moves ------------------------------------------------------------------------------------------

for size in SIZES:
    handler(f"mov_rr{size}", f"\t{put(size, 'op->r0', 'op->r2', get(size, 'op->r1', 'op->r3'))}\n\tNEXT;")
    table("mov", "rr", size, f"mov_rr{size}")
    handler(f"mov_ri{size}", f"\t{put(size, 'op->r0', 'op->r2', 'op->imm')}\n\tNEXT;")
    table("mov", "ri", size, f"mov_ri{size}")
    for k in "bxs":
        memory_read(f"mov_rm{k}{size}", k, size, "\t" + put(size, "op->r0", "op->imm", "m"))
        table("mov", "rm" + k, size, f"mov_rm{k}{size}")
        memory_write(f"mov_mr{k}{size}", k, size, get(size, "op->r0", "op->imm"))
        table("mov", "mr" + k, size, f"mov_mr{k}{size}")
        memory_write(f"mov_mi{k}{size}", k, size, "op->imm")
        table("mov", "mi" + k, size, f"mov_mi{k}{size}")
    handler(f"xchg_rr{size}",
            f"\tuint32_t a = {get(size, 'op->r0', 'op->r2')}, b = {get(size, 'op->r1', 'op->r3')};\n\n"
            f"\t{put(size, 'op->r0', 'op->r2', 'b')}\n\t{put(size, 'op->r1', 'op->r3', 'a')}\n\tNEXT;")
    table("xchg", "rr", size, f"xchg_rr{size}")
    for k in "bxs":
        # The register is written after the store: the body runs before it, so keep the old value.
        name = f"xchg_mr{k}{size}"
        reg = get(size, "op->r0", "op->imm")
        slow = (f"{ea(k)}\n{slow_address(k, size, True)}\n"
                f"\tif (!lin_probe(c, lin, {size}, user, true) || !lin_load(c, lin, {size}, user, &c->scratch) ||\n"
                f"\t    !lin_store(c, lin, {size}, user, {reg}))\n\t\treturn leave_fault(c, op);\n"
                f"\t{put(size, 'op->r0', 'op->imm', 'c->scratch')}\n\tAFTER_SLOW;")
        handler(name + "_slow", slow, cold=True)
        handler(name, f"{ea(k)}\n{address(k, size, True, name)}\n{hit('w', size, name)}\n"
                      f"\tvoid *p = (void *)(e->addend + lin);\n\tuint32_t a = ld{size}(p);\n\n"
                      f"\tst{size}(p, {reg});\n\t{put(size, 'op->r0', 'op->imm', 'a')}\n\tNEXT;")
        table("xchg", "mr" + k, size, name)

for sign in ("movzx", "movsx"):
    for src in (1, 2):
        for size in (2, 4):
            fam = f"{sign}{src}"
            cast = "" if sign == "movzx" else f"(uint32_t)(int32_t)(int{src * 8}_t)"
            n = f"{fam}_rr{size}"
            handler(n, f"\tuint32_t b = {get(src, 'op->r1', 'op->r3')};\n\n"
                       f"\t{put(size, 'op->r0', '0', cast + 'b')}\n\tNEXT;")
            table(fam, "rr", size, n)
            for k in "bxs":
                n = f"{fam}_rm{k}{size}"
                memory_read(n, k, src, "\t" + put(size, "op->r0", "0", cast + "m"))
                table(fam, "rm" + k, size, n)

for size in (2, 4):
    for k in "bxs":
        n = f"lea_rm{k}{size}"
        handler(n, f"{ea(k)}\n\n\t{put(size, 'op->r0', '0', 'off')}\n\tNEXT;")
        table("lea", "rm" + k, size, n)

# ---- conditions ------------------------------------------------------------------------------------------

for i, cc in enumerate(CC):
    guard = lambda n: (f"\tif (unlikely(c->flag_kind != FK_SUB32))\n\t\treturn {n}_slow(HPASS);\n"
                       if cc in NEEDS_OF else "")
    fast = f"flag_cond_sub(c, {i})" if cc in NEEDS_OF else f"flag_cond(c, {i})"

    def conditional(name, code):
        if cc in NEEDS_OF:
            handler(name + "_slow", code.replace("COND", f"flag_cond(c, {i})"), cold=True)
        handler(name, guard(name) + code.replace("COND", fast))

    conditional(f"j{cc}", "\tif (COND)\n\t\tTAKE(op);\n\tNEXT;")
    table("jcc", "ri", cc, f"j{cc}")
    conditional(f"set{cc}_ri1", "\tbool r = COND;\n\n\t" + put(1, "op->r0", "op->r2", "r") + "\n\tNEXT;")
    table(f"set{cc}", "ri", 1, f"set{cc}_ri1")
    for k in "bxs":
        memory_write(f"set{cc}_mi{k}1", k, 1, f"flag_cond(c, {i})")
        table(f"set{cc}", "mi" + k, 1, f"set{cc}_mi{k}1")
    for size in (2, 4):
        conditional(f"cmov{cc}_rr{size}",
                    f"\tuint32_t b = {get(size, 'op->r1', '0')}, a = {get(size, 'op->r0', '0')};\n\n"
                    f"\t{put(size, 'op->r0', '0', '(COND) ? b : a')}\n\tNEXT;")
        table(f"cmov{cc}", "rr", size, f"cmov{cc}_rr{size}")
        for k in "bxs":
            n = f"cmov{cc}_rm{k}{size}"
            memory_read(n, k, size, f"\tuint32_t a = {get(size, 'op->r0', '0')};\n\n"
                                    f"\t{put(size, 'op->r0', '0', f'flag_cond(c, {i}) ? m : a')}")
            table(f"cmov{cc}", "rm" + k, size, n)

# ---- compare and branch in one -----------------------------------------------------------------------------

SUB_COND = {"b": "a < b", "ae": "a >= b", "e": "a == b", "ne": "a != b", "be": "a <= b", "a": "a > b",
            "s": "(ST)r < 0", "ns": "(ST)r >= 0", "l": "(ST)a < (ST)b", "ge": "(ST)a >= (ST)b",
            "le": "(ST)a <= (ST)b", "g": "(ST)a > (ST)b"}
LOGIC_COND = {"e": "r == 0", "ne": "r != 0", "s": "(ST)r < 0", "ns": "(ST)r >= 0", "l": "(ST)r < 0",
              "ge": "(ST)r >= 0", "le": "(ST)r <= 0", "g": "(ST)r > 0"}
fused = {}


def fuse(family, form, size, conds, store=False):
    plain = f"{family}_{form}{size}"
    body = sized(ALU[family] if family in ALU else UNARY[family], size)
    decl = {"rr": f"\tuint32_t a = {get(size, 'op->r0', 'op->r2')}, b = {get(size, 'op->r1', 'op->r3')}, r;\n",
            "ri": f"\tuint32_t a = {get(size, 'op->r0', 'op->r2')}, b = (uint{size * 8}_t)op->imm, r;\n"}
    for cc, cond in conds.items():
        name = f"{plain}_j{cc}"
        test = cond.replace("(ST)", f"(int{size * 8}_t)")
        end = f"\tif ({test})\n\t\tTAKE(op + 1);\n\tSKIP;"
        if form in decl:
            st = "\t" + put(size, "op->r0", "op->r2", "r") + "\n" if store else ""
            use = "" if "b" in body.split("flags")[0] else "\t(void)b;\n"
            handler(name, f"{decl[form]}\n\t{body}\n{use}{st}{end}")
        else:
            k, to_memory = form[2], store and form[0] == "m"
            src = f"(uint{size * 8}_t)op->imm" if form[1] == "i" else get(size, "op->r0", "op->imm")
            ab = (f"\tuint32_t a = m, b = {src}, r;\n" if form[0] == "m"
                  else f"\tuint32_t a = {src}, b = m, r;\n")
            st = (f"\tst{size}(p, r);\n\t(void)b;\n" if to_memory
                  else "\t" + put(size, "op->r0", "op->imm", "r") + "\n" if store else "")
            handler(name, f"{ea(k)}\n{address(k, size, to_memory, plain)}\n{hit('w' if to_memory else 'r', size, plain)}\n"
                          f"\tvoid *p = (void *)(e->addend + lin);\n\tuint32_t m = ld{size}(p);\n{ab}\n\t{body}\n{st}{end}")
        fused.setdefault(plain, {})[CC.index(cc)] = name


for form, size in (("rr", 4), ("ri", 4), ("rmb", 4), ("mrb", 4), ("mib", 4), ("rr", 1), ("ri", 1), ("mib", 1),
                   ("rr", 2), ("ri", 2), ("rmx", 4), ("mrx", 4), ("mix", 1), ("rmb", 1), ("mrb", 1), ("rmx", 1), ("mrx", 1)):
    fuse("cmp", form, size, SUB_COND)
for form, size in (("rr", 4), ("ri", 4), ("rr", 1), ("ri", 1), ("mib", 1), ("rr", 2), ("mib", 4)):
    fuse("test", form, size, LOGIC_COND)
SIGN_COND = {k: LOGIC_COND[k] for k in ("e", "ne", "s", "ns")}  # of the result alone
for form in ("rr", "ri"):
    fuse("sub", form, 4, SUB_COND, True)
    fuse("and", form, 4, LOGIC_COND, True)
fuse("sub", "rms", 4, {k: SUB_COND[k] for k in ("e", "ne")}, True)  # stack protectors end so
fuse("or", "rr", 4, LOGIC_COND, True)
fuse("add", "ri", 4, SIGN_COND, True)
for form, size in (("ri", 4), ("mib", 4), ("ri", 2)):
    fuse("dec", form, size, SIGN_COND, True)

gen_muldiv.make()

# ---- stack ------------------------------------------------------------------------------------------------------
# "f": SS flat and 32-bit; "s": any other stack. Slow twins go through cpu_push and cpu_pop.

STACK_F = "\tuint32_t sp = (uint32_t)c->r[R_ESP] {step};\n\tuint32_t lin = sp;"
STACK_S = ("\tconst struct segment *s = &c->seg[SEG_SS];\n"
           "\tuint32_t mask = s->attr & SEG_DB ? 0xffffffffu : 0xffffu;\n"
           "\tuint32_t sp = ((uint32_t)c->r[R_ESP] {step}) & mask, lin = s->base + sp;\n\n"
           "\tif (unlikely((uint64_t)(uint32_t)(sp - s->lo) + {size} > s->{length}))\n"
           "\t\treturn {name}_slow(HPASS);")
SET_F = "c->r[R_ESP] = (uint32_t)({value});"
SET_S = "c->r[R_ESP] = (c->r[R_ESP] & ~(uint64_t)mask) | (({value}) & mask);"


def push(name, size, stack, value, end="NEXT;", slow_end="AFTER_SLOW;", before="", slow=True):
    if slow:
        handler(name + "_slow", f"\tc->cur = op;\n{before}\n\tif (!cpu_push(c, {size}, {value}))\n"
                                f"\t\treturn leave_fault(c, op);\n\t{slow_end}", cold=True)
    st = (STACK_F if stack == "f" else STACK_S).format(step=f"- {size}", size=size, length="wlen", name=name)
    new = (SET_F if stack == "f" else SET_S).format(value="sp")
    handler(name, f"{before}\n{st}\n{hit('w', size, name)}\n"
                  f"\tst{size}((void *)(e->addend + lin), {value});\n\t{new}\n\t{end}")


# A near transfer beyond CS.limit faults before it changes anything. In flat code there is nothing beyond.
LIMIT = "\tif (unlikely({} > c->seg[SEG_CS].limit))\n\t\treturn leave_limit(c, op);"


def pop(name, size, stack, use, extra="", end="NEXT;", slow_end="AFTER_SLOW;", slow_extra="", is_eip=False):
    """use: statements with the popped value `v`, after ESP has moved by size (and extra)."""
    check = LIMIT.format("v") if is_eip else ""
    slow_check = check.replace("\t\treturn", "\t\treturn c->r[R_ESP] = sp,") if is_eip else ""
    handler(name + "_slow", f"\tuint64_t sp = c->r[R_ESP];\n\tuint32_t v;\n\n\t(void)sp;\n\tc->cur = op;\n"
                            f"\tif (!cpu_pop(c, {size}, &c->scratch_lin))\n"
                            f"\t\treturn leave_fault(c, op);\n\tv = c->scratch_lin;\n{slow_check}\n"
                            f"{slow_extra}\n\t{use}\n\t{slow_end}", cold=True)
    st = (STACK_F if stack == "f" else STACK_S).format(step="", size=size, length="rlen", name=name)
    new = (SET_F if stack == "f" else SET_S).format(value=f"sp + {size}{extra}")
    handler(name, f"{st}\n{hit('r', size, name)}\n\tuint32_t v = ld{size}((const void *)(e->addend + lin));\n{check}\n"
                  f"\t{new}\n\t{use}\n\t{end}")


INDIRECT = "INDIRECT(v);"
RETURN_EIP = "c->eip_page + OP_OFFSET(op) + OP_LEN(op)"
for stack in "fs":
    for size in (2, 4):
        t = f"_{stack}{size}"
        push("push_r" + t, size, stack, f"(uint{size * 8}_t)c->r[op->r0]")
        push("push_i" + t, size, stack, "op->imm")
        pop("pop_r" + t, size, stack, put(size, "op->r0", "0", "v"))
        note = f"NOTE_CALL({RETURN_EIP}); " if t == "_f4" else ""
        take = "TAKE_FAR(op);" if t == "_f4" else "TAKE(op);"
        target = f"(uint{size * 8}_t)(c->eip_page + op->imm)"
        push("call" + t, size, stack, RETURN_EIP, end=note + take, slow_end=note + "TAKE(op);",
             before=LIMIT.format(target) if stack == "s" else "")
        back = "RETURN(v);" if t == "_f4" else INDIRECT
        pop("ret" + t, size, stack, "", extra=" + op->imm", end=back, slow_end=back,
            slow_extra="\tif (op->imm)\n\t\tstack_add(c, op->imm);", is_eip=stack == "s")
        # LEAVE: (E)SP = (E)BP, then pop (E)BP. Probe first: a fault must not move ESP.
        name = "leave" + t
        set_bp = put(size, "R_EBP", "0", "v")
        handler(name + "_slow", "\tuint64_t v;\n\tuint32_t mask = cpu_stack_mask(c);\n\n\tc->cur = op;\n"
                f"\tif (!cpu_load(c, SEG_SS, (uint32_t)c->r[R_EBP] & mask, {size}, &c->scratch))\n"
                "\t\treturn leave_fault(c, op);\n\tv = c->scratch;\n"
                f"\tc->r[R_ESP] = (c->r[R_ESP] & ~(uint64_t)mask) | (((uint32_t)c->r[R_EBP] + {size}) & mask);\n"
                f"\t{set_bp}\n\tAFTER_SLOW;", cold=True)
        st = (STACK_F if stack == "f" else STACK_S).format(step="", size=size, length="rlen", name=name)
        st = st.replace("R_ESP", "R_EBP")
        new = (SET_F if stack == "f" else SET_S).format(value=f"sp + {size}")
        handler(name, f"{st}\n{hit('r', size, name)}\n\tuint32_t v = ld{size}((const void *)(e->addend + lin));\n\n"
                      f"\t{new}\n\t{set_bp}\n\tNEXT;")
        for fam in ("push_r", "push_i", "pop_r", "call", "ret", "leave"):
            table(fam, "rr" if stack == "f" else "ri", size, fam + t)

# PUSH, CALL and JMP with a memory operand: read it, then go on as with a register.
for size in (2, 4):
    jump = f"\tuint32_t v = {get(size, 'op->r0', '0')};\n"
    handler(f"jmpi_rr{size}", f"{jump}\n\tINDIRECT(v);")
    table("jmpi", "rr", size, f"jmpi_rr{size}")
    handler(f"jmpi_ri{size}", f"{jump}\n{LIMIT.format('v')}\n\tINDIRECT(v);")
    table("jmpi", "ri", size, f"jmpi_ri{size}")
    for stack in "fs":
        name = f"calli_{stack}{size}"
        end = f"NOTE_CALL({RETURN_EIP}); INDIRECT_AGAIN(v);" if stack == "f" and size == 4 else INDIRECT
        push(name, size, stack, RETURN_EIP, end=end, slow_end=end,
             before=jump + (LIMIT.format("v") if stack == "s" else ""))
        table("calli", "rr" if stack == "f" else "ri", size, name)
    for k in "bxs":
        # With an index it is a table of jumps, which leads everywhere.
        again = "_AGAIN" if k == "b" and size == 4 else ""
        check = LIMIT.format("m") if k == "s" else ""
        memory_read(f"jmpi_mi{k}{size}", k, size, f"\tuint32_t v = m;\n{check}\n\tINDIRECT{again}(v);", end="", slow_end="")
        table("jmpi", "mi" + k, size, f"jmpi_mi{k}{size}")
        # Fast when the stack is hit too; else the slow twin does everything again from the start.
        again = "_AGAIN" if k == "b" else ""
        go = f"NOTE_CALL({RETURN_EIP}); INDIRECT{again}(m);" if k != "s" and size == 4 else "INDIRECT(m);"
        for fam, value, end in (("push", "m", "NEXT;"), ("calli", RETURN_EIP, go)):
            name = f"{fam}_mi{k}{size}"
            limit = check if fam == "calli" else ""
            slow = (f"{ea(k)}\n{slow_address(k, size, False)}\n"
                    f"\tif (!lin_load(c, lin, {size}, user, &c->scratch))\n\t\treturn leave_fault(c, op);\n"
                    f"\t{{\n\tuint32_t m = (uint32_t)c->scratch;\n\n\t(void)m;\n{limit}\n"
                    f"\tif (!cpu_push(c, {size}, {value}))\n\t\treturn leave_fault(c, op);\n"
                    f"\t{end.replace('NEXT', 'AFTER_SLOW')}\n\t}}")
            handler(name + "_slow", slow, cold=True)
            st = (STACK_F if k != "s" else STACK_S).format(step=f"- {size}", size=size, length="wlen", name=name)
            new = (SET_F if k != "s" else SET_S).format(value="sp")
            handler(name, f"{ea(k)}\n{address(k, size, False, name)}\n{hit('r', size, name)}\n"
                          f"\tuint32_t m = ld{size}((const void *)(e->addend + lin));\n{limit}\n\t{{\n"
                          f"{st}\n{hit('w', size, name)}\n\tst{size}((void *)(e->addend + lin), {value});\n"
                          f"\t{new}\n\t}}\n\t{end}")
            table(fam, "mi" + k, size, name)

# ---- the rest -------------------------------------------------------------------------------------------------------

handler("jmp", "\tTAKE_FAR(op);")
handler("nop", "\tNEXT;")
handler("clc", "\tc->cf = 0;\n\tNEXT;")
handler("stc", "\tc->cf = 1;\n\tNEXT;")
handler("cmc", "\tc->cf ^= 1;\n\tNEXT;")
handler("cld", "\tc->df = 0;\n\tNEXT;")
handler("std", "\tc->df = 1;\n\tNEXT;")
for f in ("jmp", "nop", "clc", "stc", "cmc", "cld", "std"):
    for size in (2, 4):
        table(f, "ri", size, f)
handler("cbw_ri2", "\tset_reg16(c, R_EAX, (uint16_t)(int8_t)c->r[R_EAX]);\n\tNEXT;")
handler("cbw_ri4", "\tset_reg32(c, R_EAX, (uint32_t)(int16_t)c->r[R_EAX]);\n\tNEXT;")
handler("cwd_ri2", "\tset_reg16(c, R_EDX, c->r[R_EAX] & 0x8000 ? 0xffff : 0);\n\tNEXT;")
handler("cwd_ri4", "\tset_reg32(c, R_EDX, c->r[R_EAX] & 0x80000000u ? 0xffffffffu : 0);\n\tNEXT;")
# BSWAP of a 16-bit register is undefined; processors give 0.
handler("bswap_ri2", "\tset_reg16(c, op->r0, 0);\n\tNEXT;")
handler("bswap_ri4", "\tset_reg32(c, op->r0, __builtin_bswap32((uint32_t)c->r[op->r0]));\n\tNEXT;")
for f in ("cbw", "cwd", "bswap"):
    for size in (2, 4):
        table(f, "ri", size, f"{f}_ri{size}")
# LOOP, JCXZ: the size is the address size. A loop that faults at its target keeps the count (branch_fault() in join.c).
for size in (2, 4):
    cx = f"(uint{size * 8}_t)c->r[R_ECX]"
    for f, cond in (("loop", "n != 0"), ("loope", "n != 0 && flag_zf(c)"), ("loopne", "n != 0 && !flag_zf(c)")):
        handler(f"{f}_ri{size}", f"\tuint32_t n = (uint{size * 8}_t)({cx} - 1);\n\n"
                                 f"\t{put(size, 'R_ECX', '0', 'n')}\n\tif ({cond})\n\t\tTAKE(op);\n\tNEXT;")
        table(f, "ri", size, f"{f}_ri{size}")
    handler(f"jcxz_ri{size}", f"\tif ({cx} == 0)\n\t\tTAKE(op);\n\tNEXT;")
    table("jcxz", "ri", size, f"jcxz_ri{size}")

# ---- handlers for hot traces ----------------------------------------------------------------------------------------

named = [n for n in names if not n.endswith("_slow")]
specials = Specials(handler, put, bodies)
specials.make(SUB_COND, LOGIC_COND, SIGN_COND)
for f in ("add", "sub", "and", "or", "xor"):
    for form in ("rr", "ri"):
        specials.fold_mov(f, form, sized(ALU[f], 4))
for f in UNARY:
    specials.fold_mov(f, "ri", sized(UNARY[f], 4))
for f in ("shl", "shr", "sar", "rol", "ror"):
    specials.fold_mov(f, "ri", "unsigned n = b;\n\n\t" + sized(SHIFT[f], 4))
traits = flag_traits(tables, fused, [w for w in ALU if w not in ("adc", "sbb")], READ_ONLY)

# ---- runs ----------------------------------------------------------------------------------------------------------------

runs = Runs(bodies)
for name, members in runs.units:
    handler(name, runs.body(members, bodies))

# ---- what is foreseen -------------------------------------------------------------------------------------------------

foreseen = Foreseen()
hot_copies = {n: "hot_" + n for n in named if foreseen.has(n)}
for n, copy in hot_copies.items():
    handler(copy, bodies[n])

# ---- output -----------------------------------------------------------------------------------------------------------

PROLOGUE = """/* Written by gen_handlers.py; edit that. */
#include "cpu/hot_macros.h"
"""


def main():
    foreseen.check(bodies)
    body = [PROLOGUE]
    body.append(foreseen.declarations())
    body += [foreseen.wrap(n, text) for n, text in zip(names, out)]
    families = list(tables)
    body.append("const struct hot_family hot_families[HOT_FAMILIES] = {")
    for f in families:
        if f == "jcc":
            continue
        rows, fusions, ids = [], [], []
        for (form, size), name in tables[f].items():
            place = f"[HOT_{form.upper()}][{ {1: 0, 2: 1, 4: 2}[size] }]"
            rows.append(f"\t\t{place} = {name},")
            if name in fused:
                fusions.append(f"{place} = {list(fused).index(name) + 1},")
            if name in runs.ids:
                ids.append(f"{place} = {runs.ids[name]},")
        body.append(f"\t[HOT_{f.upper()}] = {{ .fn = {{\n" + "\n".join(rows) + "\n\t}, .fusion = { "
                    + " ".join(fusions) + " }, .id = { " + " ".join(ids) + " } },")
    body.append("};\n")
    cells = ", ".join(f"{{ j{cc}, {runs.ids.get('j' + cc, 0)} }}" for cc in CC)
    body.append(f"const struct hot_branch hot_jcc[16] = {{\n\t{cells}\n}};\n")
    body.append("const struct hot_fusion hot_fusions[] = {")
    for plain, by_cc in fused.items():
        row = ", ".join(f"[{i}] = {{ {n}, {runs.ids.get(n, 0)} }}" for i, n in sorted(by_cc.items()))
        body.append(f"\t{{ {{ {row} }} }}, /* {plain} */")
    body.append("};")
    body.append("const struct hot_special hot_specials[] = {")
    for name in dict.fromkeys([*specials.rows, *traits, *hot_copies]):
        first, second, *variants = specials.rows.get(name, ("ANY", "ANY", {}, {}))
        cells = [", ".join(f"[{a}][{b}] = {n}" for (a, b), n in v.items()) for v in variants]
        tabs = [f"(op_fn *const[8][HOT_NO_REG + 1]){{ {c} }}" if c else "NULL" for c in cells]
        body.append(f"\t{{ {name}, {tabs[0]}, {tabs[1]}, HOT_BY_{first}, HOT_BY_{second}, "
                    f"{' | '.join(traits.get(name, ['0']))}, RECOVER_{RECOVER.get(name.split('_')[0], 'NOT')}, "
                    f"{hot_copies.get(name, 'NULL')}, {{ {', '.join(specials.folded.get(name, ['NULL']))} }} }},")
    body.append("};\nconst size_t hot_special_count = sizeof(hot_specials) / sizeof(hot_specials[0]);")
    body.append("const struct hot_name hot_names[] = {")
    body += [f'\t{{ {n}, "{n}" }},' for n in named]
    body.append("};\nconst size_t hot_name_count = sizeof(hot_names) / sizeof(hot_names[0]);")
    body += runs.table()
    cells = ",\n\t".join(f"{{ {n}, {members[0]} }}" for n, members in runs.units)
    body.append(f"const struct hot_run hot_runs[HOT_RUNS] = {{\n\t{cells}\n}};")
    text = "\n".join(body) + "\n"
    if sys.argv[1].endswith(".h"):
        text = ("/* Written by gen_handlers.py. */\n#ifndef HOT_IDS_H\n#define HOT_IDS_H\nenum hot_id {\n\tHOT_NONE,\n\t"
                + ",\n\t".join(f"HOT_{f.upper()}" for f in families) + ",\n\tHOT_FAMILIES\n};\n"
                + f"#define HOT_STEPS {STEPS}u\n#define HOT_RUN {len(runs.ids) + 1}u /* the first unit that is a run */\n"
                + f"#define HOT_RUNS {len(runs.units)}u\n#endif\n")
    open(sys.argv[1], "w").write(text)


if __name__ == "__main__":
    main()
