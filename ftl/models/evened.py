"""Evened light: what a photograph shows at each place against its surroundings, as a network's own input."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ftl.models.preprocess import Preprocess

_CELL, _REACH = 8, 7
"""Surroundings are means of cells of 8 x 8 pixels, blurred twice over 7 cells to each side: 112 pixels in all."""

_STRENGTH, _SMOOTH = 40.0, 8.0
"""Grey levels: what a deviation of the surroundings becomes, and what is added to it, lest noise become a pattern."""

_USUAL = (124, 116, 104)
"""RGB of the mean of ImageNet, to which surroundings are set."""


class Evened(nn.Module):
    """Preprocessed photographs less the mean of their surroundings, over the deviation of grey there.

    So a shadow, a dark corner or a coarse texture is no crack for its darkness alone.
    """

    usual: torch.Tensor

    def __init__(self, preprocess: Preprocess) -> None:
        super().__init__()
        usual, brighter = (
            preprocess.normalised(np.array(_USUAL, np.float32).reshape(1, 1, 1, 3) + more) for more in (0, 1)
        )
        self.level = float((brighter - usual).mean())  # what a grey level is in the network's numbers
        self.register_buffer("usual", usual.contiguous(), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Float32 (N, 3, H, W) to the same, both in the numbers that the network takes."""
        grey = x.mean(1, keepdim=True)
        means = _surroundings(torch.cat([x, grey, grey * grey], 1))
        colour, grey, square = means[:, :3], means[:, 3:4], means[:, 4:]
        deviation = ((square - grey * grey).clamp_min(0) + (_SMOOTH * self.level) ** 2).sqrt()
        around = F.interpolate(torch.cat([colour, deviation], 1), size=x.shape[2:], mode="bilinear")
        return (x - around[:, :3]) / around[:, 3:] * (_STRENGTH * self.level) + self.usual


def _surroundings(x: torch.Tensor) -> torch.Tensor:
    """Means of the surroundings of each cell, (N, C, H / 8, W / 8); beyond an edge, nothing counts."""
    x = F.avg_pool2d(x, _CELL, ceil_mode=True, count_include_pad=False)
    for _ in range(2):
        x = F.avg_pool2d(x, 2 * _REACH + 1, 1, _REACH, count_include_pad=False)
    return x
