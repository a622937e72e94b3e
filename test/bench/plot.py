# SPDX-License-Identifier: Apache-2.0
"""Figures as an SVG of bars that needs nothing besides itself: a panel for each unit, a group for each figure, a bar
for each system, whiskers from the slowest round to the fastest."""
from xml.sax.saxutils import escape

COLOURS = {"product": "#1f6feb", "ceiling": "#8c959f", "ocserv": "#d4762c", "openvpn": "#2d9a55",
           "wireguard-go": "#a33ea1", "rte_lpm": "#8c959f"}
WIDTH = 960
LEFT, RIGHT = 24, 24
TITLE_HEIGHT = 64
PANEL_HEIGHT = 190
PLOT_HEIGHT = 120
BAR_MAX = 46


def text(x, y, content, size=12, anchor="middle", weight="normal", colour="#24292f"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" '
            f'fill="{colour}">{escape(content)}</text>')


def rect(x, y, width, height, colour):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}" rx="2"/>'


def line(x1, y1, x2, y2, colour="#24292f"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def short(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def bars(figure, left, width, base, scale):
    """A group: one bar for each system that has this figure, its median on top."""
    systems = figure.systems()
    step = min(BAR_MAX, width * 0.8 / len(systems))
    x = left + (width - step * len(systems)) / 2
    for system in systems:
        values = figure.rounds[system]
        middle = figure.median(system)
        top = base - middle * scale
        yield rect(x + 1, top, step - 2, middle * scale, COLOURS.get(system, "#57606a"))
        if len(values) > 1:
            centre = x + step / 2
            yield line(centre, base - min(values) * scale, centre, base - max(values) * scale)
        yield text(x + step / 2, min(top, base - max(values) * scale) - 4, short(middle), 10)
        x += step
    yield text(left + width / 2, base + 16, figure.label, 11)


def panel(figures, top):
    highest = max(max(values) for f in figures for values in f.rounds.values())
    base = top + 36 + PLOT_HEIGHT
    group = (WIDTH - LEFT - RIGHT) / len(figures)
    direction = "less is better" if figures[0].lower else "more is better"
    yield text(LEFT, top + 10, f"{figures[0].unit} ({direction})", 12, "start", "bold")
    yield line(LEFT, base, WIDTH - RIGHT, base, "#d0d7de")
    for number, figure in enumerate(figures):
        yield from bars(figure, LEFT + number * group, group, base, PLOT_HEIGHT / highest)


def legend(systems):
    x = LEFT
    for system in systems:
        yield rect(x, 40, 12, 12, COLOURS.get(system, "#57606a"))
        yield text(x + 18, 50, system, 12, "start")
        x += 34 + 8 * len(system)


def panels_of(figures):
    """Figures of the same unit stand side by side; one that is zero throughout has no bar to show."""
    by_unit = {}
    for figure in (f for f in figures if any(map(any, f.rounds.values()))):
        by_unit.setdefault((figure.unit, figure.lower), []).append(figure)
    return list(by_unit.values())


def svg(figures, title):
    panels = panels_of(figures)
    height = TITLE_HEIGHT + PANEL_HEIGHT * len(panels)
    systems = list(dict.fromkeys(s for f in figures for s in f.systems()))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
             f'height="{height}" font-family="system-ui, sans-serif">',
             rect(0, 0, WIDTH, height, "#ffffff"), text(LEFT, 26, title, 15, "start", "bold"), *legend(systems)]
    for number, group in enumerate(panels):
        parts += panel(group, TITLE_HEIGHT + number * PANEL_HEIGHT)
    return "\n".join([*parts, "</svg>", ""])
