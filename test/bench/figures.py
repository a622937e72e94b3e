# SPDX-License-Identifier: Apache-2.0
"""Figures of several rounds: medians, spread, ratios within a round; and the table that shows them."""
import statistics


class Figure:
    """What one measurement gave, round by round, for each system. lower: less is better."""

    def __init__(self, label, unit, digits=2, lower=False):
        self.label = label
        self.unit = unit
        self.digits = digits
        self.lower = lower
        self.rounds = {}

    def add(self, system, value):
        self.rounds.setdefault(system, []).append(value)

    def systems(self):
        return list(self.rounds)

    def median(self, system):
        return statistics.median(self.rounds[system])

    def ratio(self, system, to):
        """The median of the rounds' ratios: what was measured side by side is compared, so that a machine that gets
        slower meanwhile changes nothing."""
        pairs = zip(self.rounds.get(system, []), self.rounds.get(to, []))
        ratios = [a / b for a, b in pairs if b]
        return statistics.median(ratios) if ratios else None

    def text(self, system):
        values = self.rounds.get(system)
        if not values:
            return ""
        d = self.digits
        middle = f"{statistics.median(values):.{d}f}"
        return middle if len(values) == 1 else f"{middle} ({min(values):.{d}f}-{max(values):.{d}f})"


def rounded(value, digits=4):
    """Four significant digits: more would be noise."""
    return None if value is None else float(f"{value:.{digits}g}")


def pair(figure, key, ratio="ratio"):
    """The keys of a figure that the product and the ceiling have: KEY, ceiling_KEY, RATIO, and the rounds."""
    keys = {key: rounded(figure.median("product"))}
    if "ceiling" in figure.rounds:
        keys["ceiling_" + key] = rounded(figure.median("ceiling"))
        keys[ratio] = rounded(figure.ratio("product", "ceiling"))
    keys["rounds_" + key] = {system: [rounded(v) for v in values] for system, values in figure.rounds.items()}
    return keys


def peers(figures):
    """{peer: {KEY: median, KEY_ratio: product to peer}} of {KEY: figure}; empty without peers."""
    found = {}
    for key, figure in figures.items():
        for system in figure.systems():
            if system not in ("product", "ceiling"):
                entry = found.setdefault(system, {})
                entry[key] = rounded(figure.median(system))
                entry[key + "_ratio"] = rounded(figure.ratio("product", system))
    return found


def table(figures):
    """Lines of text: a row for each figure, a column for each system, and how the product stands to the others."""
    systems = list(dict.fromkeys(s for f in figures for s in f.systems()))
    others = [s for s in systems if s != "product"]
    head = ["", "", *systems, *(f"product/{s}" for s in others)]
    rows = [head]
    for f in figures:
        ratios = [f.ratio("product", s) for s in others]
        rows.append([f.label, f.unit, *(f.text(s) for s in systems),
                     *("" if r is None else f"{r:.2f}" for r in ratios)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for number, row in enumerate(rows):
        cells = [cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))]
        yield "  ".join(cells).rstrip()
        if number == 0:
            yield "  ".join("-" * w for w in widths)
