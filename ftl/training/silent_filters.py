"""Silent filters: those that no image activates, so that they cost time and add nothing."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ftl.models.backbone import Backbone

_ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish)


class WithPeaks(nn.Module):
    """A network that also gives the highest activation of each filter behind its ReLUs and the like."""

    def __init__(self, network: Backbone) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(N, 3, size, size) to the feature map, and for each activation in turn its filters' peaks (N, C)."""
        peaks: list[torch.Tensor] = []

        def look(module: nn.Module, inputs: object, maps: torch.Tensor) -> None:
            if maps.dim() == 4:
                peaks.append(_highest(maps))

        layers = (layer for layer in self.network.features.modules() if isinstance(layer, _ACTIVATIONS))
        handles = [layer.register_forward_hook(look) for layer in layers]
        try:
            return self.network(x), *peaks
        finally:
            for handle in handles:
                handle.remove()


def _highest(maps: torch.Tensor) -> torch.Tensor:
    """The highest value of each map, (N, C) of (N, C, H, W)."""
    if torch.jit.is_tracing():  # type: ignore[attr-defined]  # whoever reads this has a layout of its own
        return maps.amax((2, 3))
    images, channels, height, width = maps.shape
    rows = maps.permute(0, 2, 3, 1).reshape(images, height, width * channels)
    # of few channels torch reads one pixel after the other, which takes seven to nineteen times as long
    return rows.amax(1).view(images, width, channels).amax(1)


class Activity:
    """The highest activation of each filter over all images that a network has seen."""

    def __init__(self) -> None:
        self._highest: list[torch.Tensor] = []

    def see(self, peaks: Sequence[torch.Tensor]) -> None:
        """Take in the peaks (N, C) of all activations for some images."""
        highest = [peak.amax(0) for peak in peaks]
        before = self._highest or highest
        self._highest = [torch.maximum(*pair) for pair in zip(before, highest, strict=True)]

    def silent(self) -> tuple[int, int]:
        """How many filters were never above 0, and of how many."""
        return sum(int((highest <= 0).sum()) for highest in self._highest), sum(map(len, self._highest))
