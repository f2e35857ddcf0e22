"""From a mask to polygons that `cv2.fillPoly` turns into the very same pixels.

It fills by the even-odd rule and draws the outline as well, pixel by pixel. So the polygons run through the centres of
the pixels at an area's border, from one to a neighbour of it: outlines along the edges of pixels, as in
`studio.annotation.outlines`, would be drawn a pixel too far to the right and below. A line one pixel wide is a polygon
that goes there and back. Around a hole the polygon runs through the area's pixels beside it, and it gets there by a
bridge along the area's pixels, walked there and back, which is drawn but fills nothing.
"""

from __future__ import annotations

from collections import defaultdict

import cv2
import numpy as np


def borders(where: np.ndarray) -> list[np.ndarray]:
    """The border of each 8-connected area of a bool mask (height, width): whole numbers (corners, 2), x and y.

    Each is a column and a row of pixels, none twice in a row; a single pixel has one corner. Steps go along an axis or
    a diagonal. Drawn by `cv2.fillPoly`, each gives its area, and together they give the mask.
    """
    rings, hierarchy = cv2.findContours(where.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not rings:
        return []
    walks = [ring[:, 0] for ring in rings]
    outer = [int(parent) for parent in hierarchy[0][:, 3]]  # -1: it is a border around an area itself
    holes = [number for number, parent in enumerate(outer) if parent >= 0]
    begins = {hole: int(walks[hole][:, 0].argmin()) for hole in holes}
    bridges = _bridges(where, walks, outer, begins)
    # what bridges into a hole begins farther to the right than the hole does
    done: dict[int, list[np.ndarray]] = {}
    for hole in sorted(holes, key=lambda number: -walks[number][begins[number], 0]):
        pieces = _joined(walks[hole], begins[hole], bridges[hole], done)
        done[hole] = [*pieces, pieces[0][:1]]
    return [
        _straightened(np.concatenate(_joined(walks[number], 0, bridges[number], done)))
        for number, parent in enumerate(outer)
        if parent < 0
    ]


def _bridges(
    where: np.ndarray, walks: list[np.ndarray], outer: list[int], begins: dict[int, int]
) -> dict[int, list[tuple[int, int]]]:
    """For each border, which holes are joined to it: places on its walk, and the holes' numbers.

    A bridge runs to the left from a hole's leftmost pixel, along the area's pixels, to where they begin: there is
    another border, either that of the area or that of a hole that reaches farther to the left.
    """
    bridges: dict[int, list[tuple[int, int]]] = defaultdict(list)
    if not begins:
        return bridges
    padded = np.pad(where, 1)
    width = padded.shape[1]
    pixels = padded.tobytes()
    _, outside = cv2.connectedComponents((~padded).astype(np.uint8), connectivity=4)
    owner: dict[int, int] = {}  # which hole a part of the outside is
    for hole, place in begins.items():
        x, y = walks[hole][place]
        owner[int(outside[y + 1, x + 2])] = hole
    places: dict[int, dict[tuple[int, int], int]] = {}
    for hole, place in begins.items():
        x, y = (int(part) for part in walks[hole][place])
        row = (y + 1) * width
        before = pixels.rfind(b"\0", row, row + x + 2) - row
        other = owner.get(int(outside[y + 1, before]))
        target = other if other is not None and outer[other] == outer[hole] else outer[hole]
        if target not in places:
            places[target] = {pixel: at for at, pixel in enumerate(map(tuple, walks[target].tolist()))}
        bridges[target].append((places[target][before, y], hole))
    return bridges


def _joined(
    walk: np.ndarray, begin: int, bridges: list[tuple[int, int]], done: dict[int, list[np.ndarray]]
) -> list[np.ndarray]:
    """A walk from one of its places on, in pieces, with the walks of the holes that are joined to it in between."""
    ring, pieces, at = np.roll(walk, -begin, axis=0), [], 0
    for place, hole in sorted(((place - begin) % len(walk), hole) for place, hole in bridges):
        pieces += [ring[at : place + 1], *done.pop(hole)]
        at = place
    return [*pieces, ring[at:]]


def _straightened(points: np.ndarray) -> np.ndarray:
    """The corners only: not what stands twice in a row, nor what lies on the way straight on."""
    points = points[(points != np.roll(points, 1, axis=0)).any(1)] if len(points) > 1 else points
    if len(points) < 3:
        return points if len(points) else np.zeros((1, 2), int)
    ahead = np.sign(np.roll(points, -1, axis=0) - points)
    return points[(ahead != np.roll(ahead, 1, axis=0)).any(1)]
