"""Surgery: filters cut out of a network. Torch-Pruning is used here and in `ftl.pruning.coupling` alone."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping, Sequence

import torch
import torch_pruning as tp
from torch import nn

from ftl.errors import FtlError
from ftl.models.backbone import Backbone, map_sizes


def prune(backbone: Backbone, kept: Mapping[str, Sequence[int]]) -> Backbone:
    """A copy of `backbone` in which each named convolution has only its `kept` filters, and its followers fit.

    Weights, biases and trained batch norm statistics are those of the filters kept. Convolutions that are not named
    keep all filters, but for those that are coupled with a named one (`ftl.pruning.coupling`): they keep the same.
    Raises `FtlError` for a name or an index that does not exist, two names of one coupling group, or when a layer would
    be left empty.
    """
    pruned = copy.deepcopy(backbone)
    graph = dependencies(pruned)
    layers = pruned.convolutions()
    before = {name: conv.out_channels for name, conv in layers.items()}
    for name, indices in kept.items():
        if name not in layers:
            raise FtlError(f"the network has no convolution {name!r}: it has {', '.join(layers)}")
        if layers[name].out_channels != before[name]:
            raise FtlError(f"{name} is coupled with a convolution that is named as well: name one of both")
        cut(graph, layers[name], indices, name)
    return Backbone(pruned.name, pruned.features, pruned.preprocess)


def dependencies(backbone: Backbone) -> tp.DependencyGraph:
    """Torch-Pruning's graph of who reads which filters. Its weights are set to be trained: it is traced by autograd."""
    backbone.requires_grad_(True)
    size = _least_size(backbone)  # the graph does not depend on it, its cost does
    x = torch.zeros(1, 3, size, size, device=backbone.device)
    # a bare tensor as example_inputs would trace nothing and prune nothing, in silence: hence the tuple and the check
    # a concatenation that is the output would be taken for an addition: hence the multiplication behind it
    graph = tp.DependencyGraph().build_dependency(
        backbone, example_inputs=(x,), forward_fn=lambda model, inputs: model(*inputs) * 1.0
    )
    missing = [name for name, conv in backbone.convolutions().items() if conv not in graph.module2node]
    if missing:
        raise AssertionError(f"Torch-Pruning does not see {', '.join(missing)}")
    return graph


def cut(graph: tp.DependencyGraph, conv: nn.Conv2d, kept: Sequence[int], name: str) -> None:
    """Leave only the `kept` filters of a convolution, in place, and of those coupled with it; their readers then fit.

    `graph` is that of its network, and still is afterwards. Raises `FtlError` for an index that does not exist, and for
    no index at all.
    """
    stay = set(kept)
    if not stay or not stay <= set(range(conv.out_channels)):
        raise FtlError(f"{name} has filters 0 to {conv.out_channels - 1}: keep at least one of them, and no other")
    drop = [index for index in range(conv.out_channels) if index not in stay]
    if drop:
        graph.get_pruning_group(conv, tp.prune_conv_out_channels, idxs=drop).prune()


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
    if not isinstance(fresh.features, nn.Sequential):
        raise FtlError(f"{backbone.name} is no chain of layers, and the original program prunes no other: not faithful")
    for index, layer in enumerate(fresh.features):
        if isinstance(layer, nn.BatchNorm2d):
            fresh.features[index] = nn.BatchNorm2d(layer.num_features, eps=1e-3)
    return Backbone(fresh.name, fresh.features, fresh.preprocess)
