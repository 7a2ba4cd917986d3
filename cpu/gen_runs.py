"""Runs: one handler for several instructions that often follow each other. Used by gen_handlers.py.

Every run of hot_runs.txt is one handler more. It sits in the first instruction's slot and executes the
bodies of all, each on its own op; whatever is not usual leaves by the slow twin of the instruction at hand, which goes on with the
op behind it, whose own handler is still there. So a run needs nothing that its instructions do not.

lower.c finds them by steps: each instruction has an id; a unit (an instruction or a run) and the id of the next one
lead to a longer run, or nowhere. Every run's beginning must therefore be a run too.
"""
import itertools
import os
import re

STEPS = 2048  # slots of the table, a power of two

# Neighbours that one look into the TLB serves. {n}: how many, {bytes}: theirs.
STACK = {
    "push_r_f4": ("\tuint32_t sp = (uint32_t)c->r[R_ESP] - {bytes}, lin = sp;\n"
                  "\tconst struct tlb_entry *e = &tlb->w[tlb_slot(lin)];\n\tuint8_t *p;\n",
                  "\tst4(p + {there}, (uint32_t)c->r[op[{k}].r0]);\n", "\tc->r[R_ESP] = sp;\n"),
    "pop_r_f4": ("\tuint32_t sp = (uint32_t)c->r[R_ESP], lin = sp;\n"
                 "\tconst struct tlb_entry *e = &tlb->r[tlb_slot(lin)];\n\tconst uint8_t *p;\n",
                 "\tc->r[op[{k}].r0] = ld4(p + {here});\n", "\tc->r[R_ESP] = (uint32_t)(sp + {bytes});\n"),
}


def stack_group(name, n):
    """PUSH or POP of n registers, none of which is ESP (lower.c). What is not one plain piece of a page goes one by one."""
    look, move, end = STACK[name]
    moves = "".join(move.format(k=k, here=4 * k, there=4 * (n - 1 - k)) for k in range(n))
    return (look.format(bytes=4 * n) +
            f"\n\tif (unlikely(((uint32_t)(lin + {4 * n - 1}) & ~(uint32_t)PAGE_MASK) != e->tag))\n"
            f"\t\treturn {name}(HPASS);\n\tp = (void *)(e->addend + lin);\n{moves}{end.format(bytes=4 * n)}"
            f"\top += {n - 1};\n\tnext.fn = op[1].fn;\n\tNEXT;")


FUSED = re.compile(r"(cmp|test|sub|and|or|add|dec)_.*_j")
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hot_runs.txt")


class Runs:
    """ids: handler -> its id, from 1; units: (name, members) of the runs; steps: (unit, id) -> unit."""

    def __init__(self, bodies):
        self.ids, self.units, self.steps = {}, [], {}
        by_members = {}
        for line in open(SOURCE, encoding="ascii"):
            members = tuple(line.split("#")[0].split())
            if members:
                self.check(members, bodies)
                by_members[members] = None
        for members in by_members:
            for m in members:
                self.ids.setdefault(m, len(self.ids) + 1)
        if len(self.ids) > 254:
            raise SystemExit(f"{SOURCE}: {len(self.ids)} instructions, 254 have an id")
        for n, members in enumerate(sorted(by_members, key=len)):
            by_members[members] = 1 + len(self.ids) + n
            first = members[:-1]
            if len(first) > 1 and not by_members.get(first):
                raise SystemExit(f"{SOURCE}: {' '.join(first)} must be a run, because {' '.join(members)} is")
            unit = by_members[first] if len(first) > 1 else self.ids[first[0]]
            self.units.append(("__".join(members), members))
            self.steps[unit, self.ids[members[-1]]] = by_members[members]

    @staticmethod
    def check(members, bodies):
        for m in members:
            if m not in bodies:
                raise SystemExit(f"{SOURCE}: there is no handler {m}")
        for m in members[:-1]:
            if not bodies[m].endswith("NEXT;") or FUSED.match(m):
                raise SystemExit(f"{SOURCE}: {m} does not go on with the next op")

    @staticmethod
    def body(members, bodies):
        parts = []
        for name, group in itertools.groupby(members):
            n = len(list(group))
            parts += [stack_group(name, n)] if n > 1 and name in STACK else [bodies[name]] * n
        parts = [p[:-len("NEXT;")] for p in parts[:-1]] + parts[-1:]
        return "\top++;\n\tnext.fn = op[1].fn;\n".join(f"\t{{\n{p}\n\t}}\n" for p in parts)

    def table(self):
        """hot_steps, open addressing; the hash is lower.c's."""
        slots = [None] * STEPS
        for (unit, ident), to in self.steps.items():
            h = (unit * 31 + ident) % STEPS
            while slots[h]:
                h = (h + 1) % STEPS
            slots[h] = (unit, ident, to)
        rows = [f"\t[{h}] = {{ {s[0]}, {s[2]}, {s[1]} }}," for h, s in enumerate(slots) if s]
        return ["const struct hot_step hot_steps[HOT_STEPS] = {"] + rows + ["};"]
