"""A backbone is a chain of convolutions, batch norms, ReLUs and pools, described by a list that JSON can hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from ftl.backbones.preprocess import Preprocess
from ftl.errors import FtlError

Spec = list[dict[str, Any]]
"""Layers in order, each `{"type": ..., ...}` with plain numbers; `build` and `describe` turn it to modules and back."""


class Backbone(nn.Module):
    """A feature extractor: `features` maps (N, 3, size, size) to a map (N, C, H, W).

    `preprocess(list of RGB uint8 arrays)` gives the input tensor. Layer names, as `features.0`, are torchvision's.
    """

    def __init__(self, name: str, features: nn.Sequential, preprocess: Preprocess) -> None:
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

    def convolutions(self) -> dict[str, nn.Conv2d]:
        """The convolutions by name, in order."""
        return {
            f"features.{key}": layer for key, layer in self.features.named_children() if isinstance(layer, nn.Conv2d)
        }

    def spec(self) -> Spec:
        """The layers as plain data."""
        return describe(self.features)

    def parameters_count(self) -> int:
        """Number of parameters as Keras counts them: weights, biases, and four numbers per normalised channel."""
        weights = sum(parameter.numel() for parameter in self.parameters())
        statistics = sum(2 * one.num_features for one in self.features if isinstance(one, nn.BatchNorm2d))
        return weights + statistics


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


def _pair(value: int | Sequence[int]) -> list[int]:
    return [value, value] if isinstance(value, int) else [int(one) for one in value]


def _describe_conv(layer: nn.Conv2d) -> dict[str, Any]:
    if layer.groups != 1 or layer.padding_mode != "zeros":
        raise FtlError(
            "grouped, depthwise and non-zero-padded convolutions are not supported: a filter must see all inputs"
        )
    padding = layer.padding
    if isinstance(padding, str):
        reach = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        if padding == "same" and any(one % 2 for one in reach):
            raise FtlError("'same' padding of an even kernel is not supported: pad in front of the convolution")
        padding = (reach[0] // 2, reach[1] // 2) if padding == "same" else (0, 0)
    return {
        "in": layer.in_channels,
        "out": layer.out_channels,
        "kernel": _pair(layer.kernel_size),
        "stride": _pair(layer.stride),
        "padding": _pair(padding),
        "dilation": _pair(layer.dilation),
        "bias": layer.bias is not None,
    }


def _describe_pool(layer: nn.MaxPool2d | nn.AvgPool2d) -> dict[str, Any]:
    if _pair(getattr(layer, "dilation", 1)) != [1, 1] or (
        layer.padding and not getattr(layer, "count_include_pad", True)
    ):
        raise FtlError("dilated pools, and average pools that leave their padding out, are not supported")
    return {
        "kernel": _pair(layer.kernel_size),
        "stride": _pair(layer.stride),
        "padding": _pair(layer.padding),
        "ceil": layer.ceil_mode,
    }


def _describe_norm(layer: nn.BatchNorm2d) -> dict[str, Any]:
    if not (layer.affine and layer.track_running_stats):
        raise FtlError(
            "a batch normalisation without weights or running statistics is not supported: train it with both"
        )
    return {"channels": layer.num_features, "eps": layer.eps}


_LAYERS: dict[str, tuple[type[nn.Module], Callable[[Any], dict[str, Any]], Callable[[dict[str, Any]], nn.Module]]] = {
    "conv": (
        nn.Conv2d,
        _describe_conv,
        lambda s: nn.Conv2d(s["in"], s["out"], s["kernel"], s["stride"], s["padding"], s["dilation"], bias=s["bias"]),
    ),
    "norm": (nn.BatchNorm2d, _describe_norm, lambda s: nn.BatchNorm2d(s["channels"], eps=s["eps"])),
    "relu": (nn.ReLU, lambda layer: {}, lambda s: nn.ReLU(inplace=True)),
    "maxpool": (
        nn.MaxPool2d,
        _describe_pool,
        lambda s: nn.MaxPool2d(s["kernel"], s["stride"], s["padding"], ceil_mode=s["ceil"]),
    ),
    "avgpool": (
        nn.AvgPool2d,
        _describe_pool,
        lambda s: nn.AvgPool2d(s["kernel"], s["stride"], s["padding"], ceil_mode=s["ceil"]),
    ),
    "pad": (nn.ZeroPad2d, lambda layer: {"sides": list(layer.padding)}, lambda s: nn.ZeroPad2d(tuple(s["sides"]))),
}


def describe(features: nn.Sequential) -> Spec:
    """Layers to plain data. Raises `FtlError` for a layer of another kind."""
    spec: Spec = []
    for layer in features:
        for kind, (cls, to_data, _) in _LAYERS.items():
            if isinstance(layer, cls):
                spec.append({"type": kind} | to_data(layer))
                break
        else:
            if not isinstance(layer, (nn.Dropout, nn.Dropout2d, nn.Identity)):
                names = ", ".join(sorted(cls.__name__ for cls, _, _ in _LAYERS.values()))
                raise FtlError(f"a backbone may not hold a {type(layer).__name__}: it is a chain of {names}")
    return spec


def build(spec: Spec) -> nn.Sequential:
    """Plain data to layers with fresh weights. Raises `FtlError` for data that describe no chain."""
    try:
        layers = [_LAYERS[one["type"]][2](one) for one in spec]
    except (KeyError, TypeError, ValueError) as error:
        raise FtlError(f"the description of the network's layers is damaged ({error!r})") from error
    if not any(isinstance(layer, nn.Conv2d) for layer in layers):
        raise FtlError("the network has no convolution: there is nothing to rank")
    channels = 3
    for number, one in enumerate(spec):
        takes = one.get("in", one.get("channels", channels))
        if takes != channels:
            raise FtlError(f"layer {number} ({one['type']}) takes {takes} channels, but gets {channels}")
        channels = one.get("out", channels)
    return nn.Sequential(*layers)


def blocks(backbone: Backbone) -> list[Block]:
    """Cut a chain at its convolutions; run one after another, they compute what the chain computes."""
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
    """Multiply-adds of one image through the convolutions, for a square input of `size` pixels."""
    return sum(macs_by_layer(spec, size))


def macs_by_layer(spec: Spec, size: int) -> list[int]:
    """The same, of each convolution in order."""
    return [
        height * width * layer["in"] * layer["out"] * layer["kernel"][0] * layer["kernel"][1]
        for layer, (height, width) in zip(spec, map_sizes(spec, size), strict=True)
        if layer["type"] == "conv"
    ]
