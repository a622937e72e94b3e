#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden request/response pairs of the management API: run_api.py [--update] API_RUN.

api/NAME.http holds requests, as api_run.c reads them; NAME.out is the same with the answers.
In a request, @PATH@ stands for that file of the repository, YAML, as JSON.
--update writes the .out files as they come: read the diff before you believe it.
"""
import json
import os
import re
import subprocess
import sys

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "test", "golden", "api")


def transcript(program, requests):
    run = subprocess.run([program], input=requests, check=False, text=True, timeout=60,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return run.stdout.rstrip("\n") + "\n" + (f"exit code {run.returncode}: {run.stderr}" if run.returncode else "")


def as_json(match):
    with open(os.path.join(ROOT, match[1]), encoding="utf-8") as f:
        return json.dumps(yaml.safe_load(f))


def read(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        return f.read()


def main():
    program = os.path.abspath([a for a in sys.argv[1:] if a != "--update"][0])
    cases = sorted(n[:-len(".http")] for n in os.listdir(HERE) if n.endswith(".http"))
    failed = False
    print(f"1..{len(cases)}")
    for number, case in enumerate(cases, 1):
        got = transcript(program, re.sub("@([a-z./]+)@", as_json, read(case + ".http")))
        if "--update" in sys.argv:
            with open(os.path.join(HERE, case + ".out"), "w", encoding="utf-8") as f:
                f.write(got)
        expected = read(case + ".out")
        if got != expected:
            failed = True
            print("# expected:\n# " + expected.replace("\n", "\n# "))
            print("# got:\n# " + got.replace("\n", "\n# "))
        print(f"{'ok' if got == expected else 'not ok'} {number} - {case}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
