"""Criteria: what makes a filter worth keeping. A criterion is one function and one registry line.

Functions that look at activation maps return, per image and filter, a numerator and a denominator, both (N, C):
their ratio is the image's score and the filter's score is its mean over images, or, for pooled criteria, the ratio
of the sums. Functions that look at the weights alone get the layer, its depth and a
generator, and return scores (C,).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ftl.errors import FtlError

_CACHED = 1 << 19  # floats of a piece: 2 MiB, a share of the cache that leaves room for what is made of it

Ratio = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Maps:
    """Activation maps of one layer for a batch, with the masks.

    `activation`: float (N, C, H, W), channels last in memory. `grey`: uint8 0-255 (N, H, W), the mask at the map's
    size. `full`: bool (N, S, S), the mask at the network's input size. `top`: (C,) each filter's own top quantile, for
    criteria that ask for one. `wrap`: cast to 8 bits modulo 256 as the original does, rather than saturating.
    """

    activation: torch.Tensor
    grey: torch.Tensor
    full: torch.Tensor
    top: torch.Tensor | None = None
    wrap: bool = False


class Criterion(NamedTuple):
    """A registry line. `quantile`: the share of positions above the `top` that the criterion needs, if any."""

    name: str
    function: Callable[..., Any]
    looks_at: str  # "maps", "weights", or "network" until `ftl.pruning.network_criteria.bind` has its scores
    pooled: bool
    quantile: float | None
    summary: str


CRITERIA: dict[str, Criterion] = {}


def _register(
    name: str, *, looks_at: str = "maps", pooled: bool = False, quantile: float | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        summary = (function.__doc__ or "").split("\n")[0]
        CRITERIA[name] = Criterion(name, function, looks_at, pooled, quantile, summary)
        return function

    return add


def criterion(name: str) -> Criterion:
    """Look a criterion up. Raises `FtlError` that lists the names."""
    if name not in CRITERIA:
        raise FtlError(f"there is no criterion {name!r}: choose one of {', '.join(CRITERIA)}")
    return CRITERIA[name]


def criteria() -> dict[str, str]:
    """All criteria by name, each with a sentence that says what it measures."""
    return {name: one.summary for name, one in CRITERIA.items()}


def to_bytes(values: torch.Tensor, wrap: bool) -> torch.Tensor:
    """The integer part of float values as uint8: modulo 256 as the original's cast, or saturated."""
    return (values if wrap else values.clamp(0, 255)).to(torch.int32).to(torch.uint8)


class _Inside(NamedTuple):
    """The few pixels that lie in the masks of a batch: only there can map and mask meet."""

    where: torch.Tensor  # (M,) indices into the batch's N * H * W pixels, image by image
    counts: torch.Tensor  # (N, 1) pixels of each image

    @classmethod
    def of(cls, mask: torch.Tensor) -> _Inside:
        """Where a mask (N, H, W) is not zero."""
        return cls(mask.flatten().nonzero().squeeze(1), (mask != 0).flatten(1).sum(1, keepdim=True))

    def pick(self, values: torch.Tensor) -> torch.Tensor:
        """Rows (M, C) of values (N, H, W, C)."""
        return values.flatten(0, 2).index_select(0, self.where)

    def sums(self, ones: torch.Tensor) -> torch.Tensor:
        """Sums (N, C) per image of 0 and 1 in rows (M, C)."""
        parts = ones.split(self.counts.flatten().tolist())
        return torch.stack([part.sum(0, dtype=torch.int32) for part in parts])


def _count(values: torch.Tensor, ones: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Pixels per image (N, C) for which `ones`, given rows of values (N, H, W, C), gives 1 rather than 0, as float32.

    Works through the map in pieces that stay in the cache: maps are larger, and reading them is what costs. PyTorch
    compares into floats, and adds floats, faster than bytes or integers; those of a row are added exactly.
    """
    rows = values.flatten(0, 1)  # (N * H, W, C)
    step = max(1, _CACHED // (rows.shape[1] * rows.shape[2]))
    sums = [ones(part).sum(1) for part in rows.split(step)]
    return torch.cat(sums).view(len(values), -1, values.shape[3]).sum(1, dtype=torch.int32)


def _at_least(least: int, values: torch.Tensor, wrap: bool) -> torch.Tensor:
    """Where the bytes of values are at least so much: 1 or 0, float32."""
    bytes_ = values.to(torch.int32).bitwise_and_(255) if wrap else values
    return torch.ge(bytes_, least, out=torch.empty_like(values))


def _above(least: torch.Tensor | int, values: torch.Tensor) -> torch.Tensor:
    """Where values are greater: 1 or 0, float32."""
    return torch.gt(values, least, out=torch.empty_like(values))


def _overlap(maps: Maps) -> tuple[torch.Tensor, torch.Tensor, _Inside, torch.Tensor, torch.Tensor]:
    """Counts (N, C) of pixels where the bytes of map and mask have a common bit, and where either has any.

    A map's byte is its integer part, modulo 256 or saturated. Also returns where the mask is, and there the bytes of
    map and mask, (M, C) and (M, 1).
    """
    inside, values = _Inside.of(maps.grey), maps.activation.permute(0, 2, 3, 1)
    picked = to_bytes(inside.pick(values), maps.wrap)
    mask = maps.grey.flatten()[inside.where][:, None]
    common = inside.sums((picked & mask).clamp_(max=1))
    active = _count(values, partial(_at_least, 1, wrap=maps.wrap))
    either = active + inside.counts - inside.sums(picked.clamp(max=1))
    return common, either, inside, picked, mask


@_register("iou")
def iou(maps: Maps) -> Ratio:
    """The original's: pixels with a common bit of map and mask, over pixels with any; both as 8-bit grey values."""
    common, either, *_ = _overlap(maps)
    return common, either


@_register("predicate1")
def predicate1(maps: Maps) -> Ratio:
    """The original's first predicate: the share of the mask that the map covers."""
    common, _, inside, *_ = _overlap(maps)
    return common, inside.counts.expand_as(common)


@_register("predicate2")
def predicate2(maps: Maps) -> Ratio:
    """The original's second predicate: the mean of the share of the mask covered and the share outside left out.

    Outside are pixels where the inverted bytes have a common bit; an empty side counts as 1.
    """
    common, _, inside, picked, mask = _overlap(maps)
    values = maps.activation.permute(0, 2, 3, 1)
    full = _count(values, partial(_at_least, 255, wrap=maps.wrap))  # their inverse has no bit
    full_inside = inside.sums(picked.clamp(min=254) - 254)
    pixels = maps.grey.shape[1] * maps.grey.shape[2]
    left_out = pixels - full - (inside.counts - full_inside)  # where the mask's inverse has every bit
    left_out = left_out + inside.sums((~picked & ~mask).clamp_(max=1))
    outside = (maps.grey != 255).flatten(1).sum(1, keepdim=True)
    covered = torch.where(inside.counts > 0, common.double() / inside.counts.clamp(min=1), 1.0)
    spared = torch.where(outside > 0, left_out.double() / outside.clamp(min=1), 1.0)
    return (covered + spared) / 2, torch.ones_like(common)


@_register("binary_iou")
def binary_iou(maps: Maps) -> Ratio:
    """IoU of "active at all" and "inside the mask": no overlap is lost where grey values share no bit."""
    values, inside = maps.activation.permute(0, 2, 3, 1), _Inside.of(maps.grey > 127)
    common = inside.sums(inside.pick(values) > 0)
    return common, _count(values, partial(_above, 0)) + inside.counts - common


@_register("dissection", pooled=True, quantile=0.005)
def dissection(maps: Maps) -> Ratio:
    """Network Dissection (Bau et al. 2017): each filter cut at its own top 0.5 %, the map scaled up to the mask.

    Intersection and union are summed over the data set before they are divided.
    """
    assert maps.top is not None
    common, either = [], []
    for one, mask in zip(maps.activation.split(1), maps.full.split(1), strict=True):
        inside = _Inside.of(mask)
        shared, active = [], []
        for part, top in zip(one.split(64, 1), maps.top.split(64), strict=True):  # small blocks stay in the cache
            grown = F.interpolate(
                part.contiguous(memory_format=torch.channels_last), size=mask.shape[1:], mode="bilinear"
            )
            values = grown.permute(0, 2, 3, 1)  # (1, S, S, 64)
            shared.append(inside.sums(inside.pick(values) > top))
            active.append(_count(values, partial(_above, top)))
        common.append(torch.cat(shared, 1))
        either.append(torch.cat(active, 1) + inside.counts - common[-1])
    return torch.cat(common), torch.cat(either)


@_register("l1", looks_at="weights")
def l1(conv: nn.Conv2d, depth: int, rng: np.random.Generator) -> torch.Tensor:
    """Baseline: the sum of the absolute weights of the filter (Li et al. 2017); looks at no image."""
    return conv.weight.double().abs().sum((1, 2, 3))


@_register("random", looks_at="weights")
def random(conv: nn.Conv2d, depth: int, rng: np.random.Generator) -> torch.Tensor:
    """Baseline: a seeded draw; the score that any better idea has to beat."""
    return torch.from_numpy(rng.random(conv.out_channels))


def _unbound(conv: nn.Conv2d, depth: int, rng: np.random.Generator) -> torch.Tensor:
    raise FtlError("this criterion looks at labelled photographs as well: prune with ftl run, or choose another")


def _of_network(name: str, summary: str) -> None:
    """A criterion whose scores `ftl.pruning.network_criteria` works out for all layers at once."""
    CRITERIA[name] = Criterion(name, _unbound, "network", False, None, summary)


_of_network("bn_scale", "Baseline: the scale of the batch norm behind the filter (Liu et al. 2017).")
_of_network("taylor", "Baseline: the change of the loss without the filter, to first order (Molchanov et al. 2019).")
