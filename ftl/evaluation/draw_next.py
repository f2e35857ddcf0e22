"""What to draw next: how unsure a network is of a photograph, how unlike the drawn ones it is, and an order by both."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from ftl.data.images import resize_image

if TYPE_CHECKING:
    from ftl.models.segmenter import Segmenter

UNSURE_SHARE = 0.05
"""The most uncertain share of a photograph's pixels, whose entropies are averaged: defects are thin."""

_HASH_SIDE = 16
SAME_BITS = 40
"""Of the 256 bits of a `fingerprint`, how many may differ between near-duplicates."""

_CELLS, _DIRECTIONS = 4, 8  # a descriptor's cells along each side, and the directions of edges that it tells apart
_SIDE = 128


def uncertainty(probabilities: np.ndarray) -> float:
    """The mean entropy of the most uncertain `UNSURE_SHARE` of the pixels, 0 (sure) to 1 (all classes equally likely).

    `probabilities`: float (classes + 1, H, W), the background first, as `ftl.models.tiling.segment` gives them.
    """
    entropy = -(probabilities * np.log(probabilities.clip(1e-12))).sum(0).ravel() / np.log(len(probabilities))
    count = max(1, round(UNSURE_SHARE * entropy.size))
    return float(np.clip(np.partition(entropy, entropy.size - count)[-count:].mean(), 0, 1))


def level_means(model: Segmenter, image: np.ndarray) -> np.ndarray:
    """Features of a photograph: the means of the encoder's maps at each level, each level of length 1; float32 (d,).

    `image`: RGB uint8 (H, W, 3). It is resized to the network's own size.
    """
    import torch  # here, for whoever compares photographs without a network need not load it

    network = model.network
    with torch.inference_mode():
        maps = model.maps(network.inputs([resize_image(image, network.preprocess.size)]))
        return _levels([level[0].mean((1, 2)).cpu().numpy() for level in maps])


def describe(image: np.ndarray) -> np.ndarray:
    """Features of a photograph without any network: colours and directions of edges in 4 x 4 cells; float32 (208,).

    `image`: RGB uint8 (H, W, 3). Histograms of oriented gradients (Dalal and Triggs 2005) beside mean and spread of the
    brightness and two opponent colours, each of the two of length 1.
    """
    small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32) / 255
    down, right = np.gradient(lab[..., 0])
    direction = (np.arctan2(down, right) % np.pi / np.pi * _DIRECTIONS).astype(int) % _DIRECTIONS
    strength = np.hypot(down, right)[..., None] * np.eye(_DIRECTIONS, dtype=np.float32)[direction]
    edges = np.sqrt(_cells(strength).mean(1))
    colours = _cells(lab)
    return _levels([edges.ravel(), np.concatenate([colours.mean(1)[:, 1:] - 0.5, colours.std(1)], 1).ravel()])


def _cells(maps: np.ndarray) -> np.ndarray:
    """Pixels (side, side, c) by cell, (cells, pixels of a cell, c)."""
    step = len(maps) // _CELLS
    split = maps.reshape(_CELLS, step, _CELLS, step, -1).swapaxes(1, 2)
    return split.reshape(_CELLS**2, step**2, -1)


def _levels(parts: list[np.ndarray]) -> np.ndarray:
    """Vectors one after the other, each of length 1, so that each counts the same."""
    return np.concatenate([part / max(float(np.linalg.norm(part)), 1e-12) for part in parts]).astype(np.float32)


def fingerprint(image: np.ndarray) -> np.ndarray:
    """Where an image gets brighter from left to right, in 16 x 16 places: bool (256,). It outlives new sizes and JPEG.

    `image`: RGB uint8 (H, W, 3). Known as difference hash.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_HASH_SIDE + 1, _HASH_SIDE), interpolation=cv2.INTER_AREA).astype(np.int16)
    return (small[:, 1:] > small[:, :-1]).ravel()


def near_duplicates(fingerprints: np.ndarray) -> np.ndarray:
    """The group of each photograph, int64 (N,): the index of the first one that it hardly differs from, else its own.

    `fingerprints`: bool (N, 256). At most `SAME_BITS` may differ from the group's first.
    """
    groups = np.arange(len(fingerprints))
    packed = np.packbits(fingerprints, axis=1)
    for index in range(len(packed)):
        if groups[index] == index:
            near = np.bitwise_count(packed[index + 1 :] ^ packed[index]).sum(1) <= SAME_BITS
            later = index + 1 + np.flatnonzero(near)
            groups[later[groups[later] == later]] = index
    return groups


class Next(NamedTuple):
    """A photograph to draw, by its index.

    `distance`: to the nearest one that is drawn or comes earlier; infinite for a first one.
    """

    photograph: int
    distance: float


def order(
    features: np.ndarray,
    drawn: Collection[int],
    count: int,
    *,
    weights: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> list[Next]:
    """At most `count` photographs that are not drawn, in the order in which to draw them: greedy k-centre.

    Each is the one farthest from all that are drawn or were chosen before (Sener and Savarese 2018, Active learning for
    convolutional neural networks: a core-set approach, ICLR). Where none is drawn, the first is that nearest the mean.
    Of equals the first one in the list comes first.

    Args:
        features: float (N, d), whose Euclidean distances say how unlike photographs are.
        drawn: indices of photographs with masks.
        weights: (N,), at least 0, by which distances are multiplied: the `uncertainty` of each.
        groups: of near-duplicates, int (N,). One of a group that is drawn or was chosen leaves the others to the end.
    """
    features = np.asarray(features, np.float64)
    weights = np.ones(len(features)) if weights is None else np.asarray(weights, np.float64)
    groups = np.arange(len(features)) if groups is None else groups
    distances, left = np.full(len(features), np.inf), np.ones(len(features), bool)
    left[list(drawn)] = False
    fresh = left & ~np.isin(groups, groups[~left])
    for index in drawn:
        distances = np.minimum(distances, _distances(features, index))
    chosen: list[Next] = []
    while len(chosen) < count and left.any():
        among = fresh if fresh.any() else left
        if np.isinf(distances).all():
            gains = -np.linalg.norm(features - features.mean(0), axis=1)
        else:
            gains = distances * weights
        index = int(np.where(among, gains, -np.inf).argmax())
        chosen.append(Next(index, float(distances[index])))
        left[index] = False
        fresh &= groups != groups[index]
        distances = np.minimum(distances, _distances(features, index))
    return chosen


def _distances(features: np.ndarray, index: int) -> np.ndarray:
    return np.linalg.norm(features - features[index], axis=1)
