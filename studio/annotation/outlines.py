"""From a mask to polygons that give the very same pixels back.

The polygons run along the edges of pixels, so their corners are whole numbers and lie half a pixel from every pixel's
centre. A hole is joined to what surrounds it by a bridge, walked there and back: under the even-odd rule it cancels.
Holes are walked around the other way than areas, so that programs that count windings see them too.
Pixels that touch at a corner only belong to one polygon, for a thin crack should not fall apart into pixels.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np


def outlines(where: np.ndarray) -> list[np.ndarray]:
    """The outline of each 8-connected area of a bool mask (height, width): whole numbers (corners, 2), x and y.

    Filled by the even-odd rule at pixel centres, each gives its area, and together they give the mask.
    """
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    if not len(rows):
        return []
    part = where[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    padded = np.pad(np.asarray(part, bool), 1)
    rings = _trace(padded)
    _bridge(rings, padded)
    corner = np.array([columns[0], rows[0]])
    return [_polygon(rings, start) + corner for start in rings.outer]


class _Rings(NamedTuple):
    """Closed walks over corners. `x`, `y`: of each corner; `after`, `before`: its neighbours on the walk.

    `tops`: the upper ends of all vertical edges, by x, then y; `across`: the other end of a corner's vertical edge.
    `outer`: a corner of each walk around an area; `holes`: of each walk around a hole, its leftmost corner.
    """

    x: list[int]
    y: list[int]
    after: list[int]
    before: list[int]
    tops: np.ndarray
    across: list[int]
    outer: list[int]
    holes: list[int]


def _trace(padded: np.ndarray) -> _Rings:
    a, b, c, d = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]  # the pixels around each point
    touching = (a == d) & (b == c) & (a != b)  # two pixels that share this point only: two walks turn here
    y, x = np.nonzero((a ^ b ^ c ^ d) | touching)
    twice = touching[y, x]
    times = 1 + twice
    second = np.zeros(times.sum(), bool)
    second[np.cumsum(times)[twice] - 1] = True
    y, x, twice = np.repeat(y, times), np.repeat(x, times), np.repeat(twice, times)
    # In reading order the corners of a row pair up as ends of its horizontal edges, and so do those of a column. Where
    # two walks turn, the first corner has the edge to the left; it goes on around the pixel that is outside.
    down = np.where(twice, second ^ a[y, x], c[y, x] != d[y, x])
    order = np.lexsort((down, y, x))
    partner = np.empty(len(order), np.int64)
    partner[order[0::2]], partner[order[1::2]] = order[1::2], order[0::2]
    across = partner.tolist()
    inside = d[y, x].tolist()  # a walk's first corner in reading order is an upper left one
    leftness = (x * padded.shape[0] + y).tolist()
    after, before = [0] * len(across), [0] * len(across)
    seen = bytearray(len(across))
    outer: list[int] = []
    holes: list[int] = []
    for start in range(len(across)):
        if seen[start]:
            continue
        at = leftmost = start
        ahead, behind = (after, before) if inside[start] else (before, after)  # around a hole the other way
        while not seen[at]:
            end = at ^ 1
            turn = across[end]
            seen[at] = seen[end] = 1
            ahead[at], behind[end], ahead[end], behind[turn] = end, at, turn, end
            if leftness[end] < leftness[leftmost]:
                leftmost = end
            if leftness[at] < leftness[leftmost]:
                leftmost = at
            at = turn
        if inside[start]:
            outer.append(start)
        else:
            holes.append(leftmost)
    return _Rings(x.tolist(), y.tolist(), after, before, order[0::2], across, outer, holes)


def _bridge(rings: _Rings, padded: np.ndarray) -> None:
    """Join each hole with what is left of it, in the given walks.

    A bridge runs along the area's pixels, to the edge where they begin. That edge is another walk's, which reaches
    farther left, so that all holes end up in a walk around an area.
    """
    if not rings.holes:
        return
    x, y, after, before = rings.x, rings.y, rings.after, rings.before
    width, height = padded.shape[1], padded.shape[0]
    pixels = padded.tobytes()
    begins = []
    for hole in rings.holes:
        row = (y[hole] + 1) * width
        begins.append(pixels.rfind(b"\0", row, row + x[hole] + 1) - row)
    at_y = np.array([y[hole] for hole in rings.holes])
    keys = np.array(x)[rings.tops] * height + np.array(y)[rings.tops]
    edges = np.searchsorted(keys, np.array(begins) * height + at_y, side="right") - 1
    tops = rings.tops[edges].tolist()
    falling = [after[top] == rings.across[top] for top in tops]
    along = np.where(falling, at_y, -at_y)  # several bridges on an edge come in the order of the walk
    last: dict[int, int] = {}
    for number in np.lexsort((along, edges)).tolist():
        hole, top = rings.holes[number], tops[number]
        start = last.get(top, top if falling[number] else rings.across[top])
        land, back, leave = len(x), len(x) + 1, len(x) + 2
        x += [begins[number], x[hole], begins[number]]
        y += [y[hole]] * 3
        walk = [start, land, hole], [before[hole], back, leave, after[start]]
        after += [0] * 3
        before += [0] * 3
        for nodes in walk:
            for first, then in pairwise(nodes):
                after[first], before[then] = then, first
        last[top] = leave


def _polygon(rings: _Rings, start: int) -> np.ndarray:
    nodes = [start]
    while (node := rings.after[nodes[-1]]) != start:
        nodes.append(node)
    points = np.array([[rings.x[node], rings.y[node]] for node in nodes])
    return points[(points != np.roll(points, 1, axis=0)).any(1)]
