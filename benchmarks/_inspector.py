"""A simulated inspector: cracks with their true masks, and where a hand would click, brush, or say yes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from skimage.graph import MCP
from skimage.morphology import skeletonize

from benchmarks._material import SHARED
from ftl.data.images import read_image
from studio.annotation.strokes import Brush
from studio.annotation.threshold import Component

TOLERANCE = 2.0  # pixels
HAND = 1.0  # pixels: the spread of a click about where it was meant
BRUSH, UNSTEADY = 14.0, 2.0  # pixels: a wide brush's width, and its spread about the crack
SHORTEST, APART = 15, 40  # pixels: of a branch that is traced; between clicks
Score = tuple[float, float]


class Photograph(NamedTuple):
    name: str
    image: np.ndarray
    truth: np.ndarray


def photographs(name: str, judged: bool) -> Iterator[Photograph]:
    """Of every three walls one is for choosing, the other two are judged."""
    folder = SHARED / "data" / name
    files = sorted((folder / "images").iterdir())
    cut = "_" if name == "masonry" else "-"
    walls = sorted({file.stem.rsplit(cut, 1)[0] for file in files})
    for file in files:
        if (walls.index(file.stem.rsplit(cut, 1)[0]) % 3 > 0) == judged:
            mask = next((folder / "masks").glob(f"{file.stem}.*"))
            truth = read_mask(mask)
            if truth.any():
                yield Photograph(file.stem, read_image(file), truth)


def read_mask(file: Path) -> np.ndarray:
    """Where a mask is white, bool (H, W)."""
    grey = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    assert grey is not None, file
    return np.asarray(grey > 127)


def scores(got: np.ndarray, truth: np.ndarray) -> Score:
    """IoU, and F1 where a pixel counts as right within the tolerance of the other mask."""
    if not got.any():
        return 0.0, 0.0
    iou = float((got & truth).sum() / (got | truth).sum())
    precision = float((distance(truth)[got] <= TOLERANCE).mean())
    recall = float((distance(got)[truth] <= TOLERANCE).mean())
    return iou, 2 * precision * recall / max(precision + recall, 1e-9)


def distance(where: np.ndarray) -> np.ndarray:
    """How far each pixel is from the nearest one of a mask, in pixels."""
    return cv2.distanceTransform((~where).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def branches(truth: np.ndarray) -> list[np.ndarray]:
    """The crack's branches, longest first in each part of it: rows and columns (n, 2) along the mask's skeleton."""
    left, found = [skeletonize(truth)], list[np.ndarray]()
    while left:
        count, labels = cv2.connectedComponents(left.pop().astype(np.uint8), connectivity=8)
        for number in range(1, count):
            part = labels == number
            if (part.sum() < SHORTEST) and found:
                continue
            line = longest_way(part)
            found.append(line)
            on = np.zeros(truth.shape, bool)
            on[line[:, 0], line[:, 1]] = True
            left.append(part & (distance(on) > 5))
    return found


def longest_way(part: np.ndarray) -> np.ndarray:
    """The way between the two ends of a skeleton that are farthest from each other along it."""
    cost = np.where(part, 1.0, -1.0)
    start = np.argwhere(part)[0]
    for _ in range(2):
        walk = MCP(cost)
        costs, _ = walk.find_costs([start])
        costs[~np.isfinite(costs)] = -1
        start = np.unravel_index(int(costs.argmax()), costs.shape)
    return np.array(walk.traceback(start))


def clicks(line: np.ndarray, rng: np.random.Generator, shape: tuple[int, int], ends: bool) -> np.ndarray:
    """x and y of clicks along a branch: its ends, or one about every 40 pixels."""
    count = 2 if ends else max(2, round(len(line) / APART) + 1)
    at = line[np.linspace(0, len(line) - 1, count).round().astype(int)][:, ::-1] + 0.5
    return np.clip(at + rng.normal(0, HAND, at.shape), 0.5, np.array(shape[::-1]) - 0.5)


def brushed(line: np.ndarray, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """The pixels of a wide stroke along a branch, its hand unsteady about every ten pixels."""
    at = line[np.linspace(0, len(line) - 1, max(2, len(line) // 10)).round().astype(int)][:, ::-1] + 0.5
    stroke = Brush("", 1, {"points": at + rng.normal(0, UNSTEADY, at.shape), "width": BRUSH})
    box, inside = stroke.cover(*shape)
    where = np.zeros(shape, bool)
    where[box] = inside
    return where


def accepted(areas: list[Component], truth: np.ndarray) -> np.ndarray:
    """What an inspector keeps of areas: those that lie for the larger part within the tolerance of the crack."""
    near, kept = distance(truth) <= TOLERANCE, np.zeros(truth.shape, bool)
    for area in areas:
        on = area.on(*truth.shape)
        if near[on].mean() > 0.5:
            kept |= on
    return kept


def all_of(areas: list[Component], shape: tuple[int, int]) -> np.ndarray:
    where = np.zeros(shape, bool)
    for area in areas:
        where[area.place] |= area.inside
    return where
