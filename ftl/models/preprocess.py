"""Preprocessing: from RGB images to the input tensor that a network was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from ftl.data.images import resize_image
from ftl.errors import FtlError


class _Kind(NamedTuple):
    bgr: bool
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


KINDS = {
    "caffe": _Kind(True, 1.0, (103.939, 116.779, 123.68), (1.0, 1.0, 1.0)),
    "imagenet": _Kind(False, 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "raw": _Kind(True, 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}
"""`caffe`: BGR 0-255 less the ImageNet mean, as Keras does for VGG16. `imagenet`: RGB, torchvision's mean and
deviation. `raw`: BGR 0-255, what the original program feeds while it scores."""


MOST_SIZE = 4096
"""The most pixels a side of an input: a file may claim any number, and maps are as large as it says."""


@dataclass(frozen=True)
class Preprocess:
    """How one backbone wants its input: a kind of normalisation from `KINDS`, and the side of its square input."""

    kind: str = "caffe"
    size: int = 224

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise FtlError(f"there is no preprocessing {self.kind!r}: choose one of {', '.join(KINDS)}")
        if type(self.size) is not int or not 1 <= self.size <= MOST_SIZE:
            raise FtlError(f"a network's input has from 1 to {MOST_SIZE:,} pixels a side, not {str(self.size)[:40]}")

    def __call__(self, images: Sequence[np.ndarray] | np.ndarray) -> torch.Tensor:
        """RGB uint8 images, each (height, width, 3), to float32 (N, 3, size, size), channels last in memory."""
        return self.normalised(np.stack([resize_image(image, self.size) for image in images]))

    def normalised(self, pixels: np.ndarray) -> torch.Tensor:
        """RGB images 0..255 (N, H, W, 3) to float32 (N, 3, H, W), channels last in memory, without any resizing."""
        kind = KINDS[self.kind]
        pixels = (pixels[..., ::-1] if kind.bgr else pixels).astype(np.float32)
        if kind.scale != 1.0:
            pixels *= np.float32(kind.scale)
        if kind.mean != (0.0, 0.0, 0.0):
            pixels -= np.array(kind.mean, np.float32)
        if kind.std != (1.0, 1.0, 1.0):
            pixels /= np.array(kind.std, np.float32)
        return torch.from_numpy(pixels).permute(0, 3, 1, 2)
