"""Backbones: networks that map images to feature maps. Most are chains of convolutions, batch norms, ReLUs and pools.

A chain is described by a list that JSON can hold; any other network by a dictionary, see `ftl.models.graph`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import fx, nn

from ftl.device import device_of
from ftl.errors import FtlError
from ftl.models import graph
from ftl.models.layers import CHAIN, REMOVED, Layer, build_layer, describe_layer
from ftl.models.preprocess import Preprocess

Spec = list[Layer] | graph.GraphSpec
"""A chain's layers in order, each `{"type": ..., ...}` with plain numbers, or a graph's nodes; `build` and `describe`
turn it to modules and back."""

Features = nn.Sequential | fx.GraphModule
"""A chain, or any other network."""


class Backbone(nn.Module):
    """A feature extractor: `features` maps (N, 3, size, size) to a map (N, C, H, W).

    `inputs(list of RGB uint8 arrays)` gives its input. Layer names, as `features.0`, are torchvision's.
    """

    def __init__(self, name: str, features: Features, preprocess: Preprocess) -> None:
        super().__init__()
        self.name = name
        self.features = features
        self.preprocess = preprocess
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.eval()
        self.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 3, size, size) to the feature map (N, C, H, W)."""
        return self.features(x)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    def inputs(self, images: Sequence[np.ndarray] | np.ndarray) -> torch.Tensor:
        """RGB uint8 images, each (height, width, 3), as the network takes them, on its device."""
        return self.preprocess(images).to(self.device)

    @property
    def is_chain(self) -> bool:
        """Whether each layer reads the one before and nothing else."""
        return isinstance(self.features, nn.Sequential)

    def convolutions(self) -> dict[str, nn.Conv2d]:
        """The convolutions by name, in the order in which they are computed."""
        return {f"features.{key}": layer for key, layer in self._layers() if isinstance(layer, nn.Conv2d)}

    def _layers(self) -> Iterator[tuple[str, nn.Module]]:
        if isinstance(self.features, nn.Sequential):
            yield from self.features.named_children()
        else:
            calls = [str(node.target) for node in self.features.graph.nodes if node.op == "call_module"]
            yield from ((target, self.features.get_submodule(target)) for target in calls)

    def spec(self) -> Spec:
        """The layers as plain data."""
        return describe(self.features)

    @property
    def has_norms(self) -> bool:
        """Whether it has batch norms."""
        return any(isinstance(layer, nn.BatchNorm2d) for layer in self.modules())

    def parameters_count(self) -> int:
        """Number of parameters as Keras counts them: weights, biases, and four numbers per normalised channel."""
        weights = sum(parameter.numel() for parameter in self.parameters())
        statistics = sum(2 * norm.num_features for norm in self.features.modules() if isinstance(norm, nn.BatchNorm2d))
        return weights + statistics


def placed(network: Backbone) -> Backbone:
    """The network on the device of `ftl.device.run_on`: itself if it is there, else a copy."""
    device = device_of()
    return network if network.device == device else copy.deepcopy(network).to(device)


class Block(NamedTuple):
    """One convolution of a chain with what surrounds it. Filters are scored between `head` and `tail`."""

    name: str
    lead: nn.Sequential  # padding in front
    conv: nn.Conv2d
    head: nn.Sequential  # up to its ReLU
    tail: nn.Sequential  # normalisation and pools behind it, up to the next convolution
    map_size: tuple[int, int]  # (height, width) of the scored map
    out_size: tuple[int, int]  # and of what the next block gets

    def run(self, x: torch.Tensor) -> torch.Tensor:
        """Input of the block to the map on which its filters are scored."""
        return self.head(self.conv(self.lead(x)))


def _is_chain(features: nn.Module) -> bool:
    made_of = (*(kind.module for kind in CHAIN.values()), *REMOVED)
    return isinstance(features, nn.Sequential) and all(
        isinstance(layer, made_of) and getattr(layer, "groups", 1) == 1 for layer in features
    )


def describe(features: nn.Module) -> Spec:
    """Layers to plain data: a list for a chain, else a dictionary. Raises `FtlError` for what no backbone may hold."""
    if not _is_chain(features):
        from ftl.models.tracing import trace  # most networks come with a description

        return trace(features)
    spec = []
    for layer in features.children():
        data = describe_layer(layer, CHAIN)
        if data is not None:
            spec.append(data)
        elif not isinstance(layer, REMOVED):
            raise FtlError(f"a backbone may not hold a {type(layer).__name__}: what it computes is not known")
    return spec


def build(spec: Spec) -> Features:
    """Plain data to layers with fresh weights. Raises `FtlError` for data that describe no network."""
    return graph.build(spec) if isinstance(spec, dict) else _build_chain(spec)


def _build_chain(spec: list[Layer]) -> nn.Sequential:
    layers = [build_layer(layer, CHAIN) for layer in spec]
    if not any(isinstance(layer, nn.Conv2d) for layer in layers):
        raise FtlError("the network has no convolution: there is nothing to rank")
    channels = 3
    for number, layer in enumerate(spec):
        takes = layer.get("in", layer.get("channels", channels))
        if takes != channels:
            raise FtlError(f"layer {number} ({layer['type']}) takes {takes} channels, but gets {channels}")
        channels = layer.get("out", channels)
    return nn.Sequential(*layers)


def layers_of(spec: Spec) -> list[Layer]:
    """The layers of a description in order; a graph's also hold its additions, multiplications and concatenations."""
    return spec["nodes"] if isinstance(spec, dict) else spec


def blocks(backbone: Backbone) -> list[Block]:
    """Cut a chain at its convolutions; run one after another, they compute what the chain computes."""
    assert isinstance(backbone.features, nn.Sequential), "only a chain has blocks"
    layers = list(backbone.features.named_children())
    sides = [(backbone.preprocess.size,) * 2, *map_sizes(backbone.spec(), backbone.preprocess.size)]
    convs = [index for index, (_, layer) in enumerate(layers) if isinstance(layer, nn.Conv2d)]
    starts: list[int] = []  # a block starts at the padding in front of its convolution; the first, at the input
    for index in convs:
        start = index
        while start and isinstance(layers[start - 1][1], nn.ZeroPad2d):
            start -= 1
        starts.append(start if starts else 0)
    result = []
    for start, index, end in zip(starts, convs, [*starts[1:], len(layers)], strict=True):
        after = [layer for _, layer in layers[index + 1 : end]]
        turn = next(
            (i for i, layer in enumerate(after) if isinstance(layer, (nn.ReLU, nn.MaxPool2d, nn.AvgPool2d))), None
        )
        cut = turn + 1 if turn is not None and isinstance(after[turn], nn.ReLU) else 0
        conv = layers[index][1]
        assert isinstance(conv, nn.Conv2d)
        result.append(
            Block(
                name=f"features.{layers[index][0]}",
                lead=nn.Sequential(*(layer for _, layer in layers[start:index])),
                conv=conv,
                head=nn.Sequential(*after[:cut]),
                tail=nn.Sequential(*after[cut:]),
                map_size=sides[index + 1],
                out_size=sides[end],
            )
        )
    return result


def map_sizes(spec: Spec, size: int) -> list[tuple[int, int]]:
    """(height, width) of the map behind each layer, for a square input of `size` pixels.

    Raises `FtlError` when the input is too small for the network.
    """
    if isinstance(spec, dict):
        return [*graph.shapes(spec, size).values()]
    side = (size, size)
    sizes = []
    for layer in spec:
        if layer["type"] == "pad":
            left, right, top, bottom = layer["sides"]
            side = (side[0] + top + bottom, side[1] + left + right)
        elif "kernel" in layer:
            reach = [d * (k - 1) + 1 for d, k in zip(layer.get("dilation", (1, 1)), layer["kernel"], strict=True)]
            room = [s + 2 * p - r for s, p, r in zip(side, layer["padding"], reach, strict=True)]
            if min(room) < 0:
                raise FtlError(f"an input of {size} x {size} pixels is too small for this network")
            height, width = (
                _steps(r, t, layer.get("ceil", False), s + p)
                for r, t, s, p in zip(room, layer["stride"], side, layer["padding"], strict=True)
            )
            side = (height, width)
        sizes.append(side)
    return sizes


def _steps(room: int, stride: int, ceil: bool, reach: int) -> int:
    """Positions of a window; a pool that rounds up drops a last one that would start behind the map."""
    steps = (-(-room // stride) if ceil else room // stride) + 1
    return steps - 1 if ceil and (steps - 1) * stride >= reach else steps


def macs(spec: Spec, size: int) -> int:
    """MACs (multiply-accumulate operations) of all convolutions for one image, a square of `size` pixels."""
    return sum(map(layer_macs, layers_of(spec), map_sizes(spec, size)))


def layer_macs(layer: Layer, side: tuple[int, int]) -> int:
    """MACs of a layer whose map is `side` (height, width): 0 for all that is no convolution."""
    if layer["type"] != "conv":
        return 0
    seen = layer["in"] // layer.get("groups", 1)  # channels that a filter sees
    return side[0] * side[1] * seen * layer["out"] * layer["kernel"][0] * layer["kernel"][1]


def macs_by_layer(spec: Spec, size: int) -> dict[str, int]:
    """MACs of each convolution for one image, a square of `size` pixels, by its name."""
    named = ((layer.get("name", index), layer) for index, layer in enumerate(layers_of(spec)))
    return {
        f"features.{name}": layer_macs(layer, side)
        for (name, layer), side in zip(named, map_sizes(spec, size), strict=True)
        if layer["type"] == "conv"
    }
