"""Batch norms for networks that have none, while they are trained: narrow deep chains hardly learn without."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ftl.models.backbone import Backbone

_NARROW = 8  # channels below which torch's batch norm takes up to ten times as long on maps with channels last


class _Norm(nn.BatchNorm2d):
    """Takes narrow maps channel by channel, and gives them with channels last as all others; back, too."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.num_features >= _NARROW:
            return super().forward(x)
        y = super().forward(x.contiguous())
        if y.requires_grad:
            y.register_hook(torch.Tensor.contiguous)
        return y.contiguous(memory_format=torch.channels_last)


def insert_norms(network: Backbone) -> list[str]:
    """Put a batch norm behind every convolution, in place, if the network has none; names of those convolutions."""
    if network.has_norms:
        return []
    names = [name for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)]
    for name in names:
        conv = network.get_submodule(name)
        assert isinstance(conv, nn.Conv2d)
        network.set_submodule(name, nn.Sequential(conv, _Norm(conv.out_channels)))
    return names


@torch.no_grad()
def fold_norms(network: Backbone, names: list[str]) -> None:
    """Fold the inserted batch norms into their convolutions, in place: the same function in layers as they were."""
    network.eval()
    for name in names:
        pair = network.get_submodule(name)
        assert isinstance(pair, nn.Sequential)
        conv, norm = pair
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        network.set_submodule(name, fuse_conv_bn_eval(conv, norm))
