"""One guest, many programs: the monitor's `hash` after the same script, for each build, memory engine and exact trap
model. Shared by test_determinism.py (one build, quick) and tools/determinism.py (several builds, Linux to READY)."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import tempfile

ENGINES = {"shadow": ["--mmu", "shadow"], "nested": ["--mmu", "nested"],
           "nested, cache": ["--mmu", "nested", "--gpa-cache", "on"], "direct": ["--mmu", "direct"]}
# `classic` lets ring 0 run what it should not, so its guests are right to differ.
EXACT_MODELS = ("assist", "deprivileged")
HASH = re.compile(r"^([0-9a-f]{16}) after (\d+) instructions$", re.M)


def linux_options(guest, mib):
    return ["-m", mib, "-kernel", guest / "vmlinuz", "-initrd", guest / "initrd.gz",
            "-append", (guest / "cmdline").read_text().strip()]


def final_state(umbra86, options, script, limit=900):
    """(hash, instructions) of every `hash` in the script, and what COM1 said; or a text that says what went wrong."""
    with tempfile.TemporaryDirectory(prefix="umbra86-same-") as name:
        folder = pathlib.Path(name)
        (folder / "script").write_text(script)
        command = [umbra86, *options, "-rtc", "base=2026-01-01", "-display", "none", "-no-reboot", "-serial",
                   f"file:{folder / 'com1'}", "--script", folder / "script"]
        try:
            done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, timeout=limit,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except (OSError, subprocess.TimeoutExpired) as e:
            return str(e)
        out = done.stdout.decode("utf-8", "replace")
        if done.returncode or len(HASH.findall(out)) != script.count("hash\n"):
            return f"exit code {done.returncode}: {done.stderr.decode('utf-8', 'replace').strip()[-300:]}"
        return tuple((h, int(n)) for h, n in HASH.findall(out)), (folder / "com1").read_bytes()


def final_states(runs, jobs=None):
    """`runs` is a dict of name: (umbra86, options, script). Yields (name, final_state), in its order."""
    with concurrent.futures.ThreadPoolExecutor(jobs or min(2, os.cpu_count() or 1)) as pool:
        yield from zip(runs, pool.map(lambda run: final_state(*run), runs.values()))
