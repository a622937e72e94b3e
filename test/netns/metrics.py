# SPDX-License-Identifier: Apache-2.0
"""metrics.py FILE: says what is wrong with a page of metrics, as Prometheus' own client library reads it and stricter than that, a
line each; nothing when all is well."""
import re
import sys

from prometheus_client.parser import text_string_to_metric_families

LINE = re.compile(r'[a-z_]+(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? [0-9]+(\.[0-9]+)?')


def read(path):
    with open(path, encoding="ascii", newline="") as f:
        return f.read()


def families(path):
    return list(text_string_to_metric_families(read(path)))


def series(path):
    """Yields the family, the name with its labels, and the value."""
    for family in families(path):
        for sample in family.samples:
            yield family, sample.name, tuple(sorted(sample.labels.items())), sample.value


def bad_lines(text):
    if not text.endswith("\n"):
        yield "the last line has no end"
    for line in text.splitlines():
        if not line.startswith(("# HELP ", "# TYPE ")) and not LINE.fullmatch(line):
            yield f"no line of the format: {line}"


def bad_heads(text):
    """Each family has one HELP, one TYPE behind it, and then its samples."""
    heads = re.findall(r"^# (HELP|TYPE) (\S+)", text, re.M)
    names = [name for _, name in heads[::2]]
    if heads != [(kind, name) for name in names for kind in ("HELP", "TYPE")] or len(names) != len(set(names)):
        yield f"heads: {heads}"


def bad_series(path):
    seen = set()
    for family, name, labels, value in series(path):
        if (name, labels) in seen:
            yield f"twice: {name} {labels}"
        seen.add((name, labels))
        if family.type == "unknown" or not family.documentation:
            yield f"{name}: no type or no help"
        if value < 0:
            yield f"{name} {labels} is {value}"


def bad_histograms(path):
    values = {(name, labels): value for _, name, labels, value in series(path)}
    for family in families(path):
        if family.type != "histogram":
            continue
        for labels in {tuple(sorted((k, v) for k, v in s.labels.items() if k != "le")) for s in family.samples}:
            buckets = sorted((float(dict(found)["le"]), value) for (name, found), value in values.items()
                             if name == family.name + "_bucket" and set(labels) <= set(found))
            counts = [count for _, count in buckets]
            if counts != sorted(counts) or buckets[-1][0] != float("inf"):
                yield f"{family.name} {labels}: {buckets}"
            if counts[-1] != values[family.name + "_count", labels]:
                yield f"{family.name} {labels}: its count is not that of its last bucket"


def check(path):
    text = read(path)
    for checked in (bad_lines(text), bad_heads(text), bad_series(path), bad_histograms(path)):
        for line in checked:
            print(line)


if __name__ == "__main__":
    check(sys.argv[1])
