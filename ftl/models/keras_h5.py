"""Keras 2 `.h5` files, the original's networks, read with h5py and nothing that could run code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import nn

from ftl.data.hdf5 import open_hdf5
from ftl.errors import FtlError

_SIZE = 224  # the original's input; its files do not always say
_MOST_WEIGHTS = 500_000_000


def read_keras(path: Path) -> tuple[nn.Sequential, int]:
    """Layers with weights, and input size, of a Keras Sequential (or straight functional) model.

    It is read up to its first Flatten or Dense.

    "same" padding is laid out for the file's input size, 224 if it names none.
    Raises `FtlError` when the file is no Keras network, or holds layers that a chain cannot have.
    """
    try:
        with open_hdf5(path) as file:
            if "model_config" not in file.attrs:
                raise FtlError(f"{path} holds no network (no model_config): save it with Keras' model.save(...)")
            config = json.loads(file.attrs["model_config"])["config"]
            layers = config if isinstance(config, list) else config["layers"]
            weights = file["model_weights"]
            return _convert(path, [(layer["class_name"], layer["config"]) for layer in layers], weights)
    except FtlError:
        raise
    except Exception as error:  # whatever a damaged file leads to, means the same to a user
        raise FtlError(f"{path} cannot be read as a Keras network ({error})") from error


def _arrays(weights: h5py.Group, name: str) -> dict[str, torch.Tensor]:
    """The arrays of one layer by their last name: kernel, bias, gamma, ..."""
    found: dict[str, torch.Tensor] = {}
    left = _MOST_WEIGHTS

    def visit(key: str, item: Any) -> None:
        nonlocal left
        if isinstance(item, h5py.Dataset):
            left -= item.size or 0
            if left < 0:
                raise FtlError(f"layer {name} has more than the {_MOST_WEIGHTS:,} weights that are read")
            found[key.split("/")[-1].split(":")[0]] = torch.from_numpy(np.asarray(item, np.float32))

    if name in weights:
        weights[name].visititems(visit)
    return found


def _convert(path: Path, layers: list[tuple[str, dict[str, Any]]], weights: h5py.Group) -> tuple[nn.Sequential, int]:
    size, side, channels = _SIZE, [_SIZE, _SIZE], 3
    made: list[nn.Module] = []
    for kind, config in layers:
        shape = config.get("batch_input_shape") or config.get("batch_shape")
        if shape and len(shape) == 4 and shape[1] and shape[2]:
            side = [int(shape[1]), int(shape[2])]
            size = side[0]
            if side[0] != side[1]:
                raise FtlError(f"{path} takes {side[1]} x {side[0]} pixels: only square inputs are supported")
        if config.get("data_format", "channels_last") != "channels_last":
            raise FtlError(f"{path}: layer {config['name']} is channels-first; save it channels-last")
        if kind == "InputLayer" or kind.startswith("Dropout"):
            continue
        if kind in ("Flatten", "Dense", "GlobalAveragePooling2D"):
            break
        arrays = _arrays(weights, config["name"])
        if kind == "Conv2D":
            new, side = _convolution(config, arrays, side)
            channels = next(layer.out_channels for layer in new if isinstance(layer, nn.Conv2d))
        elif kind in ("MaxPooling2D", "AveragePooling2D"):
            new, side = _pool(kind, config, side, path)
        elif kind == "BatchNormalization":
            new = [_norm(config, arrays, channels)]
        elif kind == "ReLU" or (kind == "Activation" and config["activation"] == "relu"):
            new = [nn.ReLU()]
        elif kind == "ZeroPadding2D":
            (top, bottom), (left, right) = config["padding"]
            new = [nn.ZeroPad2d((left, right, top, bottom))]
            side = [side[0] + top + bottom, side[1] + left + right]
        else:
            raise FtlError(f"{path}: a backbone may not hold a {kind} layer ({config.get('name')})")
        made += new
    if not any(isinstance(layer, nn.Conv2d) for layer in made):
        raise FtlError(f"{path} holds no convolution: there is nothing to rank")
    return nn.Sequential(*made), size


def _same(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's "same" padding, before and after: ceil(side / stride) outputs, the odd pixel after."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


def _convolution(
    config: dict[str, Any], arrays: dict[str, torch.Tensor], side: list[int]
) -> tuple[list[nn.Module], list[int]]:
    kernel, stride = config["kernel_size"], config["strides"]
    if config.get("dilation_rate", [1, 1]) not in ([1, 1], (1, 1)) or config.get("groups", 1) != 1:
        raise FtlError(f"layer {config['name']}: dilated and grouped convolutions are not supported in .h5 files")
    same = config["padding"] == "same"
    pads = [_same(s, k, t) if same else (0, 0) for s, k, t in zip(side, kernel, stride, strict=True)]
    made: list[nn.Module] = []
    padding = (pads[0][0], pads[1][0])
    if any(before != after for before, after in pads):
        made.append(nn.ZeroPad2d((*pads[1], *pads[0])))
        padding = (0, 0)
    weight = arrays["kernel"].permute(3, 2, 0, 1).contiguous()  # (h, w, in, out) -> (out, in, h, w)
    if weight.shape[2:] != tuple(kernel):
        raise FtlError(f"layer {config['name']} has a kernel of {weight.shape[2:]}, not of {kernel}")
    conv = nn.Conv2d(
        weight.shape[1], weight.shape[0], tuple(kernel), tuple(stride), padding, bias="bias" in arrays, device="meta"
    )
    conv.weight = nn.Parameter(weight)
    if conv.bias is not None:
        conv.bias = nn.Parameter(_vector(arrays["bias"], conv.out_channels, config))
    made.append(conv)
    if config.get("activation", "linear") == "relu":
        made.append(nn.ReLU())
    elif config.get("activation", "linear") != "linear":
        raise FtlError(f"layer {config['name']}: activation {config['activation']!r} is not supported, only relu")
    outer = [s + sum(p) for s, p in zip(side, pads, strict=True)]
    return made, [(s - k) // t + 1 for s, k, t in zip(outer, kernel, stride, strict=True)]


def _pool(kind: str, config: dict[str, Any], side: list[int], path: Path) -> tuple[list[nn.Module], list[int]]:
    kernel, stride = config["pool_size"], config["strides"] or config["pool_size"]
    if config["padding"] == "same" and any(sum(_same(s, k, t)) for s, k, t in zip(side, kernel, stride, strict=True)):
        raise FtlError(f"{path}: layer {config['name']} pools with padding, which is not supported")
    pool = nn.MaxPool2d if kind == "MaxPooling2D" else nn.AvgPool2d
    return [pool(tuple(kernel), tuple(stride))], [
        (s - k) // t + 1 for s, k, t in zip(side, kernel, stride, strict=True)
    ]


def _norm(config: dict[str, Any], arrays: dict[str, torch.Tensor], channels: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, eps=config["epsilon"])
    norm.weight.data = _vector(arrays.get("gamma", torch.ones(channels)), channels, config)
    norm.bias.data = _vector(arrays.get("beta", torch.zeros(channels)), channels, config)
    norm.running_mean = _vector(arrays["moving_mean"], channels, config)
    norm.running_var = _vector(arrays["moving_variance"], channels, config)
    return norm


def _vector(values: torch.Tensor, channels: int, config: dict[str, Any]) -> torch.Tensor:
    if values.shape != (channels,):
        raise FtlError(f"layer {config['name']} has {tuple(values.shape)} numbers for {channels} filters")
    return values
