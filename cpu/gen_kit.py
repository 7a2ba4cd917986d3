"""What the handlers' templates are written with, and where the handlers are collected. Used by gen_handlers.py."""

out = []
tables = {}  # family -> {(form, size): name}
names = []
bodies = {}  # handler -> its C
SIZES = (1, 2, 4)


def handler(name, body, cold=False):
    attr = "static COLD" if cold else "static"
    out.append(f"{attr} struct op *{name}(HARGS)\n{{\n{body}\n}}\n")
    names.append(name)
    bodies[name] = body


def get(size, slot, shift):
    if size == 1:
        return f"(uint8_t)(c->r[{slot}] >> {shift})"
    return f"(uint{size * 8}_t)c->r[{slot}]"


def put(size, slot, shift, value):
    if size == 4:
        return f"c->r[{slot}] = (uint32_t)({value});"
    if size == 2:
        return f"c->r[{slot}] = (c->r[{slot}] & ~0xffffull) | (uint16_t)({value});"
    return (f"c->r[{slot}] = (c->r[{slot}] & ~(0xffull << {shift})) | "
            f"(uint64_t)(uint8_t)({value}) << {shift};")


def ea(kind):
    if kind == "b":
        return "\tuint32_t off = (uint32_t)c->r[op->r1] + (uint32_t)op->disp;"
    if kind == "x":
        return ("\tuint32_t off = (uint32_t)c->r[op->r1] + ((uint32_t)c->r[op->r2] << op->r3) + "
                "(uint32_t)op->disp;")
    return "\tuint32_t off = ea_any(c, op);"


def address(kind, size, write, name):
    """Fast path: the linear address in `lin`, after the segment's check."""
    if kind != "s":
        return "\tuint32_t lin = off;"
    length = "wlen" if write else "rlen"
    return (f"\tconst struct segment *s = &c->seg[op->r3 >> 2 & 7];\n"
            f"\tuint32_t lin = s->base + off;\n\n"
            f"\tif (unlikely((uint64_t)(uint32_t)(off - s->lo) + {size} > s->{length}))\n"
            f"\t\treturn {name}_slow(HPASS);")


def hit(array, size, name):
    return (f"\tconst struct tlb_entry *e = &tlb->{array}[tlb_slot(lin)];\n\n"
            f"\tif (unlikely(((uint32_t)(lin + {size - 1}) & ~(uint32_t)PAGE_MASK) != e->tag))\n"
            f"\t\treturn {name}_slow(HPASS);")


def slow_address(kind, size, write):
    # Results go through c->scratch: a local whose address is taken would forbid the tail call.
    t = "\tuint32_t lin = off;\n\tbool user = c->cpl == 3;\n\n\tc->cur = op;\n"
    if kind == "s":
        return t + (f"\tif (!cpu_linear(c, op->r3 >> 2 & 7, off, {size}, {'true' if write else 'false'}, &c->scratch_lin))\n"
                    "\t\treturn leave_fault(c, op);\n\tlin = c->scratch_lin;")
    return t


def memory_read(name, kind, size, body, end="NEXT;", slow_end="AFTER_SLOW;"):
    """body uses the memory operand `m`."""
    slow = (f"{ea(kind)}\n{slow_address(kind, size, False)}\n"
            f"\tif (!lin_load(c, lin, {size}, user, &c->scratch))\n\t\treturn leave_fault(c, op);\n"
            f"\t{{\n\tuint32_t m = (uint32_t)c->scratch;\n{body}\n\t}}\n\t{slow_end}")
    handler(name + "_slow", slow, cold=True)
    fast = (f"{ea(kind)}\n{address(kind, size, False, name)}\n{hit('r', size, name)}\n"
            f"\t{{\n\tuint32_t m = ld{size}((const void *)(e->addend + lin));\n{body}\n\t}}\n\t{end}")
    handler(name, fast)


def memory_write(name, kind, size, value):
    slow = (f"{ea(kind)}\n{slow_address(kind, size, True)}\n"
            f"\tif (!lin_store(c, lin, {size}, user, {value}))\n\t\treturn leave_fault(c, op);\n\tAFTER_SLOW;")
    handler(name + "_slow", slow, cold=True)
    fast = (f"{ea(kind)}\n{address(kind, size, True, name)}\n{hit('w', size, name)}\n"
            f"\tst{size}((void *)(e->addend + lin), {value});\n\tNEXT;")
    handler(name, fast)


def memory_modify(name, kind, size, body):
    """body turns `a` into `r` and sets flags; it cannot fault."""
    slow = (f"{ea(kind)}\n{slow_address(kind, size, True)}\n"
            f"\tif (!lin_probe(c, lin, {size}, user, true) || !lin_load(c, lin, {size}, user, &c->scratch))\n"
            f"\t\treturn leave_fault(c, op);\n"
            f"\t{{\n\tuint32_t a = (uint32_t)c->scratch, r;\n{body}\n"
            f"\tif (!lin_store(c, lin, {size}, user, r))\n\t\treturn leave_fault(c, op);\n\t}}\n\tAFTER_SLOW;")
    handler(name + "_slow", slow, cold=True)
    fast = (f"{ea(kind)}\n{address(kind, size, True, name)}\n{hit('w', size, name)}\n"
            f"\t{{\n\tvoid *p = (void *)(e->addend + lin);\n\tuint32_t a = ld{size}(p), r;\n{body}\n"
            f"\tst{size}(p, r);\n\t}}\n\tNEXT;")
    handler(name, fast)


def table(family, form, size, name):
    tables.setdefault(family, {})[(form, size)] = name


def sized(text, size):
    return text.replace("BITS", str(size * 8)).replace("(T)", f"(uint{size * 8}_t)")
