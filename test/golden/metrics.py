#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Metrics as the page and the dashboard know them: metrics.py API_RUN.

sstp-metrics(7) describes every metric that there is, with its labels and its type, and no other. Every query of the dashboard for
Grafana asks for metrics that there are, by labels that they have; every metric is in one of its panels.
"""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "tools", "sstpctl", "sstp-metrics.7")
DASHBOARD = os.path.join(ROOT, "tools", "grafana", "sstp-gateway.json")
OWN_LABELS = {"instance", "job"}  # Prometheus gives them to whatever it scrapes


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def metrics_of(program):
    """Name to (type, labels)."""
    run = subprocess.run([program, "--metrics"], check=True, text=True, stdout=subprocess.PIPE)
    rows = [line.split() for line in run.stdout.splitlines()]
    return {name: (kind, set(labels)) for name, kind, *labels in rows}


def described(page):
    items = re.findall(r"^\.It Ic (sstp_\w+)(?: Pq (.*))?\n(\w+)\.$", page, re.M)
    return {name: (kind.lower(), set(labels.split(" , ")) if labels else set()) for name, labels, kind in items}


def series_of(metrics):
    """What can be asked for by name: a histogram has three, its buckets with one label more."""
    series = {}
    for name, (kind, labels) in metrics.items():
        if kind != "histogram":
            series[name] = labels
            continue
        series[name + "_bucket"] = labels | {"le"}
        series[name + "_sum"] = series[name + "_count"] = labels
    return series


def queries(dashboard):
    """Yields where it stands and the query."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield "variable " + variable["name"], variable["definition"]


def problems(series, where, query):
    if query.count("(") != query.count(")") or query.count("{") != query.count("}"):
        yield f"{where}: brackets: {query}"
    names = re.findall(r"\bsstp_\w+", query)
    if not names:
        yield f"{where}: no metric: {query}"
    for name, matchers in re.findall(r"\b(sstp_\w+)(?:\{(.*?)\})?", query):
        if name not in series:
            yield f"{where}: there is no {name}"
            continue
        asked = set(re.findall(r"(\w+)\s*=~?", matchers))
        yield from (f"{where}: {name} has no label {label}" for label in asked - series[name] - OWN_LABELS)
    known = OWN_LABELS.union(*(series.get(name, set()) for name in names))
    for labels in re.findall(r"\bby \((.*?)\)", query) + re.findall(r"label_values\(.*, (\w+)\)", query):
        yield from (f"{where}: {label} is no label: {query}" for label in set(labels.split(", ")) - known)


def legends(dashboard):
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"], set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))


def legend_problems(dashboard):
    """What a legend names is left by the query."""
    for title, query, labels in legends(dashboard):
        left = [set(x.split(", ")) for x in re.findall(r"\bby \((.*?)\)", query)]
        if left:
            yield from (f"{title}: the query leaves no {label}" for label in labels - set.union(*left))


def unused(metrics, dashboard):
    text = " ".join(query for _, query in queries(dashboard))
    return [f"{name} is in no panel" for name in metrics if not re.search(rf"\b{name}(_\w+)?\b", text)]


def differences(metrics, found):
    yield from (f"{name} is not described" for name in sorted(set(metrics) - set(found)))
    yield from (f"{name} is described, and there is none" for name in sorted(set(found) - set(metrics)))
    yield from (f"{name} is {metrics[name]}, described is {found[name]}" for name in sorted(set(metrics) & set(found))
                if metrics[name] != found[name])


def report(what, found):
    for line in found:
        print(f"# {line}")
    print(f"{'not ok' if found else 'ok'} - {what}")
    return bool(found)


def main():
    metrics = metrics_of(os.path.abspath(sys.argv[1]))
    dashboard = json.loads(read(DASHBOARD))
    series = series_of(metrics)
    ids = [panel["id"] for panel in dashboard["panels"]]
    print("1..5")
    failed = [report("page describes all metrics and no other", list(differences(metrics, described(read(PAGE))))),
              report("every query asks for what there is",
                     [p for where, query in queries(dashboard) for p in problems(series, where, query)]),
              report("every legend has its labels", list(legend_problems(dashboard))),
              report("every metric is in a panel", unused(metrics, dashboard)),
              report("panels have ids of their own", [] if len(ids) == len(set(ids)) else [str(ids)])]
    return any(failed)


if __name__ == "__main__":
    sys.exit(main())
