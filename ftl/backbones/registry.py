"""Backbones by name: `vgg16`, `alexnet`, `alexnet_bn`. One function and one registry line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from ftl.backbones.chain import Spec, describe
from ftl.errors import FtlError


class Architecture(NamedTuple):
    """A backbone without weights. `weights`: torchvision's name of its ImageNet weights, None where there are none."""

    name: str
    spec: Callable[[], Spec]
    weights: str | None


REGISTRY: dict[str, Architecture] = {}


def _register(name: str, weights: str | None = None) -> Callable[[Callable[[], Spec]], Callable[[], Spec]]:
    def add(spec: Callable[[], Spec]) -> Callable[[], Spec]:
        REGISTRY[name] = Architecture(name, spec, weights)
        return spec

    return add


def architecture(name: str) -> Architecture:
    """Look a backbone up. Raises `FtlError` that lists the names."""
    if name not in REGISTRY:
        raise FtlError(f"there is no backbone {name!r}: choose one of {', '.join(REGISTRY)}, or give a file")
    return REGISTRY[name]


@_register("vgg16", "VGG16_Weights")
def vgg16() -> Spec:
    """VGG16's 13 convolutions and 5 pools (Simonyan and Zisserman 2014)."""
    import torchvision  # takes seconds to import, and most networks come from files

    with torch.device("meta"):
        return describe(torchvision.models.vgg16().features)


@_register("alexnet", "AlexNet_Weights")
def alexnet() -> Spec:
    """torchvision's AlexNet, 64-192-384-256-256 (Krizhevsky 2014)."""
    import torchvision

    with torch.device("meta"):
        return describe(torchvision.models.alexnet().features)


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
