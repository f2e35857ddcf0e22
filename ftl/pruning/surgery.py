"""Cut filters out of a network. The whole of Torch-Pruning that this project uses is here."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping, Sequence

import torch
import torch_pruning as tp
from torch import nn

from ftl.backbones.chain import Backbone, map_sizes
from ftl.errors import FtlError


def prune(backbone: Backbone, kept: Mapping[str, Sequence[int]]) -> Backbone:
    """A copy of `backbone` in which each named convolution has only its `kept` filters, and its followers fit.

    Weights, biases and trained batch norm statistics are those of the filters kept. Convolutions that are not named
    stay whole. Raises `FtlError` for a name or an index that does not exist, or when a layer would be left empty.
    """
    pruned = copy.deepcopy(backbone).requires_grad_(True)  # the graph is traced through autograd
    layers = pruned.convolutions()
    x = torch.zeros(1, 3, *[_least_size(backbone)] * 2)  # the graph does not depend on it, its cost does
    # a bare tensor as example_inputs would trace nothing and prune nothing, in silence: hence the tuple and the check
    graph = tp.DependencyGraph().build_dependency(pruned, example_inputs=(x,))
    missing = [name for name, conv in layers.items() if conv not in graph.module2node]
    if missing:
        raise AssertionError(f"Torch-Pruning does not see {', '.join(missing)}")
    for name, indices in kept.items():
        if name not in layers:
            raise FtlError(f"the network has no convolution {name!r}: it has {', '.join(layers)}")
        conv = layers[name]
        stay = set(indices)
        if not stay or not stay <= set(range(conv.out_channels)):
            raise FtlError(f"{name} has filters 0 to {conv.out_channels - 1}: keep at least one of them, and no other")
        drop = [index for index in range(conv.out_channels) if index not in stay]
        if drop:
            graph.get_pruning_group(conv, tp.prune_conv_out_channels, idxs=drop).prune()
    return Backbone(pruned.name, pruned.features, pruned.preprocess)


def _least_size(backbone: Backbone) -> int:
    """A power of two, or the network's own size, that is enough for every layer to have an output."""
    for size in (32, 64, 128):
        with contextlib.suppress(FtlError):
            if size < backbone.preprocess.size and min(map_sizes(backbone.spec(), size)[-1]) > 0:
                return size
    return backbone.preprocess.size


def fresh_batch_norms(backbone: Backbone) -> Backbone:
    """A copy whose batch norms are untrained with Keras' epsilon: what the original program puts in their place."""
    fresh = copy.deepcopy(backbone)
    for index, layer in enumerate(fresh.features):
        if isinstance(layer, nn.BatchNorm2d):
            fresh.features[index] = nn.BatchNorm2d(layer.num_features, eps=1e-3)
    return Backbone(fresh.name, fresh.features, fresh.preprocess)
