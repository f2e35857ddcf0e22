"""Silent filters: those that no image activates, so that they cost time and add nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ftl.models.backbone import Backbone

_ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish)


class Activity:
    """The highest activation of each filter over all images that a network has seen while it was watched."""

    def __init__(self) -> None:
        self._highest: dict[tuple[str, int], torch.Tensor] = {}

    def see(self, place: tuple[str, int], maps: torch.Tensor) -> None:
        """Take in the maps (N, C, H, W) of an activation."""
        highest = maps.amax((0, 2, 3))
        before = self._highest.get(place)
        self._highest[place] = highest if before is None else torch.maximum(before, highest)

    def silent(self) -> tuple[int, int]:
        """How many filters were never above 0, and of how many."""
        return (
            sum(int((highest <= 0).sum()) for highest in self._highest.values()),
            sum(len(highest) for highest in self._highest.values()),
        )


@contextmanager
def watched(network: Backbone) -> Iterator[Activity]:
    """Watch the activations behind a network's convolutions, ReLUs and the like, while images run through it."""
    activity, calls = Activity(), defaultdict[str, int](int)

    def hook(name: str) -> None:
        def see(module: nn.Module, inputs: object, maps: torch.Tensor) -> None:
            if maps.dim() == 4:
                activity.see((name, calls[name]), maps)  # a module may stand in several places of a graph
                calls[name] += 1

        handles.append(layer.register_forward_hook(see))

    handles = [network.register_forward_pre_hook(lambda *_: calls.clear())]
    for key, layer in network.features.named_modules():
        if isinstance(layer, _ACTIVATIONS):
            hook(key)
    try:
        yield activity
    finally:
        for handle in handles:
            handle.remove()
