"""How far two masks agree. Masks are bool (height, width); every measure is symmetric and 1.0 for equal masks.

Where both masks are empty two people said the same, so the overlaps are 1.0; where only one is, they are 0.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

import cv2
import numpy as np
from skimage.morphology import skeletonize

MEASURES = ("IoU", "Dice", "Kappa", "F1", "clDice")
"""The measures of a row of `pairs`."""


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union, 0..1: |A and B| / |A or B| (Jaccard, 1912). 1.0 where both are empty."""
    union = _count(one | other)
    return _count(one & other) / union if union else 1.0


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Dice's coefficient, 0..1: 2 |A and B| / (|A| + |B|) (Dice, 1945). 1.0 where both are empty."""
    size = _count(one) + _count(other)
    return 2 * _count(one & other) / size if size else 1.0


def kappa(one: np.ndarray, other: np.ndarray) -> float:
    """Cohen's kappa over the pixels, -1..1: (p - e) / (1 - e) (Cohen, 1960).

    p: the share of pixels on which both say the same; e: that share, were both to scatter as many pixels by chance.
    nan where both are empty or both full: all of the agreement is chance then (e = 1), so 0 / 0 says nothing.
    """
    total, first, second = one.size, _count(one), _count(other)
    same = total - _count(one ^ other)
    chance = first * second + (total - first) * (total - second)  # whole numbers: e = 1 is met exactly
    if chance == total * total:
        return float("nan")
    return (same * total - chance) / (total * total - chance)


def f1(one: np.ndarray, other: np.ndarray, tolerance: float = 0.0) -> float:
    """F1 with a tolerance in pixels, 0..1; at 0 it is Dice's coefficient.

    Precision: the share of the first mask's pixels whose centre is at most `tolerance` from one of the second;
    recall: the other way round; F1: their harmonic mean. So cracks are judged where an edge is known to a few pixels
    only (Zou et al., CrackTree, Pattern Recognition Letters 33(3), 2012). 1.0 where both are empty.
    """
    if not (one.any() and other.any()):
        return float(one.any() == other.any())
    one, other = _cropped(one, other)
    precision, recall = _within(one, other, tolerance), _within(other, one, tolerance)
    return _harmonic(precision, recall)


def skeleton(mask: np.ndarray) -> np.ndarray:
    """The centre lines of a mask, bool (height, width), one pixel wide (scikit-image: Zhang and Suen, 1984)."""
    return np.asarray(skeletonize(mask), bool)


def cl_dice(one: np.ndarray, other: np.ndarray) -> float:
    """How far each mask holds the other's centre lines, 0..1; for thin cracks, whose width hardly matters then.

    Shit et al., clDice - a Novel Topology-Preserving Loss Function for Tubular Structure Segmentation, CVPR 2021:
    the harmonic mean of |S(A) and B| / |S(A)| and |S(B) and A| / |S(B)|, S the skeleton. 1.0 where both are empty.
    """
    return _cl_dice(one, skeleton(one), other, skeleton(other))


def pairs(masks: Mapping[str, np.ndarray], classes: Mapping[int, str], tolerance: float = 0.0) -> list[dict[str, Any]]:
    """Rows for a table: one for each class that somebody drew and each pair of annotators, in the order given.

    `masks`: index masks, uint8 (height, width), by annotator; `classes`: names by number. A row has "Class", "First"
    and "Second" (annotators), and the `MEASURES`; "F1" with `tolerance`, the others without.
    """
    rows = []
    for number, name in classes.items():
        layers = {who: mask == number for who, mask in masks.items()}
        drawn = [one for one in layers.values() if one.any()]
        if not drawn:
            continue
        box = _box(np.logical_or.reduce(drawn))
        small = {who: (one[box], skeleton(one[box])) for who, one in layers.items()}
        for one, other in combinations(layers, 2):
            values = (
                iou(small[one][0], small[other][0]),
                dice(small[one][0], small[other][0]),
                kappa(layers[one], layers[other]),
                f1(small[one][0], small[other][0], tolerance),
                _cl_dice(*small[one], *small[other]),
            )
            rows.append({"Class": name, "First": one, "Second": other, **dict(zip(MEASURES, values, strict=True))})
    return rows


def mean(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """The mean of each of the `MEASURES` over rows, those without a value left out; nan where none has one."""
    found = list(rows)
    means = {}
    for name in MEASURES:
        values = [row[name] for row in found if not np.isnan(row[name])]
        means[name] = float(np.mean(values)) if values else float("nan")
    return means


def by_person(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """The mean of each annotator's rows of `pairs`, with whomever they are compared, by name."""
    found = list(rows)
    names = sorted({row[side] for row in found for side in ("First", "Second")})
    return {name: mean(row for row in found if name in (row["First"], row["Second"])) for name in names}


def _count(mask: np.ndarray) -> int:
    return int(np.count_nonzero(mask))  # Python's own: products of two do not overflow


def _box(where: np.ndarray) -> tuple[slice, slice]:
    """The smallest box about the pixels that are set; there must be one."""
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _cropped(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    box = _box(one | other)
    return one[box], other[box]


def _within(these: np.ndarray, those: np.ndarray, tolerance: float) -> float:
    """The share of these pixels at most `tolerance` from one of those; neither is empty."""
    away = cv2.distanceTransform((~those).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[these]
    squared = np.rint(away.astype(float) ** 2)  # distances of pixels are roots of whole numbers
    return _count(squared <= tolerance**2) / _count(these)


def _cl_dice(one: np.ndarray, thin: np.ndarray, other: np.ndarray, other_thin: np.ndarray) -> float:
    if not (thin.any() and other_thin.any()):
        return float(thin.any() == other_thin.any())
    precision = _count(thin & other) / _count(thin)
    recall = _count(other_thin & one) / _count(other_thin)
    return _harmonic(precision, recall)


def _harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0
