"""Segmenters: networks that draw masks. A backbone is the encoder; a thin decoder goes over its levels."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ftl.errors import FtlError
from ftl.models.backbone import Backbone, Spec, layers_of, map_sizes
from ftl.models.graph import channels_of, walk

WIDTH = 16
"""Channels of the decoder at each level."""

FINE = 8
"""Its channels at the photograph's own size."""


class Level(NamedTuple):
    """The last map of one size in a backbone: the layer that gives it, its channels, and input pixels a step of it."""

    layer: str
    channels: int
    stride: float


def levels_of(spec: Spec, size: int) -> list[Level]:
    """The levels of a backbone for a square input of `size` pixels, the finest first.

    Maps smaller than the last one, as in the branches of squeeze-and-excitation, are no levels, nor is padding.
    """
    sizes = map_sizes(spec, size)
    if isinstance(spec, dict):
        names, channels = [node["name"] for node in spec["nodes"]], channels_of(spec)
        widths = [channels[name] for name in names]
    else:
        names, widths = [str(index) for index in range(len(spec))], []
        for layer in spec:
            widths.append(layer.get("out", widths[-1] if widths else 3))
    layers = zip(sizes, names, widths, layers_of(spec), strict=True)
    last = {side: (name, width) for side, name, width, layer in layers if layer["type"] != "pad"}
    return [Level(*last[side], size / side[0]) for side in last if min(side) >= min(sizes[-1])]


class Decoder(nn.Module):
    """A feature pyramid (Lin et al. 2017): maps of one width at each level, each added to those of the finer level.

    It ends at half the photograph's size: wide maps as fine as the photograph would take most of the time. A few maps
    are enlarged, and added to as many that are made of the finest level or, where that is coarser than the photograph,
    of the photograph itself; two small convolutions so bring masks to the pixel.
    """

    def __init__(self, levels: Sequence[Level], width: int, outputs: int) -> None:
        super().__init__()
        self.has_fine = levels[0].stride == 1 and len(levels) > 1
        wide = levels[1:] if self.has_fine else levels
        self.lateral = nn.ModuleList(nn.Conv2d(level.channels, width, 1) for level in wide)
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in wide)
        self.narrow = nn.Conv2d(width, FINE, 1)
        self.fine = nn.Conv2d(levels[0].channels if self.has_fine else 3, FINE, 3, padding=1)
        self.head = nn.Conv2d(FINE, outputs, 3, padding=1)

    def forward(self, x: torch.Tensor, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """Photographs (N, 3, H, W) and the maps of their levels, the finest first, to logits (N, outputs, H, W)."""
        return self.finished(x, maps, self.pyramid(maps)[0])

    def pyramid(self, maps: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The decoder's own maps (N, width, h, w) of each level but a fine one, the finest first."""
        wide = maps[1:] if self.has_fine else maps
        found = list[torch.Tensor]()
        for lateral, smooth, own in zip(self.lateral[::-1], self.smooth[::-1], wide[::-1], strict=True):
            level = F.relu(lateral(own))
            if found:
                level = level + enlarged(found[-1], own)
            found.append(F.relu(smooth(level)))
        return found[::-1]

    def finished(self, x: torch.Tensor, maps: Sequence[torch.Tensor], finest: torch.Tensor) -> torch.Tensor:
        """Logits (N, outputs, H, W) of the finest map of the `pyramid`."""
        return self.head(F.relu(enlarged(self.narrow(finest), x) + self.fine(maps[0] if self.has_fine else x)))


def enlarged(maps: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Maps (N, C, h, w) at the size of others, by linear interpolation: (N, C, H, W)."""
    return F.interpolate(maps, size=like.shape[2:], mode="bilinear", align_corners=False)


class Segmenter(nn.Module):
    """A backbone with a decoder that gives each pixel's logits; of any input whose sides are not shorter than `least`.

    `classes`: names of what masks hold, without the background. One class has one logit (sigmoid); of several there is
    one more, of the background, which comes first (softmax).
    `threshold`: how probable, 0..1, a defect must be to be drawn. `least`: pixels that a side needs, whole steps.
    """

    def __init__(self, network: Backbone, classes: Sequence[str], width: int = WIDTH, threshold: float = 0.5) -> None:
        super().__init__()
        self.network, self.classes, self.width, self.threshold = network, tuple(classes), width, threshold
        spec, size = network.spec(), network.preprocess.size
        self.levels = levels_of(spec, size)
        self.least = _least_side(spec, self.stride, size)
        outputs = 1 if len(self.classes) == 1 else len(self.classes) + 1
        self.decoder = Decoder(self.levels, width, outputs).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def stride(self) -> int:
        """Input pixels a step of the coarsest level."""
        return round(self.levels[-1].stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Preprocessed photographs (N, 3, H, W) to logits (N, 1 or classes + 1, H, W)."""
        return self.decoder(x, self.maps(x))

    def probabilities(self, x: torch.Tensor) -> torch.Tensor:
        """Preprocessed photographs (N, 3, H, W) to class probabilities (N, classes + 1, H, W), the background first."""
        return probabilities_of(self(x))

    def maps(self, x: torch.Tensor) -> list[torch.Tensor]:
        """The encoder's map of each level, (N, C, H, W), the finest first."""
        wanted, features = [level.layer for level in self.levels], self.network.features
        if not isinstance(features, nn.Sequential):
            found = dict(walk(features, x, wanted))
            return [found[name] for name in wanted]
        maps = []
        for name, layer in features.named_children():
            x = layer(x)
            if name in wanted:
                maps.append(x)
        return maps

    def parameters_count(self) -> int:
        """Number of parameters, those of the encoder counted as `Backbone.parameters_count` does."""
        return self.network.parameters_count() + sum(value.numel() for value in self.decoder.parameters())


def _least_side(spec: Spec, step: int, size: int) -> int:
    """The fewest whole steps, in pixels, of which no layer makes an empty map; those of `size` are known to do."""
    for side in range(step, size, step):
        with suppress(FtlError):
            map_sizes(spec, side)
            return side
    return -(-size // step) * step


def probabilities_of(logits: torch.Tensor) -> torch.Tensor:
    """Class probabilities (N, classes + 1, H, W) of logits (N, 1 or classes + 1, H, W), the background first."""
    if logits.shape[1] > 1:
        return logits.softmax(1)
    defect = logits.sigmoid()
    return torch.cat([1 - defect, defect], 1)


def drawn(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """The mask of class numbers, uint8 (H, W), of probabilities (classes + 1, H, W), the background first.

    A pixel is 0 where the defects together have less than `threshold` (0..1), else the number of the likeliest class.
    """
    classes = probabilities[1:].argmax(0).astype(np.uint8) + np.uint8(1)
    return np.where(1 - probabilities[0] >= threshold, classes, np.uint8(0))
