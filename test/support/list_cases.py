#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the name of every test case, one per line, "SUITE/PATH: CASE", without building anything:
from the tables of tests in C files, from the corpora of the fuzz targets and the golden files, and
from the scripts' own --list. list_cases.py ROOT SUITE..."""
import os
import re
import signal
import subprocess
import sys

# a program's table of tests, and an entry of it: cmocka_unit_test(NAME), or a macro of the file's own around it
TABLE = re.compile(r"\bstruct CMUnitTest \w+\[\] = \{(.*?)\n\t*\};", re.DOTALL)
ENTRY = re.compile(r"\b\w+\(\s*(\w+)")
CHECKS = "tools/dev"


def walk(folder, suffix):
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith(suffix):
                yield os.path.join(where, name)


def cases_in_c(root, suite):
    for path in walk(os.path.join(root, "test", suite), ".c"):
        module = re.sub(r"(^|/)test_", r"\1", os.path.relpath(path, os.path.join(root, "test"))[:-2])
        with open(path, encoding="utf-8") as f:
            for table in TABLE.findall(f.read()):
                for name in ENTRY.findall(table):
                    yield f"{module}: {name}"


def cases_in_corpora(root):
    base = os.path.join(root, "test/fuzz/corpus")
    for path in walk(base, ""):
        yield f"fuzz/{os.path.relpath(os.path.dirname(path), base)}: {os.path.basename(path)}"


def cases_in_golden_files(root):
    base = os.path.join(root, "test/golden")
    for path in walk(base, (".yaml", ".http", ".in")):
        kind, name = os.path.split(os.path.splitext(os.path.relpath(path, base))[0])
        if os.path.exists(os.path.splitext(path)[0] + ".out"):
            yield f"golden/{kind}: {name}"
    for kind in ("gateway", "worker"):
        yield f"golden/{kind}: the example"


def cases_of_scripts(root, suite, folder):
    for path in walk(os.path.join(root, folder), (".sh", ".py")):
        if not os.access(path, os.X_OK):
            continue
        run = subprocess.run([path, "--list"], capture_output=True, text=True, check=False)
        if run.returncode:
            sys.exit(f"list_cases: {path} does not know --list: {run.stderr.strip()}")
        name = os.path.splitext(os.path.basename(path))[0]
        for case in run.stdout.splitlines():
            yield f"{suite}/{name}: {case}"


def cases_of_netns(root, label):
    """Of the scripts that test/netns/meson.build puts into this suite as well."""
    with open(os.path.join(root, "test/netns/meson.build"), encoding="utf-8") as f:
        chosen = re.findall(rf"^  '(\w+)': \[.*'{label}'.*\],$", f.read(), re.MULTILINE)
    for case in cases_of_scripts(root, "netns", "test/netns"):
        if re.match(r"netns/(\w+):", case).group(1) in chosen:
            yield case


def cases_of_checks(root):
    for name in sorted(os.listdir(os.path.join(root, CHECKS))):
        if name.startswith("check_"):
            yield f"check: {name}"
    yield from cases_of_scripts(root, "check", CHECKS)


def cases(root, suite):
    if suite == "check":
        yield from cases_of_checks(root)
    elif suite == "fuzz":
        yield from cases_in_corpora(root)
    elif suite == "golden":
        yield from cases_in_golden_files(root)
    elif suite == "asan":
        for other in ("unit", "sim", "fuzz", "golden"):
            yield from (f"asan/{case}" for case in cases(root, other))
        yield from (f"asan/{case}" for case in cases_of_netns(root, "hostile"))
    elif suite in ("asan-netns", "tsan-netns"):
        yield from (f"{suite[:4]}/{case}" for case in cases(root, "netns"))
    elif suite == "tsan":
        yield from (f"tsan/{case}" for case in cases(root, "unit"))
        yield from (f"tsan/{case}" for case in cases_of_netns(root, "threads"))
    else:
        yield from cases_in_c(root, suite)
        yield from cases_of_scripts(root, suite, f"test/{suite}")


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # for `test/run --list | head`
    root, suites = sys.argv[1], sys.argv[2:]
    # once each: a script and the program that it starts may both know a case
    names = dict.fromkeys(case for suite in suites for case in cases(root, suite))
    print("\n".join(names))


if __name__ == "__main__":
    main()
