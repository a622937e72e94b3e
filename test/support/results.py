#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads meson's testlog.json files: results.py SUITE=FILE...

For every failed test prints its output; then one line "SUITE: P passed, F failed" per file, and last, in
a line of its own for the caller to read, "total P F". Cases are counted one by one from TAP; a test that
is no TAP counts as one, and so does one that broke off before its plan was through. A skipped case is
counted as failed: a machine that lacks something must say so.
"""
import json
import re
import sys

CASE = re.compile(r"^(ok|not ok)\b(.*)$", re.MULTILINE)
DIRECTIVE = re.compile(r"#\s*(SKIP|TODO)\b", re.IGNORECASE)


def count(test):
    """(passed, failed) of one test of the log."""
    cases = CASE.findall(test.get("stdout", ""))
    passed = sum(1 for verdict, rest in cases if verdict == "ok" and not DIRECTIVE.search(rest))
    failed = len(cases) - passed
    if test["result"] == "OK":
        return (passed, failed) if cases else (1, 0)
    return passed, max(failed, 1)


def show(suite, test):
    print(f"\n---- {suite}: {test['name']}: {test['result']} (exit {test.get('returncode')})")
    print(test.get("stdout", "").rstrip())
    if test.get("stderr", "").strip():
        print("---- on standard error:")
        print(test["stderr"].rstrip())
    print("----")


def main():
    total = [0, 0]
    lines = []
    for argument in sys.argv[1:]:
        suite, path = argument.split("=", 1)
        sums = [0, 0]
        with open(path, encoding="utf-8", errors="replace") as log:
            for line in log:
                test = json.loads(line)
                passed, failed = count(test)
                sums[0] += passed
                sums[1] += failed
                if failed:
                    show(suite, test)
        lines.append(f"{suite}: {sums[0]} passed, {sums[1]} failed")
        total = [a + b for a, b in zip(total, sums)]
    print("\n".join(lines))
    print("total", *total)


if __name__ == "__main__":
    main()
