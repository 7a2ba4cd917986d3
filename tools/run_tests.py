#!/usr/bin/env python3
"""Runs the tests of a build folder, shows what each counted, and sums every single check.

  run_tests.py BUILD [--suite NAME ...] [--not-suite NAME ...] [--jobs N] [--only WORD] [--verbose]
               [--coverage FOLDER]

A cmocka program is counted by its summary; a line `NAME: P passed, F failed, S skipped` counts as
it says; what it has `excluded:`, and why, is shown. A test that prints neither counts as one, by its
exit code (77: skipped). A program that fails without saying how counts as one failure. The last line is `N passed, N failed, N skipped`.
The exit code is 1 when something failed, and when nothing at all has passed.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time

SUMMARY = re.compile(r"^\[  (PASSED |FAILED |SKIPPED|ERROR  ) \] (?:.*: )?(\d+) test\(s\)")
COUNTS = re.compile(r"^(\S.*?): +(\d+) passed, (\d+) failed, (\d+) skipped\b")
SKIP_CODE = 77


class Result:
    def __init__(self, test, code, text, seconds):
        self.name, self.code, self.text, self.seconds = test["name"], code, text, seconds
        self.passed = self.failed = self.skipped = 0
        self.lines = []
        self.count()

    def count(self):
        for line in self.text.splitlines():
            m = COUNTS.match(line)
            if m:
                p, f, s = map(int, m.groups()[1:])
                self.lines.append(f"    {m[1]}: {p} passed, {f} failed, {s} skipped")
            else:
                m = SUMMARY.match(line)
                if not m:
                    continue
                n, word = int(m[2]), m[1].strip()
                p, f, s = (n, 0, 0) if word == "PASSED" else (0, 0, n) if word == "SKIPPED" else (0, n, 0)
            self.passed, self.failed, self.skipped = self.passed + p, self.failed + f, self.skipped + s
        if self.code == SKIP_CODE and not self.failed:
            self.skipped = max(self.skipped, 1)
        elif self.code != 0 and not self.failed:
            self.failed = 1
        elif self.code == 0 and not (self.passed or self.failed or self.skipped):
            self.passed = 1


def run(test, limit, coverage):
    env = dict(os.environ, **test.get("env", {}))
    if coverage:  # where the tests of cpu/ write which rows of the instruction table they used
        env["UMBRA86_COVERAGE"] = os.path.join(coverage, test["name"].replace("/", "_") + ".rows")
    env.pop("CMOCKA_MESSAGE_OUTPUT", None)
    began = time.monotonic()
    try:
        done = subprocess.run(test["cmd"], cwd=test.get("workdir") or None, env=env, timeout=limit,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        code, out = done.returncode, done.stdout
    except subprocess.TimeoutExpired as e:
        code, out = 124, (e.stdout or b"") + f"\nstopped after {limit} seconds".encode()
    except OSError as e:
        code, out = 127, str(e).encode()
    return Result(test, code, out.decode("utf-8", "replace"), time.monotonic() - began)


def chosen(tests, args):
    for t in tests:
        suites = {s.split(":")[-1] for s in t["suite"]}
        if args.suite and not suites & set(args.suite) or suites & set(args.not_suite):
            continue
        if not args.suite and suites == {"conformance"}:  # the fuller mode of a test that runs anyway
            continue
        if not args.only or args.only in t["name"]:
            yield t


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("build")
    ap.add_argument("--suite", action="append", default=[])
    ap.add_argument("--not-suite", action="append", default=[])
    ap.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    ap.add_argument("--only", default="")
    ap.add_argument("--verbose", action="store_true")
    ap.add_argument("--coverage", type=os.path.abspath)
    args = ap.parse_args()
    with open(os.path.join(args.build, "meson-info", "intro-tests.json")) as f:
        tests = list(chosen(json.load(f), args))
    width = max((len(t["name"]) for t in tests), default=0)
    total = [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for r in pool.map(lambda t: run(t, t.get("timeout") or 600, args.coverage), tests):
            total = [a + b for a, b in zip(total, (r.passed, r.failed, r.skipped))]
            print(f"{r.name:{width}}  {r.passed} passed, {r.failed} failed, {r.skipped} skipped"
                  f"  ({r.seconds:.1f} s)")
            print("\n".join(r.lines), end="\n" if r.lines else "")
            for line in re.findall(r"^.*\bexcluded: .*$", r.text, re.M):
                print("    " + line.strip()[:240])
            said = re.findall(r"^.*\bskip(?:ped|ping)?\b.*$", r.text, re.M | re.I) if r.skipped else []
            for line in said[:4]:
                if not COUNTS.match(line) and not SUMMARY.match(line):
                    print("    " + line.strip()[:150])
            if r.failed or args.verbose:
                print("\n".join("    | " + line for line in r.text.splitlines()[-60:]))
            sys.stdout.flush()
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


sys.exit(main())
