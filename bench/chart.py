# SPDX-License-Identifier: ISC
"""Curves over a logarithmic axis as one SVG picture that can be read on a light and on a dark page."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT, COLUMNS = 460, 250, 2
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 48, 44
# Colours that stand out from white and from black, told apart also by people who see red and green alike.
COLOURS = ("#0d7dc4", "#d9730d", "#8a8f98")
DASHES = ("", "", "5 4")
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #57606a; }
.title { font-size: 13px; font-weight: 600; fill: #24292f; }
.grid { stroke: #8a8f98; stroke-opacity: .25; }
.mark { stroke: #c43c3c; stroke-dasharray: 2 4; }
.line { fill: none; stroke-width: 2; }
@media (prefers-color-scheme: dark) { text { fill: #9aa4af; } .title { fill: #e6edf3; } }
"""


class Panel:
    """lines: [(name, [(x, y)])], x from 1 on; mark: (y, name) of a line that should not be crossed."""

    def __init__(self, title, across, unit, lines, mark=None):
        self.title, self.across, self.unit, self.lines, self.mark = title, across, unit, lines, mark
        points = [point for _, line in lines for point in line]
        self.first, self.last = min(x for x, _ in points), max(x for x, _ in points)
        self.top, self.step = nice(max([y for _, y in points] + ([mark[0]] if mark else [])))

    def x(self, value):
        span = math.log10(self.last / self.first) or 1
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log10(value / self.first) / span

    def y(self, value):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top


def nice(most):
    """A round number that is not below most, and the step of its grid."""
    step = 10 ** math.floor(math.log10(max(most, 1e-9)))
    for part in (0.2, 0.5, 1, 2):
        if most <= step * part * 6:
            return math.ceil(most / (step * part)) * step * part, step * part
    return step * 10, step * 2


def short(number):
    for size, name in ((1_000_000, "M"), (1000, "k")):
        if number >= size:
            return f"{number / size:g}{name}"
    return f"{number:g}"


def text(x, y, words, anchor="start", kind="", colour=""):
    more = (f' class="{kind}"' if kind else "") + (f' style="fill:{colour}"' if colour else "")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(words)}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def draw_grid(panel):
    out, value = [], 0
    while value <= panel.top * 1.001:
        out.append(line(LEFT, panel.y(value), WIDTH - RIGHT, panel.y(value), "grid"))
        out.append(text(LEFT - 6, panel.y(value) + 4, f"{value:,.4g}", "end"))
        value = round(value + panel.step, 10)
    for x in sorted({x for _, points in panel.lines for x, _ in points}):
        out.append(line(panel.x(x), panel.y(0), panel.x(x), panel.y(0) + 4, "grid"))
        out.append(text(panel.x(x), HEIGHT - BOTTOM + 17, short(x), "middle"))
    out.append(text(WIDTH - RIGHT, HEIGHT - 8, panel.across, "end"))
    out.append(text(LEFT - 6, TOP - 12, panel.unit, "end"))
    if panel.mark:
        out.append(line(LEFT, panel.y(panel.mark[0]), WIDTH - RIGHT, panel.y(panel.mark[0]), "mark"))
        out.append(text(LEFT + 6, panel.y(panel.mark[0]) - 5, panel.mark[1]))
    return out


def draw_panel(panel):
    out, at = [text(LEFT, 18, panel.title, kind="title"), *draw_grid(panel)], LEFT
    for number, (name, points) in enumerate(panel.lines):
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        path = " ".join(f"{panel.x(x):.1f},{panel.y(y):.1f}" for x, y in points)
        out.append(f'<polyline class="line" stroke="{colour}" stroke-dasharray="{dash}" points="{path}"/>')
        out += [f'<circle cx="{panel.x(x):.1f}" cy="{panel.y(y):.1f}" r="3" fill="{colour}">'
                f"<title>{escape(name)}: {x:,} {escape(panel.across)}, {y:,.4g} {escape(panel.unit)}</title></circle>"
                for x, y in points]
        out.append(text(at, 36, name, colour=colour))
        at += 18 + 6.3 * len(name)
    return out


def draw(panels):
    rows = math.ceil(len(panels) / COLUMNS)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * COLUMNS} {HEIGHT * rows}"'
           f' width="{WIDTH * COLUMNS}" height="{HEIGHT * rows}" role="img">', f"<style>{STYLE}</style>"]
    for number, panel in enumerate(panels):
        at = number % COLUMNS * WIDTH, number // COLUMNS * HEIGHT
        out += [f'<g transform="translate({at[0]} {at[1]})">', *draw_panel(panel), "</g>"]
    return "\n".join(out + ["</svg>"]) + "\n"
