#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmark still works: a short round of `test/bench/run`, of tunnel and of a small site, prints what it promises.
How fast anything is, is no question here. In TAP; --list prints the names of the cases."""
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("SSTP_BUILD", os.path.join(os.path.dirname(os.path.dirname(HERE)), "build"))
BGP_KEYS = ("learn_s", "withdraw_s", "lookup_s", "gap_ms")
SITE_KEYS = ("apply_s", "meanwhile_s", "apply_again_s", "list_s", "route_s")
KEYS = ("gbps", "ceiling_gbps", "ratio", "cpu_s_per_gb", "ceiling_cpu_s_per_gb", "cpu_ratio")


def bench(*arguments):
    return subprocess.run([os.path.join(HERE, "run"), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=100, check=False)


def namespaces():
    out = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in out.splitlines() if f"-{os.environ.get('WORLD_RUN', 'bench')}-" in line}


class Smoke:
    def __init__(self, folder):
        self.before = namespaces()
        self.plot = os.path.join(folder, "plot.svg")
        with concurrent.futures.ThreadPoolExecutor() as side_by_side:
            done = side_by_side.submit(bench, "tunnel", "--json", "--seconds", "1", "--rounds", "1", "--plot", self.plot,
                                       "--build-dir", BUILD)
            bgp = side_by_side.submit(bench, "bgp", "--json", "--prefixes", "500", "--rounds", "1", "--build-dir", BUILD)
            site = side_by_side.submit(bench, "site", "--json", "--plans", "4", "--rounds", "1", "--build-dir", BUILD)
        self.done, self.bgp, self.site = done.result(), bgp.result(), site.result()

    def json_has_a_positive_figure_for_each_direction(self):
        tunnel = json.loads(self.done.stdout)["tunnel"]
        bad = [f"tunnel.{d}.{key}={tunnel[d].get(key)}" for d in ("up", "down", "up4", "down4") for key in KEYS
               if not isinstance(tunnel[d].get(key), float) or tunnel[d][key] <= 0]
        return ", ".join(bad)

    def progress_stays_off_standard_output(self):
        said = self.done.stderr
        return "" if self.done.returncode == 0 and said.count("round 1/1") == 8 else said

    def plot_is_an_svg_with_a_bar_for_each_figure(self):
        root = ElementTree.parse(self.plot).getroot()
        bars = len(root.findall("{http://www.w3.org/2000/svg}rect")) - 3  # paper and two marks of the legend
        return "" if bars == 16 else f"{bars} bars, not 16"

    def site_of_any_size_is_applied_listed_and_reaches_a_worker(self):
        site = json.loads(self.site.stdout)["site"]
        bad = [f"site.{key}={site.get(key)}" for key in SITE_KEYS
               if not isinstance(site.get(key), float) or not 0 < site[key] < 10]
        return ", ".join(bad) or ("" if site["connections"] == 20 and site["routes"] == 200 else self.site.stdout)

    def prefixes_of_on_premises_are_looked_up_and_right_however_they_flap(self):
        bgp = json.loads(self.bgp.stdout)["bgp"]
        bad = [f"bgp.{key}={bgp.get(key)}" for key in BGP_KEYS if not isinstance(bgp.get(key), float) or bgp[key] <= 0]
        return ", ".join(bad) or ("" if bgp["prefixes"] == 500 else self.bgp.stdout)

    def nothing_is_left_behind(self):
        return " ".join(sorted(namespaces() - self.before))

    def unknown_bench_is_refused_with_the_names_of_those_there_are(self):
        done = bench("tunel")
        return "" if done.returncode == 2 and "tunnel, packets" in done.stderr else done.stderr


CASES = [name for name in vars(Smoke) if not name.startswith("_")]


def judge(smoke, name):
    """What is wrong, or nothing."""
    try:
        return getattr(smoke, name)()
    except (ValueError, KeyError, OSError, ElementTree.ParseError) as e:
        return f"{type(e).__name__}: {e}\n{smoke.done.stderr}\n{smoke.site.stderr}\n{smoke.bgp.stderr}"


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(CASES))
        return
    print(f"1..{len(CASES)}", flush=True)
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        smoke = Smoke(folder)
        for number, name in enumerate(CASES, 1):
            wrong = judge(smoke, name)
            failed = failed or bool(wrong)
            for line in wrong.splitlines():
                print("#", line)
            print(f"{'not ' if wrong else ''}ok {number} - {name}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
