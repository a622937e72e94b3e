#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sstpctl.8 names every verb and every option that sstpctl has, and no other: run_man.py SSTPCTL.

sstp-site.5 names every key of the example, which in turn has every key that sstp-site.5 names.
"""
import os
import re
import subprocess
import sys

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "tools/sstpctl")


def read(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
        return f.read()


def offered(program, *words):
    """What completion offers behind the words."""
    run = subprocess.run([program, "__complete", *words], check=True, text=True, stdout=subprocess.PIPE, timeout=20,
                         stdin=subprocess.DEVNULL, env={"SSTPCTL_SOCKET": "/nowhere"}, stderr=subprocess.DEVNULL)
    return run.stdout.split()


def verbs_and_options(program):
    verbs, options = set(), set()
    for noun in offered(program, ""):
        if noun == "help":
            continue
        for verb in offered(program, noun, "") or [""]:
            verbs.add(f"{noun} {verb}".strip())
            options.update(offered(program, *([noun, verb] if verb else [noun]), "--"))
    return verbs, options


def compare(what, wanted, found):
    for name in sorted(wanted - found):
        print(f"# {what} is missing: {name}")
    for name in sorted(found - wanted):
        print(f"# there is no such {what}: {name}")
    print(f"{'ok' if wanted == found else 'not ok'} - {what}")
    return wanted != found


def main():
    page, site = read("sstpctl.8"), read("sstp-site.5")
    verbs, options = verbs_and_options(os.path.abspath(sys.argv[1]))
    items = re.findall(r"^\.It Cm ((?:[a-z]+ ?)+)", page, re.M)
    described = re.findall(r"^\.It (?:Fl \w , )?Fl Fl ([a-z-]+)", page, re.M)
    keys = re.findall(r"([A-Za-z]+):(?= |$)", re.sub(r"#.*", "", read("site.yaml.example")), re.M)
    named = [word for line in re.findall(r"^\.It Ic (.*)", site, re.M) for word in line.split(" , ")]
    print("1..3")
    failed = [compare("verb", verbs, {item.strip() for item in items}),
              compare("option", {o[2:] for o in options}, set(described)),
              # where an app is, when that is not where its plan is: a comment of the example has it
              compare("key", set(keys) | {"subscription", "resourceGroup"}, set(named))]
    return any(failed)


if __name__ == "__main__":
    sys.exit(main())
