"""Batch norms for networks that have none, while they are trained: narrow deep chains hardly learn without."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ftl.backbones.chain import Backbone


def insert_norms(network: Backbone) -> list[str]:
    """Put a batch norm behind every convolution, in place, if the network has none; names of those convolutions."""
    if network.has_norms:
        return []
    names = [name for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)]
    for name in names:
        conv = network.get_submodule(name)
        assert isinstance(conv, nn.Conv2d)
        network.set_submodule(name, nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels)))
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
