"""The layers that a backbone may hold, each as plain data that JSON can hold, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import nn

from ftl.errors import FtlError
from ftl.models.pooling import MaxPool, pair
from ftl.models.strided import StridedPointwise, skips_pixels

Layer = dict[str, Any]
"""A layer as `{"type": ..., ...}` with plain numbers."""

REMOVED = (nn.Dropout, nn.Dropout2d, nn.Identity)
"""Layers that do nothing in a network that is used: they are left out of its description."""


class Kind(NamedTuple):
    """How one type of layer is turned to plain data, and back with fresh weights."""

    module: type[nn.Module]
    describe: Callable[[Any], Layer]
    build: Callable[[Layer], nn.Module]


def is_depthwise(layer: nn.Conv2d) -> bool:
    """Whether each filter sees one channel, its own: its filters are then coupled with those of the layer before."""
    return 1 < layer.groups == layer.in_channels == layer.out_channels


_SIDE = 4096
_BOUNDS = {
    "in": (1, 2**20), "out": (1, 2**20), "channels": (1, 2**20), "groups": (1, 2**20), "kernel": (1, _SIDE),
    "stride": (1, _SIDE), "dilation": (1, _SIDE), "padding": (0, _SIDE), "size": (1, _SIDE), "sides": (-_SIDE, _SIDE),
}  # fmt: skip


def build_layer(layer: Layer, kinds: dict[str, Kind]) -> nn.Module:
    """Build a layer with fresh weights from plain data. Raises `FtlError` for data that describe none of `kinds`."""
    try:
        for key, (least, most) in _BOUNDS.items():
            given = layer.get(key, least)
            numbers = [*given] if isinstance(given, (list, tuple)) else [given]
            if len(numbers) not in (1, 4 if key == "sides" else 2) or not all(
                type(number) is int and least <= number <= most for number in numbers
            ):
                raise FtlError(f"a {layer['type']} layer cannot have a {key} of {str(given)[:40]}")
        if not 0 < layer.get("eps", 1) < 1e6:
            raise FtlError(f"a {layer['type']} layer cannot have an eps of {str(layer['eps'])[:40]}")
        return kinds[layer["type"]].build(layer)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError) as error:
        raise FtlError(f"the description of the network's layers is damaged ({error!r:.200})") from error


def _describe_conv(layer: nn.Conv2d) -> Layer:
    if layer.groups != 1 and not is_depthwise(layer):
        raise FtlError(
            f"a convolution of {layer.in_channels} to {layer.out_channels} channels in {layer.groups} groups is "
            "neither ordinary nor depthwise: none of its filters could go without one of every group"
        )
    if layer.padding_mode != "zeros":
        raise FtlError(f"a convolution that pads with {layer.padding_mode!r} is not supported, only with zeros")
    padding = layer.padding
    if isinstance(padding, str):
        reach = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        if padding == "same" and any(length % 2 for length in reach):
            raise FtlError("'same' padding of an even kernel is not supported: pad in front of the convolution")
        padding = (reach[0] // 2, reach[1] // 2) if padding == "same" else (0, 0)
    described = {
        "in": layer.in_channels,
        "out": layer.out_channels,
        "kernel": pair(layer.kernel_size),
        "stride": pair(layer.stride),
        "padding": pair(padding),
        "dilation": pair(layer.dilation),
        "bias": layer.bias is not None,
    }
    return described | ({"groups": layer.groups} if layer.groups != 1 else {})


def _build_conv(s: Layer) -> nn.Module:
    made = StridedPointwise if skips_pixels(*(pair(s[key]) for key in ("kernel", "stride", "padding"))) else nn.Conv2d
    return made(
        s["in"], s["out"], s["kernel"], s["stride"], s["padding"], s["dilation"], s.get("groups", 1), bias=s["bias"]
    )


def _describe_pool(layer: nn.MaxPool2d | nn.AvgPool2d) -> Layer:
    if pair(getattr(layer, "dilation", 1)) != [1, 1] or (
        layer.padding and not getattr(layer, "count_include_pad", True)
    ):
        raise FtlError("dilated pools, and average pools that leave their padding out, are not supported")
    if getattr(layer, "divisor_override", None) is not None or getattr(layer, "return_indices", False):
        raise FtlError("pools with a divisor of their own, or that return indices, are not supported")
    return {
        "kernel": pair(layer.kernel_size),
        "stride": pair(layer.stride),
        "padding": pair(layer.padding),
        "ceil": layer.ceil_mode,
    }


def _describe_norm(layer: nn.BatchNorm2d) -> Layer:
    if not (layer.affine and layer.track_running_stats):
        raise FtlError(
            "a batch normalisation without weights or running statistics is not supported: train it with both"
        )
    return {"channels": layer.num_features, "eps": layer.eps}


def _describe_adaptive(layer: nn.AdaptiveAvgPool2d) -> Layer:
    size = layer.output_size
    if size is None or (not isinstance(size, int) and None in size):
        raise FtlError("an adaptive pool that leaves a side as it is is not supported: give it two numbers")
    return {"size": pair(size)}  # type: ignore[arg-type]


def _nothing(layer: nn.Module) -> Layer:
    return {}


CHAIN: dict[str, Kind] = {
    "conv": Kind(nn.Conv2d, _describe_conv, _build_conv),
    "norm": Kind(nn.BatchNorm2d, _describe_norm, lambda s: nn.BatchNorm2d(s["channels"], eps=s["eps"])),
    "relu": Kind(nn.ReLU, _nothing, lambda s: nn.ReLU(inplace=s.get("inplace", True))),
    "maxpool": Kind(
        nn.MaxPool2d,
        _describe_pool,
        lambda s: MaxPool(s["kernel"], s["stride"], s["padding"], ceil_mode=s["ceil"]),
    ),
    "avgpool": Kind(
        nn.AvgPool2d,
        _describe_pool,
        lambda s: nn.AvgPool2d(s["kernel"], s["stride"], s["padding"], ceil_mode=s["ceil"]),
    ),
    "pad": Kind(nn.ZeroPad2d, lambda layer: {"sides": list(layer.padding)}, lambda s: nn.ZeroPad2d(tuple(s["sides"]))),
}
"""What a chain is made of."""

ACTIVATIONS: dict[str, Kind] = {
    "relu": CHAIN["relu"],
    "relu6": Kind(nn.ReLU6, _nothing, lambda s: nn.ReLU6(inplace=s.get("inplace", True))),
    "hardswish": Kind(nn.Hardswish, _nothing, lambda s: nn.Hardswish(inplace=s.get("inplace", True))),
    "hardsigmoid": Kind(nn.Hardsigmoid, _nothing, lambda s: nn.Hardsigmoid(inplace=s.get("inplace", True))),
    "silu": Kind(nn.SiLU, _nothing, lambda s: nn.SiLU(inplace=s.get("inplace", True))),
    "sigmoid": Kind(nn.Sigmoid, _nothing, lambda s: nn.Sigmoid()),
}

GRAPH: dict[str, Kind] = (
    CHAIN
    | ACTIVATIONS
    | {"adaptivepool": Kind(nn.AdaptiveAvgPool2d, _describe_adaptive, lambda s: nn.AdaptiveAvgPool2d(s["size"]))}
)
"""What a network that is no chain is made of, besides additions, multiplications and concatenations."""


def describe_layer(layer: nn.Module, kinds: dict[str, Kind]) -> Layer | None:
    """A layer as plain data; None where its kind is not among `kinds`.

    Raises `FtlError` for a layer whose kind is known, but not in this form.
    """
    own = {MaxPool: nn.MaxPool2d, StridedPointwise: nn.Conv2d}.get(type(layer), type(layer))
    for name, kind in kinds.items():
        if own is kind.module:  # one of its children may compute anything
            return {"type": name} | kind.describe(layer)
    return None
