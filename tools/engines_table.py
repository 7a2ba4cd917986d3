#!/usr/bin/env python3
"""Linux to READY under every engine and trap model, and the demonstration guest under `classic`: the tables of
docs/ENGINES.md, written there between their marks, from runs made now.

    tools/engines_table.py [build/umbra86]

The guest is that of tests/boot/test_linux.py. All runs must end in the same state (registers, instructions, COM1, and
memory by the monitor's `hash`, or by samples where this build has no such command); else nothing is written. It
takes some minutes of one core.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "boot"))
from packages import Missing, linux_guest  # noqa: E402

PAGE = ROOT / "docs" / "ENGINES.md"
ENGINES = ("shadow", "nested", "nested, cache", "nested, 2 MiB", "direct")
MODELS = ("assist", "deprivileged")
COSTS = ("sandybridge", "prescott")
SAMPLES = "".join(f"xp/16384xw {at:#x}\n" for at in (0x1000, 0x1000000, 0x2000000, 0x3000000, 0x8000000, 0xe000000))


def fail(text):
    sys.exit(f"engines_table: {text}")


def run(umbra86, args, script):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "script").write_text(script)
        done = subprocess.run(
            [umbra86, *args, "-rtc", "base=2026-01-31T12:00:00", "-display", "none", "-no-reboot", "-serial",
             f"file:{folder / 'com1'}", "--script", folder / "script", "--stats-json", folder / "stats"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1200)
        stats = json.loads((folder / "stats").read_text()) if (folder / "stats").exists() else {}
        return done.returncode, done.stdout.decode("utf-8", "replace"), (folder / "com1").read_text(errors="replace"), stats


def options(engine, model, cost):
    cache = ["--gpa-cache", "on"] if "cache" in engine else []
    large = ["--host-large", "on", "--host-ad", "on"] if "2 MiB" in engine else []
    return ["--mmu", engine.split(",")[0], *cache, *large, "--traps", model, "--cost-model", cost]


def number(n):
    return f"{n:,}".replace(",", " ")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join(lines + ["| " + " | ".join(str(c) for c in row) + " |" for row in rows])


def loads(stats):
    """Of walks that gave a translation, by the guest's entries; for shadow and direct the average."""
    mmu = stats["mmu"]
    all_loads = mmu["guest_loads"] + mmu["shadow_loads"] + mmu["host_loads"]
    each = [f"{(d['guest_loads'] + d['host_loads']) / d['walks']:.2f}" if d["walks"] else "-" for d in mmu["depth"]]
    return [number(mmu["translations"]), f"{all_loads / mmu['translations']:.2f}", *each[:3]]


def linux_tables(umbra86, guest):
    script = 'wait "READY" 300\ninfo registers\n' + SAMPLES
    if "\nhash " in run(umbra86, ["-m", "1"], "stop\nhelp\nquit\n")[1]:
        script += "hash\n"
    base = ["-m", "256", "-kernel", guest / "vmlinuz", "-initrd", guest / "initrd.gz", "-append",
            (guest / "cmdline").read_text().strip()]
    results, first = {}, None
    for engine in ENGINES:
        for model in MODELS:
            code, out, said, stats = run(umbra86, base + options(engine, model, COSTS[0]), script + "quit\n")
            state = (code, out, said, stats.get("instructions"), stats.get("guest_seconds"))
            first = first or state
            if code or state != first:
                fail(f"{engine}, {model}: exit code {code}, or not the state of the first run\n{out[-2000:]}")
            results[engine, model] = stats
            print(f"{engine}, {model}: {stats['instructions']} instructions, {stats['cost']['cycles']} cycles", flush=True)
    stats = results[ENGINES[0], MODELS[0]]
    text = [f"Linux to READY, {number(stats['instructions'])} instructions, {stats['guest_seconds']:.2f} guest seconds: all "
            f"{len(results)} runs ended in the same state"
            + (" (the monitor's `hash`, registers, COM1)." if "hash" in script else " (registers, COM1, samples of memory).")]
    text.append(table(["engine", "TLB misses", "loads each", "paging off", "large pages", "4 KiB pages"],
                      [[e, *loads(results[e, "assist"])] for e in ENGINES]))
    text.append(table(["engine", "fills", "table writes", "zaps", "resyncs", "roots reused", "roots built"],
                      [[e] + [number(results[e, "assist"]["mmu"][k]) for k in
                              ("fills", "table_writes", "zaps", "resyncs", "roots_reused", "roots_built")] for e in ENGINES]))
    causes = [c for c in results["shadow", "deprivileged"]["cost"]["traps"]]
    causes += [c for c in results["nested", "assist"]["cost"]["traps"] if c not in causes]
    causes = [c for c in causes if any(s["cost"]["traps"].get(c, {"entries": 0})["entries"] for s in results.values())]
    shown = [(e, m) for m in MODELS for e in ENGINES if "," not in e]
    text.append("Entries by cause:\n\n" + table(
        ["cause", *(f"{e}, {m}" for e, m in shown)],
        [[c, *(number(results[k]["cost"]["traps"].get(c, {"entries": 0})["entries"]) for k in shown)] for c in causes]))
    caught = [f"{name.upper()} {number(n['caught'])}" for name, n in results["shadow", "deprivileged"]["silent"].items()
              if n["caught"]]
    text.append("Sensitive instructions that `deprivileged` caught: " + ", ".join(caught) + ".")
    return results, text


def cycles(results):
    """In parts under one cost model, the sum under the other."""
    rows = []
    for (engine, model), stats in results.items():
        c = stats["cost"]
        rows.append([engine, model, number(sum(t["entries"] for t in c["traps"].values())),
                     number(sum(t["cycles"] for t in c["traps"].values())),
                     number(sum(w["cycles"] for w in c["work"].values())),
                     number(sum(x["cycles"] for x in c["loads"].values())), number(c["cycles"]),
                     number(c["by_model"][COSTS[1]])])
    return table(["engine", "traps", "entries", "cycles of entries", "of work", "of loads", "together",
                  f"together, {COSTS[1]}"], rows)


def classic(umbra86):
    code, out, said, stats = run(umbra86, ["--demo", "--traps", "classic", "--timeout-insns", "2000000000"], "sleep 30\nquit\n")
    rows = [[f"`{n.upper()}`", v["executed"], v["caught"], v["wrong"]] for n, v in stats["silent"].items() if v["executed"]]
    failed = [line[5:] for line in said.splitlines() if line.startswith("FAIL")]
    return (table(["instruction", "executed", "caught", "silently wrong"], rows)
            + "\n\nWhat the guest then says of itself:\n\n" + "\n".join(f"    FAIL {f}" for f in failed))


def replace(page, mark, text):
    begin, end = f"<!-- {mark}: written by tools/engines_table.py -->\n", f"<!-- end of {mark} -->\n"
    if begin not in page or end not in page:
        fail(f"{PAGE} has no marks for {mark}")
    return page[:page.index(begin) + len(begin)] + "\n" + text + "\n\n" + page[page.index(end):]


def main():
    umbra86 = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build" / "umbra86")
    try:
        guest = linux_guest()
    except Missing as e:
        fail(f"the Linux guest: {e}")
    results, text = linux_tables(umbra86, guest)
    text.append(f"Cycles, cost model {COSTS[0]}:\n\n" + cycles(results))
    page = PAGE.read_text()
    page = replace(page, "linux", "\n\n".join(text))
    page = replace(page, "classic", classic(umbra86))
    PAGE.write_text(page)


main()
