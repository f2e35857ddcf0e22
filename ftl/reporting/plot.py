"""Charts of points and lines over two axes, as shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ftl.evaluation.charts import INK
from ftl.formatting import fixed, number
from ftl.reporting.shapes import Drawing, Line, Outline, Point, Shape, Words, rectangle, symbol, text_width

WIDE, HALF = (500.0, 250.0), (244.0, 180.0)
"""Sizes of charts: as wide as a page, and two beside each other."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 8.0, 24.0, 34.0
_GRID = "#e5e7eb"
_LEGEND = 15.0  # points a row


class Axis(NamedTuple):
    """What is shown along it."""

    title: str
    is_log: bool = False


class Dot(NamedTuple):
    """A point, how far its intervals reach, its name beside it (or ""), and what a mouse over it shows."""

    x: float
    y: float
    xs: tuple[float, float] | None = None
    ys: tuple[float, float] | None = None
    name: str = ""
    hint: str = ""


class Group(NamedTuple):
    """Points that look the same. `symbol`: of `ftl.reporting.shapes.symbol`; `line`: solid, dashed or none ("")."""

    title: str
    dots: tuple[Dot, ...]
    symbol: str = "circle"
    colour: str = INK
    radius: float = 3.5
    is_filled: bool = True
    line: str = ""


class Level(NamedTuple):
    """A line across the chart at a height, with what it is."""

    y: float
    text: str
    colour: str


def plot(
    title: str, x: Axis, y: Axis, groups: Sequence[Group], level: Level | None = None, size: Point = WIDE
) -> Drawing:
    """Draw groups of points from back to front, with a legend where there are several. `size`: `WIDE` or `HALF`."""
    width, height = size
    groups = [group._replace(dots=tuple(filter(_can_be_drawn(x, y), group.dots))) for group in groups]
    groups = [group for group in groups if group.dots]
    dots = [dot for group in groups for dot in group.dots]
    heights = [level.y] if level else []
    along = _scale(x, [v for dot in dots for v in (dot.x, *(dot.xs or ()))], _LEFT, width - _RIGHT)
    up = _scale(y, [*heights, *(v for dot in dots for v in (dot.y, *(dot.ys or ())))], height - _BOTTOM, _TOP)
    shapes: list[Shape] = [Words(_LEFT, 14, title, INK, 12), *_frame(x, y, along, up, size)]
    if level:
        at = up.place(level.y)
        shapes += [Line(((_LEFT, at), (width - _RIGHT, at)), level.colour),
                   Words(width - _RIGHT, at - 4, level.text, level.colour, 9, "end")]  # fmt: skip
    for group in groups:
        shapes += _drawn(group, along.place, up.place)
    named = {dot.name: (along.place(dot.x), up.place(dot.y)) for dot in dots if dot.name}
    shapes += _names(named, width)
    legend, rows = _legend(groups, size) if len(groups) > 1 else ([], 0)
    return Drawing(width, height + rows * _LEGEND, (*shapes, *legend), title)


def _can_be_drawn(x: Axis, y: Axis) -> Callable[[Dot], bool]:
    def check(dot: Dot) -> bool:
        there = all(map(math.isfinite, (dot.x, dot.y)))
        return there and not (x.is_log and dot.x <= 0) and not (y.is_log and dot.y <= 0)

    return check


class _Scale(NamedTuple):
    """Where a value stands along an axis, and the values that are written there."""

    place: Callable[[float], float]
    ticks: dict[float, str]


def _scale(axis: Axis, values: Sequence[float], start: float, end: float) -> _Scale:
    known = [value for value in values if math.isfinite(value) and not (axis.is_log and value <= 0)] or [1.0]
    low, high = min(known), max(known)
    if axis.is_log:
        low, high = math.log10(low), math.log10(high)
        reach = max(0.05 * (high - low), 0.05)
        ticks = {value: number(value) for value in _log_ticks(low - reach, high + reach)}
    else:
        reach = max(0.06 * (high - low), 0.005 * abs(high), 1e-9)
        ticks = _ticks(low - reach, high + reach)
    low, high = low - reach, high + reach

    def place(value: float) -> float:
        at = math.log10(max(value, 1e-300)) if axis.is_log else value
        return start + (end - start) * (min(max(at, low), high) - low) / (high - low)

    return _Scale(place, ticks)


def _ticks(low: float, high: float) -> dict[float, str]:
    """Round values between two, five or so, with as many decimals as their steps need."""
    rough = (high - low) / 5
    power = math.floor(math.log10(rough))
    step = next(factor * 10.0**power for factor in (1, 2, 5, 10) if factor * 10.0**power >= rough)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    values = (step * index for index in range(math.ceil(low / step), math.floor(high / step) + 1))
    return {value: fixed(value, decimals) for value in values}


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each power of ten between two logarithms; only 1 over many powers, more over few."""
    digits = [1] if high - low > 4 else [1, 2, 5] if high - low > 0.7 else [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9]
    powers = range(math.floor(low), math.ceil(high) + 1)
    found = [digit * 10.0**power for power in powers for digit in digits]
    return [value for value in found if low <= math.log10(value) <= high]


def _frame(x: Axis, y: Axis, along: _Scale, up: _Scale, size: Point) -> list[Shape]:
    """Grid lines with their values, and the titles of the axes."""
    bottom, right, shapes = size[1] - _BOTTOM, size[0] - _RIGHT, list[Shape]()
    for value, text in along.ticks.items():
        at = along.place(value)
        shapes += [Line(((at, _TOP), (at, bottom)), _GRID), Words(at, bottom + 12, text, INK, 9, "middle")]
    for value, text in up.ticks.items():
        at = up.place(value)
        shapes += [Line(((_LEFT, at), (right, at)), _GRID), Words(_LEFT - 5, at + 3, text, INK, 9, "end")]
    middle = (_LEFT + right) / 2
    shapes += [Words(middle, size[1] - 7, x.title, INK, 10, "middle"),
               Words(12, (_TOP + bottom) / 2, y.title, INK, 10, "middle", is_turned=True)]  # fmt: skip
    return shapes


def _drawn(group: Group, along: Callable[[float], float], up: Callable[[float], float]) -> list[Shape]:
    shapes = list[Shape]()
    if group.line:
        path = tuple((along(dot.x), up(dot.y)) for dot in group.dots)
        shapes.append(Line(path, group.colour, 1.3, group.line == "dashed"))
    for dot in group.dots:
        x, y = along(dot.x), up(dot.y)
        if dot.xs:
            shapes.append(Line(((along(dot.xs[0]), y), (along(dot.xs[1]), y)), group.colour))
        if dot.ys:
            shapes.append(Line(((x, up(dot.ys[0])), (x, up(dot.ys[1]))), group.colour))
    return shapes + [_mark(group, along(dot.x), up(dot.y), dot.hint) for dot in group.dots]


def _mark(group: Group, x: float, y: float, hint: str = "") -> Outline:
    outline = symbol(group.symbol, x, y, group.radius)
    fill, stroke = (group.colour, "#ffffff") if group.is_filled else ("", group.colour)
    return Outline(outline, fill, stroke, hint)


def _names(named: dict[str, Point], across: float) -> list[Shape]:
    """Names beside their points, those left out that would stand on another's."""
    taken, shapes = list[tuple[float, float, float]](), list[Shape]()
    for name, (x, y) in named.items():
        width = text_width(name, 8)
        left = x + 8 if x + 8 + width < across else x - 8 - width
        if all(abs(y - above) > 10 or left > end or left + width < begin for begin, end, above in taken):
            taken.append((left, left + width, y))
            shapes.append(Words(left, y - 5, name, INK, 8))
    return shapes


def _legend(groups: Sequence[Group], size: Point) -> tuple[list[Shape], int]:
    """Marks and titles in rows below the chart, and how many rows."""
    shapes, x, row = list[Shape](), _LEFT, 0
    for group in groups:
        width = 34 + text_width(group.title, 9)
        if x + width > size[0] and x > _LEFT:
            x, row = _LEFT, row + 1
        y = size[1] + 6 + row * _LEGEND
        line = [Line(((x - 8, y), (x + 8, y)), group.colour, 1.3, group.line == "dashed")] if group.line else []
        shapes += [*line, _mark(group._replace(radius=min(group.radius, 5)), x, y),
                   Words(x + 12, y + 3, group.title, INK, 9)]  # fmt: skip
        x += width
    return shapes, row + 1


def heat_map(title: str, rows: Sequence[str], columns: Sequence[str], shares: Sequence[Sequence[float]],
             texts: Sequence[Sequence[str]]) -> Drawing:  # fmt: skip
    """Cells shaded by shares 0..1 with a text in each, rows from above; columns are numbered, `columns` their names."""
    left = min(160.0, 14 + max(text_width(name, 9) for name in rows))
    width, height = (WIDE[0] - left - _RIGHT) / max(1, len(columns)), 16.0
    shapes: list[Shape] = [Words(_RIGHT, 14, title, INK, 12)]
    for at, name in enumerate(rows):
        y = _TOP + at * height
        shapes.append(Words(left - 6, y + 11, name, INK, 9, "end"))
        for index, (share, text) in enumerate(zip(shares[at], texts[at], strict=True)):
            box = rectangle(left + index * width, y, width, height)
            shapes.append(Outline(box, shade(share), "#ffffff", f"{name}, {columns[index]}: {text}"))
            if text_width(text, 8) < width:
                shapes.append(Words(left + (index + 0.5) * width, y + 11, text, INK, 8, "middle"))
    bottom = _TOP + len(rows) * height
    step = max(1, math.ceil(16 / width))
    shapes += [Words(left + (index + 0.5) * width, bottom + 11, str(index + 1), INK, 8, "middle")
               for index in range(0, len(columns), step)]  # fmt: skip
    shapes.append(Words((left + WIDE[0] - _RIGHT) / 2, bottom + 26, "layer", INK, 10, "middle"))
    return Drawing(WIDE[0], bottom + 34, tuple(shapes), title)


def shade(share: float) -> str:
    """A colour from white to orange, which dark letters can be read on, for a share 0..1."""
    share = min(max(share, 0.0), 1.0)
    parts = (round(255 + share * (end - 255)) for end in (0xF5, 0x9A, 0x5B))
    return "#" + "".join(f"{part:02x}" for part in parts)
