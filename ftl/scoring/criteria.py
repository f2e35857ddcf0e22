"""Criteria: what makes a filter worth keeping. A criterion is one function and one registry line.

Functions that look at activation maps return, per image and filter, a numerator and a denominator, both (N, C):
their ratio is the image's score and the filter's score is its mean over images, or, for pooled criteria, the ratio
of the sums. Functions that look at the weights alone get the layer and a generator, and return scores (C,).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ftl.errors import FtlError

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
    looks_at: str  # "maps" or "weights"
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


def to_bytes(activation: torch.Tensor, wrap: bool) -> torch.Tensor:
    """The integer part of float activations (N, C, H, W) as uint8 rows (N, H * W, C), modulo 256 or saturated."""
    rows = activation.permute(0, 2, 3, 1).flatten(1, 2)
    whole = (rows if wrap else rows.clamp(0, 255)).to(torch.int32)
    return whole.to(torch.uint8)


def _active(values: torch.Tensor) -> torch.Tensor:
    """Non-zero uint8 rows (P, C) counted per column, (C,). Two small sums are faster than one that widens each byte."""
    ones = values.clamp(max=1)
    whole = len(ones) // 128 * 128
    counts = ones[:whole].view(-1, 128, ones.shape[1]).sum(1, dtype=torch.int32).sum(0)
    return counts + ones[whole:].sum(0, dtype=torch.int32)


def _overlap(maps: Maps) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Per image and filter (N, C), counts of pixels where bytes of map and mask have: a common bit; any bit of the
    map; any of both; and, per image (N, 1), any bit of the mask."""
    values = to_bytes(maps.activation, maps.wrap)
    common, either, active, inside = [], [], [], []
    for rows, mask in zip(values, maps.grey.flatten(1), strict=True):
        where = mask.nonzero().squeeze(1)  # only there can a bit be common: a few per cent of the pixels
        picked = rows[where]
        common.append(_active(picked & mask[where, None]))
        active.append(_active(rows))
        either.append(active[-1] + len(where) - _active(picked))
        inside.append(len(where))
    return torch.stack(common), torch.stack(active), torch.stack(either), torch.tensor(inside)[:, None]


@_register("iou")
def iou(maps: Maps) -> Ratio:
    """The original's: pixels with a common bit of map and mask, over pixels with any; both as 8-bit grey values."""
    common, _, either, _ = _overlap(maps)
    return common, either


@_register("predicate1")
def predicate1(maps: Maps) -> Ratio:
    """The original's first predicate: the share of the mask that the map covers."""
    common, _, _, inside = _overlap(maps)
    return common, inside.expand_as(common)


@_register("predicate2")
def predicate2(maps: Maps) -> Ratio:
    """The original's second predicate: the mean of the share of the mask covered and the share outside left out.

    Outside are pixels where the inverted bytes have a common bit; an empty side counts as 1.
    """
    common, _, _, inside = _overlap(maps)
    values = to_bytes(maps.activation, maps.wrap).bitwise_not()
    outside_mask = maps.grey.flatten(1).bitwise_not()
    left_out = torch.stack([_active(rows & mask[:, None]) for rows, mask in zip(values, outside_mask, strict=True)])
    outside = (outside_mask != 0).sum(1, keepdim=True)
    covered = torch.where(inside > 0, common / inside.clamp(min=1), 1.0)
    spared = torch.where(outside > 0, left_out / outside.clamp(min=1), 1.0)
    return (covered.double() + spared.double()) / 2, torch.ones_like(common)


@_register("binary_iou")
def binary_iou(maps: Maps) -> Ratio:
    """IoU of "active at all" and "inside the mask": no overlap is lost where grey values share no bit."""
    active = (maps.activation > 0).permute(0, 2, 3, 1).flatten(1, 2).view(torch.uint8)  # (N, P, C)
    common, either = [], []
    for rows, inside in zip(active, (maps.grey > 127).flatten(1), strict=True):
        where = inside.nonzero().squeeze(1)
        common.append(_active(rows[where]))
        either.append(_active(rows) + len(where) - common[-1])
    return torch.stack(common), torch.stack(either)


@_register("dissection", pooled=True, quantile=0.005)
def dissection(maps: Maps) -> Ratio:
    """Network Dissection (Bau et al. 2017): each filter cut at its own top 0.5 %, the map scaled up to the mask.

    Intersection and union are summed over the data set before they are divided.
    """
    assert maps.top is not None
    common, either = [], []
    for one, mask in zip(maps.activation, maps.full, strict=True):
        where = mask.flatten().nonzero().squeeze(1)
        shared, active = [], []
        for part, top in zip(one.split(64), maps.top.split(64), strict=True):  # small blocks stay in the cache
            grown = F.interpolate(
                part[None].contiguous(memory_format=torch.channels_last), size=mask.shape, mode="bilinear"
            )
            above = (grown.permute(0, 2, 3, 1).flatten(0, 2) > top).view(torch.uint8)  # (S * S, 64)
            shared.append(_active(above[where]))
            active.append(_active(above))
        common.append(torch.cat(shared))
        either.append(torch.cat(active) + len(where) - common[-1])
    return torch.stack(common), torch.stack(either)


@_register("l1", looks_at="weights")
def l1(conv: nn.Conv2d, rng: np.random.Generator) -> torch.Tensor:
    """Baseline: the sum of the absolute weights of the filter (Li et al. 2017); looks at no image."""
    return conv.weight.double().abs().sum((1, 2, 3))


@_register("random", looks_at="weights")
def random(conv: nn.Conv2d, rng: np.random.Generator) -> torch.Tensor:
    """Baseline: a seeded draw; the score that any better idea has to beat."""
    return torch.from_numpy(rng.random(conv.out_channels))
