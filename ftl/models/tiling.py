"""Photographs of any size through a segmenter: in tiles that overlap and are blended, so that no seam is seen."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch

from ftl.models.segmenter import Segmenter, drawn

TILE, OVERLAP = 1024, 128
"""Sides of a tile, and how far neighbours overlap, in pixels. A photograph that is hardly larger is one tile."""


Run = Callable[[torch.Tensor], torch.Tensor]
"""From a preprocessed photograph (1, 3, H, W) of whole steps to its probabilities, as `Segmenter.probabilities`."""


def starts(length: int, tile: int = TILE, overlap: int = OVERLAP) -> list[int]:
    """Where tiles begin along a side of `length` pixels: evenly, each overlapping the next by `overlap` or more."""
    if length <= tile:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))
    return [round(number * (length - tile) / (count - 1)) for number in range(count)]


def ramp(length: int, overlap: int = OVERLAP) -> np.ndarray:
    """Weights of a tile's pixels along a side, float32 (length,): falling towards both edges, never 0."""
    position = np.arange(length)
    return ((np.minimum(position, position[::-1]) + 1) / (overlap + 1)).clip(max=1).astype(np.float32)


@torch.inference_mode()
def segment(
    model: Segmenter, image: np.ndarray, tile: int = TILE, overlap: int = OVERLAP, run: Run | None = None
) -> np.ndarray:
    """Class probabilities of each pixel, float32 (classes + 1, H, W), the background first; of RGB uint8 (H, W, 3).

    `run`: what computes in the model's stead, such as an export of it.
    """
    run = run or model.probabilities
    height, width = image.shape[:2]
    if max(height, width) <= tile:
        return _whole(model, image, run)
    total: np.ndarray | None = None
    weights = np.zeros((height, width), np.float32)
    for top in starts(height, tile, overlap):
        for left in starts(width, tile, overlap):
            part = _whole(model, image[top : top + tile, left : left + tile], run)
            weight = ramp(part.shape[1], overlap)[:, None] * ramp(part.shape[2], overlap)
            if total is None:
                total = np.zeros((len(part), height, width), np.float32)
            total[:, top : top + part.shape[1], left : left + part.shape[2]] += part * weight
            weights[top : top + part.shape[1], left : left + part.shape[2]] += weight
    assert total is not None
    return total / weights


def draw_mask(model: Segmenter, image: np.ndarray) -> np.ndarray:
    """The mask that a segmenter draws at its threshold: class numbers, uint8 (H, W), 0 outside.

    `image`: RGB uint8 (H, W, 3), of any size.
    """
    return drawn(segment(model, image), model.threshold)


def tensor_of(model: Segmenter, image: np.ndarray) -> torch.Tensor:
    """A photograph, RGB uint8 (H, W, 3), as the network takes it, float32 (1, 3, height, width).

    Its edges are repeated up to whole steps of the coarsest level, and to the least that the network takes.
    """
    height, width = image.shape[:2]
    more = [max(-side % model.stride, model.least - side) for side in (height, width)]
    padded = cv2.copyMakeBorder(image, 0, more[0], 0, more[1], cv2.BORDER_REPLICATE)
    return model.network.preprocess.normalised(padded[None].astype(np.float32))


def _whole(model: Segmenter, image: np.ndarray, run: Run) -> np.ndarray:
    """`segment` of a photograph in one piece."""
    height, width = image.shape[:2]
    x = tensor_of(model, image).to(model.network.device)
    return run(x)[0, :, :height, :width].cpu().numpy()
