"""Convolutions of 1 x 1 that skip pixels, as in the shortcuts of ResNets, that can be trained with any channels."""

from __future__ import annotations

import torch
from torch import nn


class StridedPointwise(nn.Conv2d):
    """torch's, with the same values; while it is trained, pixels are skipped before it in place of within.

    Of few channels, as pruned networks have, oneDNN's gradients of the weights are written beyond their memory, which
    ends the process or spoils whatever lies there: https://github.com/uxlfoundation/oneDNN/issues/6035.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, filters, H', W')."""
        if not self.training:
            return super().forward(x)
        down, right = self.stride
        return nn.functional.conv2d(x[:, :, ::down, ::right], self.weight, self.bias, groups=self.groups)


def skips_pixels(kernel: list[int], stride: list[int], padding: list[int]) -> bool:
    """Whether a convolution can be a `StridedPointwise`."""
    return kernel == [1, 1] and padding == [0, 0] and stride != [1, 1]
