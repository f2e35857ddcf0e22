"""Masks at the size of a network's last maps: what a network that is fine-tuned can learn beside the classes."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from ftl.data.dataset import Dataset
from ftl.data.masks import MaskSet
from ftl.errors import FtlError
from ftl.files import digest
from ftl.models.backbone import Backbone, map_sizes

NOT_DRAWN = 255
"""All over a photograph that has no mask."""

MapMasks = dict[str, np.ndarray]
"""By the SHA-256 of a photograph's bytes: its mask, uint8 (h, w), 1 where any pixel of a position is inside."""


def map_masks(network: Backbone, masks: MaskSet) -> MapMasks:
    """Each photograph's mask at the size of the network's last maps; all groups are taken together."""
    height, width = map_sizes(network.spec(), network.preprocess.size)[-1]
    found: MapMasks = {}
    for example in masks.examples:
        inside = (example.mask(*example.shape) > 127).astype(np.float32)
        shrunk = (cv2.resize(inside, (width, height), interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
        content = digest(example.image_path)
        found[content] = np.maximum(found[content], shrunk) if content in found else shrunk
    return found


def targets_of(dataset: Dataset, found: Mapping[str, np.ndarray]) -> np.ndarray:
    """The masks of a data set's images, uint8 (N, h, w), `NOT_DRAWN` where there is none.

    An image has the mask of the photograph with the same bytes. Raises `FtlError` where no image has any.
    """
    drawn = [found.get(content) for content in dataset.digests]
    shape = next((mask.shape for mask in drawn if mask is not None), None)
    if shape is None:
        raise FtlError(
            "masks are to be learnt beside the classes, but no photograph that is trained on has one: give photographs "
            "with masks a class as well, or leave the weight of masks at 0"
        )
    return np.stack([np.full(shape, NOT_DRAWN, np.uint8) if mask is None else mask for mask in drawn])
