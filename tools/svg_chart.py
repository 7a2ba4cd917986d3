"""A line chart as SVG: logarithmic x axis, linear or logarithmic y axis, a legend. For tools/growth.py."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 40, 50
COLOURS = ("#1f5fa8", "#c0392b", "#2e8b57", "#8e5ea2", "#b8860b")
GREY, INK = "#d8d8d8", "#222"


def ticks_log(low, high, base):
    first, last = (round(math.log(v, base)) for v in (low, high))
    step = max(1, -(-(last - first + 1) // 12))
    return [base ** e for e in range(first, last + 1, step)]


def ticks_linear(high):
    step = 10 ** math.floor(math.log10(high))
    step = next(step * f for f in (0.1, 0.2, 0.5, 1, 2) if high / (step * f) <= 8)
    return [step * k for k in range(math.ceil(high / step) + 1)]


def label(v):
    for unit, size in (("M", 1 << 20), ("K", 1 << 10)):
        if v >= size and v % size == 0:
            return f"{v // size}{unit}"
    return f"{v:g}"


class Axis:
    """Value to pixel, by the logarithm when there is a base."""

    def __init__(self, ticks, base, begin, end):
        self.ticks, self.base, self.begin, self.end = ticks, base, begin, end

    def at(self, v):
        f = math.log if self.base else float
        low, high = f(self.ticks[0]), f(self.ticks[-1])
        return self.begin + (f(v) - low) / (high - low) * (self.end - self.begin)


def axes(series, log_y):
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    y = ticks_linear(max(ys))
    if log_y:
        y = [10.0 ** e for e in range(math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys))) + 1)]
    x = ticks_log(min(xs), max(xs), 2)
    if x[-1] < max(xs):
        x.append(max(xs))
    return (Axis(x, 2, LEFT, WIDTH - RIGHT), Axis(y, 10 if log_y else None, HEIGHT - BOTTOM, TOP))


def text(x, y, words, anchor="middle", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(words)}</text>'


def line_chart(title, x_title, y_title, series, log_y=False):
    """`series` is a dict of name: [(x, y), ...], x being positive. The SVG as text."""
    xa, ya = axes(series, log_y)
    middle = (LEFT + WIDTH - RIGHT) / 2
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
           f'font-family="sans-serif" font-size="12" fill="{INK}">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           text(middle, 22, title, more=' font-size="15"'), text(middle, HEIGHT - 10, x_title),
           text(0, 0, y_title, more=f' transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2:.1f}) rotate(-90)"')]
    for v in xa.ticks:
        x = xa.at(v)
        out += [f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="{GREY}"/>', text(x, HEIGHT - BOTTOM + 18, label(v))]
    for v in ya.ticks:
        y = ya.at(v)
        out += [f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GREY}"/>', text(LEFT - 6, y + 4, f"{v:g}", "end")]
    for n, (name, points) in enumerate(series.items()):
        colour, key = COLOURS[n % len(COLOURS)], TOP + 14 + 20 * n
        at = [(xa.at(x), ya.at(y)) for x, y in points]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
        out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in at]
        out += [f'<path d="M{WIDTH - RIGHT + 14} {key}h22" stroke="{colour}" stroke-width="2"/>',
                text(WIDTH - RIGHT + 42, key + 4, name, "start")]
    return "\n".join([*out, "</svg>"]) + "\n"
