"""Every photograph seen by a segmenter that was not trained on it nor on another crop of its photo."""

from __future__ import annotations

import numpy as np

from ftl.config import SegmentConfig
from ftl.data.segmentation import LEAST_PHOTOS, SegmentationSet, photos_of
from ftl.errors import FtlError
from ftl.models.backbone import Backbone
from ftl.models.segmenter import Segmenter
from ftl.progress import Report, silent
from ftl.training.segment import train_segmenter

FOLDS = 5


def photo_folds(data: SegmentationSet, photo: str | None, count: int = FOLDS, seed: int = 0) -> list[np.ndarray]:
    """Indices of photographs in at most `count` folds of about as many photos; a photo is in one of them.

    `photo`: as `photos_of` takes it. Raises `FtlError` where there are too few photos to train on some and look at
    others.
    """
    photos = photos_of(data, photo)
    order = np.random.default_rng(seed).permutation(sorted(set(photos))).tolist()
    if len(order) <= LEAST_PHOTOS:
        raise FtlError(
            f"masks of at least {LEAST_PHOTOS + 1} photos are needed to judge each by the others, not of {len(order)}: "
            "draw more"
        )
    turn = {name: place % count for place, name in enumerate(order)}
    folds = [np.array([index for index, own in enumerate(photos) if turn[own] == fold], int) for fold in range(count)]
    return [fold for fold in folds if len(fold)]


def without_fold(
    network: Backbone,
    data: SegmentationSet,
    fold: np.ndarray,
    config: SegmentConfig = SegmentConfig(),
    seed: int = 0,
    report: Report = silent,
) -> Segmenter:
    """A segmenter of `network` that was trained on all photographs but those at the indices `fold`."""
    rest = np.setdiff1d(np.arange(len(data)), fold)
    return train_segmenter(network, data, rest, rest[:1], config=config, seed=seed, report=report).segmenter
