"""What charts are made of: lines, filled outlines and words, drawn the same in HTML and in PDF.

Coordinates are points, to the right and down from the upper left corner.
"""

from __future__ import annotations

import math
from typing import NamedTuple

Point = tuple[float, float]


class Line(NamedTuple):
    """A line through points."""

    points: tuple[Point, ...]
    colour: str
    width: float = 1.0
    is_dashed: bool = False


class Outline(NamedTuple):
    """A closed shape through points; a colour of "" is none. `hint`: what a mouse over it shows, where there is one."""

    points: tuple[Point, ...]
    fill: str = ""
    stroke: str = ""
    hint: str = ""


class Words(NamedTuple):
    """A line of text; `anchor` (start, middle, end) is what of it stands at (x, y), on the baseline."""

    x: float
    y: float
    text: str
    colour: str
    size: float = 10.0
    anchor: str = "start"
    is_turned: bool = False


Shape = Line | Outline | Words


class Drawing(NamedTuple):
    """A chart: its size in points, its shapes from back to front, and its title."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str


def rectangle(left: float, top: float, width: float, height: float) -> tuple[Point, ...]:
    """The corners of one."""
    return (left, top), (left + width, top), (left + width, top + height), (left, top + height)


def symbol(kind: str, x: float, y: float, radius: float) -> tuple[Point, ...]:
    """The outline of a circle, square, diamond, triangle or star around a point."""
    corners, turn, inner = {
        "circle": (24, 0.0, 1.0),
        "square": (4, 0.25, 1.0),
        "diamond": (4, 0.0, 1.0),
        "triangle": (3, 0.0, 1.0),
        "star": (10, 0.0, 0.42),
    }[kind]
    radii = [radius * (inner if number % 2 else 1.0) for number in range(corners)]
    angles = [2 * math.pi * (number / corners + turn / 2) for number in range(corners)]
    return tuple((x + r * math.sin(a), y - r * math.cos(a)) for r, a in zip(radii, angles, strict=True))


def text_width(text: str, size: float) -> float:
    """About how wide a line of text is, in any sans-serif letters."""
    return 0.58 * size * len(text)
