"""Which handlers mostly come next, from hot_next.txt. Used by gen_handlers.py.

A host keeps the targets of some thousand jumps through pointers, but the outcomes of many times as many compares. So a handler
first asks whether the next one is among those that mostly are, and jumps there directly.
"""
import os

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hot_next.txt")


class Foreseen:
    """behind, there: handler -> those that mostly come next, behind it and where it branches to."""

    def __init__(self):
        self.behind, self.there = {}, {}
        for line in open(SOURCE, encoding="ascii"):
            words = line.split("#")[0].split()
            if not words:
                continue
            name, kind, *following = words
            {"behind": self.behind, "there": self.there}[kind][name] = following

    def check(self, known):
        """Not done at once: the tools that make the lists anew load gen_handlers.py with one that no longer fits."""
        for rows in (self.behind, self.there):
            for name, following in rows.items():
                for n in [name] + following:
                    if n not in known:
                        raise SystemExit(f"{SOURCE}: there is no handler {n}")

    def has(self, name):
        return name in self.behind or name in self.there

    def declarations(self):
        names = {n for rows in (self.behind, self.there) for following in rows.values() for n in following}
        return "".join(f"static op_fn {n};\n" for n in sorted(names))

    def wrap(self, name, text):
        for kind, rows in (("BEHIND", self.behind), ("THERE", self.there)):
            if name in rows:
                macro = f"FORESEEN_{kind}"
                seen = " ".join(f"FORESEE({n})" for n in rows[name])
                text = f"#undef {macro}\n#define {macro} {seen}\n{text}#undef {macro}\n#define {macro}\n"
        return text
