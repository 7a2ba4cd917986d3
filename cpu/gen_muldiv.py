"""Handlers that multiply, divide and shift double operands. Used by gen_handlers.py."""
from gen_kit import get, handler, memory_modify, memory_read, put, table

MUL = {  # by operand size
    1: "\tuint32_t r = (uint8_t)c->r[R_EAX] * b;\n\tset_reg16(c, R_EAX, (uint16_t)r);\n"
       "\tflags_result(c, 8, r, r >> 8, r >> 8, false);",
    2: "\tuint32_t r = (uint16_t)c->r[R_EAX] * b;\n\tset_reg16(c, R_EAX, (uint16_t)r);\n"
       "\tset_reg16(c, R_EDX, (uint16_t)(r >> 16));\n\tflags_result(c, 16, r, r >> 16, r >> 16, false);",
    4: "\tuint64_t r = (uint64_t)(uint32_t)c->r[R_EAX] * b;\n\tc->r[R_EAX] = (uint32_t)r;\n"
       "\tc->r[R_EDX] = r >> 32;\n\tflags_result(c, 32, (uint32_t)r, r >> 32, r >> 32, false);"}
IMUL1 = {
    1: "\tint32_t r = (int8_t)c->r[R_EAX] * (int8_t)b;\n\tbool o = r != (int8_t)r;\n"
       "\tset_reg16(c, R_EAX, (uint16_t)r);\n\tflags_result(c, 8, (uint8_t)r, o, o, false);",
    2: "\tint32_t r = (int16_t)c->r[R_EAX] * (int16_t)b;\n\tbool o = r != (int16_t)r;\n"
       "\tset_reg16(c, R_EAX, (uint16_t)r);\n\tset_reg16(c, R_EDX, (uint16_t)((uint32_t)r >> 16));\n"
       "\tflags_result(c, 16, (uint16_t)r, o, o, false);",
    4: "\tint64_t r = (int64_t)(int32_t)c->r[R_EAX] * (int32_t)b;\n\tbool o = r != (int32_t)r;\n"
       "\tc->r[R_EAX] = (uint32_t)r;\n\tc->r[R_EDX] = (uint32_t)((uint64_t)r >> 32);\n"
       "\tflags_result(c, 32, (uint32_t)r, o, o, false);"}
# #DE: zero divisor or a quotient that does not fit. SDM vol 2 DIV, IDIV.
DIV = {
    1: "\tuint32_t n = (uint16_t)c->r[R_EAX];\n\tif (b == 0 || n / b > 0xff)\n\t\treturn leave_divide(c, op);\n"
       "\tset_reg16(c, R_EAX, (uint16_t)((n % b) << 8 | n / b));",
    2: "\tuint32_t n = (uint32_t)(uint16_t)c->r[R_EDX] << 16 | (uint16_t)c->r[R_EAX];\n"
       "\tif (b == 0 || n / b > 0xffff)\n\t\treturn leave_divide(c, op);\n"
       "\tset_reg16(c, R_EAX, (uint16_t)(n / b));\n\tset_reg16(c, R_EDX, (uint16_t)(n % b));",
    4: "\tuint32_t hi = (uint32_t)c->r[R_EDX];\n\tuint64_t n = (uint64_t)hi << 32 | (uint32_t)c->r[R_EAX];\n"
       "\tif (hi >= b)\n\t\treturn leave_divide(c, op);\n"
       "\tc->r[R_EAX] = n / b;\n\tc->r[R_EDX] = n % b;"}
IDIV = {
    1: "\tint32_t n = (int16_t)c->r[R_EAX], d = (int8_t)b;\n"
       "\tif (d == 0 || n / d != (int8_t)(n / d))\n\t\treturn leave_divide(c, op);\n"
       "\tset_reg16(c, R_EAX, (uint16_t)((uint32_t)(n % d) << 8 | (uint8_t)(n / d)));",
    2: "\tint64_t n = (int32_t)((uint32_t)(uint16_t)c->r[R_EDX] << 16 | (uint16_t)c->r[R_EAX]);\n"
       "\tint32_t d = (int16_t)b;\n"
       "\tif (d == 0 || n / d != (int16_t)(n / d))\n\t\treturn leave_divide(c, op);\n"
       "\tset_reg16(c, R_EAX, (uint16_t)(n / d));\n\tset_reg16(c, R_EDX, (uint16_t)(n % d));",
    4: "\tint64_t n = (int64_t)(c->r[R_EDX] << 32 | (uint32_t)c->r[R_EAX]), d = (int32_t)b, q;\n"
       "\tif (d == 0 || (d == -1 && n == INT64_MIN))\n\t\treturn leave_divide(c, op);\n"
       "\tq = n / d;\n\tif (q != (int32_t)q)\n\t\treturn leave_divide(c, op);\n"
       "\tc->r[R_EAX] = (uint32_t)q;\n\tc->r[R_EDX] = (uint32_t)(n % d);"}
IMUL = {  # two and three operands
    2: "int32_t r = (int16_t)a * (int16_t)b; bool o = r != (int16_t)r;",
    4: "int64_t r = (int64_t)(int32_t)a * (int32_t)b; bool o = r != (int32_t)r;",
}


def consuming(family, codes):
    """One operand b (register or memory); the code may `return leave_divide(c, op)`."""
    for size, code in codes.items():
        n = f"{family}_ri{size}"
        handler(n, f"\tuint32_t b = {get(size, 'op->r0', 'op->r2')};\n\n{code}\n\tNEXT;")
        table(family, "ri", size, n)
        for k in "bxs":
            n = f"{family}_mi{k}{size}"
            memory_read(n, k, size, f"\tuint32_t b = m;\n{code}")
            table(family, "mi" + k, size, n)


def multiply(size):
    """IMUL r, r/m and IMUL r, r/m, imm."""
    tail = (f"\tflags_result(c, {size * 8}, (uint{size * 8}_t)r, o, o, false);\n"
            f"\t{put(size, 'op->r0', '0', '(uint32_t)r')}")
    for fam, first in (("imul2", get(size, "op->r0", "0")), ("imul3", f"(uint{size * 8}_t)op->imm")):
        n = f"{fam}_rr{size}"
        handler(n, f"\tuint32_t a = {first}, b = {get(size, 'op->r1', '0')};\n\t{IMUL[size]}\n\n{tail}\n\tNEXT;")
        table(fam, "rr", size, n)
        for k in "bxs":
            n = f"{fam}_rm{k}{size}"
            memory_read(n, k, size, f"\tuint32_t a = {first}, b = m;\n\t{IMUL[size]}\n{tail}")
            table(fam, "rm" + k, size, n)


def shift_double(size):
    # 16-bit forms with counts above 16 shift in the first operand again, as the processors do.
    shl = {4: "uint64_t w = ((uint64_t)a << 32 | b) << n; r = (uint32_t)(w >> 32); bool cf = a >> (32 - n) & 1;",
           2: "uint64_t w = ((uint64_t)a << 32 | b << 16 | a) << n; r = (uint16_t)(w >> 32);\n"
              "\tbool cf = w >> 48 & 1;"}[size]
    shr = {4: "uint64_t w = (uint64_t)b << 32 | a; r = (uint32_t)(w >> n); bool cf = w >> (n - 1) & 1;",
           2: "uint64_t w = (uint64_t)a << 32 | b << 16 | a; r = (uint16_t)(w >> n);\n"
              "\tbool cf = w >> (n - 1) & 1;"}[size]
    for fam, code in (("shld", shl), ("shrd", shr)):
        bits = size * 8
        setf = f"flags_result(c, {bits}, r, cf, (r ^ a) >> {bits - 1} & 1, false);"
        for suffix, count, in (("", "op->imm"), ("_cl", "c->r[R_ECX]")):
            body = (f"\tunsigned n = {count} & 31;\n"
                    f"\tif (n == 0) {{\n\t\tr = a;\n\t}} else {{\n\t{code}\n\t{setf}\n\t}}")
            n = f"{fam}{suffix}_rr{size}"
            handler(n, f"\tuint32_t a = {get(size, 'op->r0', '0')}, b = {get(size, 'op->r1', '0')}, r;\n{body}\n"
                       f"\t{put(size, 'op->r0', '0', 'r')}\n\tNEXT;")
            table(fam + suffix, "rr", size, n)
            for k in "bxs":
                n = f"{fam}{suffix}_mr{k}{size}"
                memory_modify(n, k, size, f"\tuint32_t b = {get(size, 'op->r0', '0')};\n{body}")
                table(fam + suffix, "mr" + k, size, n)


def make():
    consuming("mul", MUL)
    consuming("imul1", IMUL1)
    consuming("div", DIV)
    consuming("idiv", IDIV)
    for size in (2, 4):
        multiply(size)
        shift_double(size)
