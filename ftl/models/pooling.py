"""Maximum pooling that is fast on maps with few channels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import nn


def pair(value: int | Sequence[int]) -> list[int]:
    """Two numbers for what torch takes as one for both sides, or as two."""
    return [value, value] if isinstance(value, int) else [int(side) for side in value]


_LARGE = 32
"""The shorter side of maps from which slices are quicker: of two channels at 224 pixels fourteen times, of 64 twice."""


class MaxPool(nn.MaxPool2d):
    """torch's, with the same values; where nothing is learnt, large maps are compared slice by slice.

    torch takes maps with channels last pixel by pixel, all channels of a pixel at once, which few channels are not
    worth.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        plain = min(pair(self.kernel_size)) > 1 and pair(self.padding) == [0, 0] and not self.ceil_mode
        traced = torch.compiler.is_exporting() or torch.jit.is_tracing()  # type: ignore[attr-defined]
        read = torch.is_grad_enabled() or traced  # who reads graphs wants one operation
        if not plain or read or x.is_cuda or min(x.shape[2:]) < _LARGE:
            return super().forward(x)
        for dim, kernel, stride in zip((2, 3), pair(self.kernel_size), pair(self.stride), strict=True):
            reach = stride * ((x.shape[dim] - kernel) // stride) + 1
            ahead = (slice(None),) * dim
            x = reduce(torch.maximum, (x[(*ahead, slice(first, first + reach, stride))] for first in range(kernel)))
        return x
