"""What the tests that run the built program share: running it, counting, and finding what is in ../shared."""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
UMBRA86 = os.environ.get("UMBRA86", str(ROOT / "build" / "umbra86"))
SHARED = pathlib.Path(os.environ.get("UMBRA86_SHARED", ROOT.parent / "shared"))
ASAN = b"AddressSanitizer"


class Run:
    """One run of the program; killed after `limit` seconds, then its code is None."""

    def __init__(self, *args, stdin=b"", limit=120):
        try:
            done = subprocess.run([UMBRA86, *map(str, args)], input=stdin, timeout=limit,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired as e:
            self.code, self.out, self.err = None, e.stdout or b"", e.stderr or b""

    def __str__(self):
        return f"code {self.code}\n{self.out.decode('utf-8', 'replace')[-1500:]}{self.err.decode('utf-8', 'replace')[-1500:]}"


class Checks:
    """Counts; prints what fails at once, and the sum at the end."""

    def __init__(self, name):
        self.name, self.passed, self.failed, self.skipped = name, 0, 0, 0
        self.dir = tempfile.TemporaryDirectory(prefix="umbra86-test-")

    def path(self, name):
        return pathlib.Path(self.dir.name) / name

    def file(self, name, data):
        path = self.path(name)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def check(self, what, good, run=None):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        if not good:
            print(f"FAILED: {what}" + (f": {run}" if run else ""))

    def ends(self, what, run, code, words=b""):
        """It ended with this code, and said these words on its standard error."""
        self.check(what, run.code == code and words in run.err and ASAN not in run.err, run)

    def skip(self, what):
        self.skipped += 1
        print(f"skipped: {what}")

    def report(self):
        self.dir.cleanup()
        print(f"{self.name}: {self.passed} passed, {self.failed} failed, {self.skipped} skipped")

    def finish(self):
        self.report()
        sys.exit(1 if self.failed else 0)


def boot_sector(code):
    """A 1.44 MB floppy that runs these bytes at 7C00."""
    assert len(code) <= 510
    return code.ljust(510, b"\0") + b"\x55\xaa" + bytes(1474560 - 512)


# The guest writes `value` to the isa-debug-exit port F4.
def debug_exit(value):
    return bytes([0xB0, value, 0xE6, 0xF4, 0xFA, 0xF4])
