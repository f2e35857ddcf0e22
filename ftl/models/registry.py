"""The registry of backbones: `vgg16`, `resnet50`, `mobilenet_v2`, ..., each a function or a line."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import nn

from ftl.errors import FtlError
from ftl.models.backbone import Spec, describe


class Architecture(NamedTuple):
    """A backbone without weights.

    `weights`: torchvision's name of its ImageNet weights, None where there are none. `preprocess`: of files of weights
    that do not say.
    """

    name: str
    spec: Callable[[], Spec]
    weights: str | None
    preprocess: str = "caffe"


REGISTRY: dict[str, Architecture] = {}


def _register(name: str, weights: str | None = None) -> Callable[[Callable[[], Spec]], Callable[[], Spec]]:
    def add(spec: Callable[[], Spec]) -> Callable[[], Spec]:
        REGISTRY[name] = Architecture(name, spec, weights)
        return spec

    return add


_GROUPS = (
    "its convolutions are in groups, neither ordinary nor depthwise, so no filter can go without one of every group"
)
_ATTENTION = "it is a transformer: attention mixes positions, so there is no filter with a map to compare with a mask"
_REFUSED = {
    **dict.fromkeys(("resnext", "regnet"), _GROUPS),
    "shufflenet": "its channels are split and shuffled, so a filter cannot be followed to those who read it",
    **dict.fromkeys(("vit", "swin", "maxvit", "deit"), _ATTENTION),
    "convnext": "it normalises over all channels at once, so none can go without changing the others",
}
"""Families that are known and cannot be pruned by filters, by how their names start, and why."""


def architecture(name: str) -> Architecture:
    """Look a backbone up. Raises `FtlError` that lists the names."""
    reason = next((why for first, why in _REFUSED.items() if name.startswith(first)), None)
    if reason is not None:
        raise FtlError(f"{name} cannot be pruned by filters: {reason}. Choose one of {', '.join(REGISTRY)}")
    if name not in REGISTRY:
        raise FtlError(f"there is no backbone {name!r}: choose one of {', '.join(REGISTRY)}, or give a file")
    return REGISTRY[name]


@_register("vgg16", "VGG16_Weights")
def vgg16() -> Spec:
    """VGG16's 13 convolutions and 5 pools (Simonyan and Zisserman 2014)."""
    layers: list[nn.Module] = []
    with torch.device("meta"):
        channels = 3
        for width, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            for _ in range(convolutions):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            layers.append(nn.MaxPool2d(2, 2))
    return describe(nn.Sequential(*layers))


@_register("alexnet", "AlexNet_Weights")
def alexnet() -> Spec:
    """torchvision's AlexNet, 64-192-384-256-256 (Krizhevsky 2014)."""
    with torch.device("meta"):
        layers = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
        )
        return describe(layers)


@_register("alexnet_bn")
def alexnet_bn() -> Spec:
    """The original project's one-tower AlexNet with a batch norm behind its first ReLU, 96-256-384-384-256."""
    with torch.device("meta"):
        layers = nn.Sequential(
            nn.ZeroPad2d((3, 4, 3, 4)),  # TensorFlow's "same" for 11 x 11, stride 4, on 224 pixels
            nn.Conv2d(3, 96, 11, 4),
            nn.ReLU(),
            nn.BatchNorm2d(96, eps=1e-3),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(96, 256, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(256, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
        )
        return describe(layers)


_FAMILIES = {
    "resnet18": "ResNet18_Weights",
    "resnet34": "ResNet34_Weights",
    "resnet50": "ResNet50_Weights",
    "mobilenet_v2": "MobileNet_V2_Weights",
    "mobilenet_v3_small": "MobileNet_V3_Small_Weights",
    "mobilenet_v3_large": "MobileNet_V3_Large_Weights",
    "efficientnet_b0": "EfficientNet_B0_Weights",
    "densenet121": "DenseNet121_Weights",
    "squeezenet1_1": "SqueezeNet1_1_Weights",
}


@cache  # which takes tenths of a second, and finding out whose weights a file holds asks for all
def _torchvision(name: str) -> Spec:
    """torchvision's network of that name up to its last map, with torchvision's names of layers."""
    import torchvision  # takes seconds to import, and chains come without

    with torch.device("meta"):
        network = getattr(torchvision.models, name)()
    return describe(network.features if name.startswith("squeezenet") else network)  # its classifier has a convolution


for _name, _weights in _FAMILIES.items():
    REGISTRY[_name] = Architecture(_name, partial(_torchvision, _name), _weights, "imagenet")
