"""Batch norms for the time of training: put behind convolutions that have none, and folded into them afterwards."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

_NARROW = 8  # channels below which torch's batch norm takes up to ten times as long on maps with channels last


class _BatchNorm(nn.BatchNorm2d):
    """torch's, with the same values; narrow maps are laid out channel by channel, in both directions."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.num_features >= _NARROW:
            return super().forward(x)
        y = super().forward(x.contiguous())
        if y.requires_grad:
            y.register_hook(torch.Tensor.contiguous)
        return y.contiguous(memory_format=torch.channels_last)


def convolutions(network: nn.Module) -> list[str]:
    """Names of all convolutions."""
    return [name for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)]


def insert_norms(network: nn.Module, names: Sequence[str]) -> list[str]:
    """Put a batch norm behind each of the named convolutions, in place; their names.

    Narrow deep networks hardly learn without.
    """
    for name in names:
        conv = network.get_submodule(name)
        assert isinstance(conv, nn.Conv2d)
        network.set_submodule(name, nn.Sequential(conv, _BatchNorm(conv.out_channels)))
    return [*names]


@torch.no_grad()
def fold_norms(network: nn.Module, names: Sequence[str]) -> None:
    """Fold the inserted batch norms into their convolutions, in place: the same function, in the layers it had."""
    network.eval()
    for name in names:
        pair = network.get_submodule(name)
        assert isinstance(pair, nn.Sequential)
        conv, norm = pair
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        network.set_submodule(name, fuse_conv_bn_eval(conv, norm))
