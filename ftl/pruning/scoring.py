"""Scoring: passes of a scoring set through layers, and one score per filter and group from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from ftl.data.masks import MaskSet
from ftl.pruning.criteria import Criterion, Maps, Ratio

Feed = Callable[[slice], torch.Tensor]
"""Gives the input of a layer, (n, C, H, W), for a slice of the data set's images."""

BATCH_BYTES = 16 * 2**20
"""Maps of a batch stay below this: larger blocks are handed back to the system at each step, which costs more time
than the arithmetic on them (measured: a cast is ten times slower)."""

_BINS = 1 << 15  # the upper half of a positive float32: steps of 1/128 of the value


@dataclass
class ScoringSet:
    """What ranks filters: images (N, S, S, 3) RGB uint8, their masks at any size, and their groups (class folders)."""

    masks: MaskSet
    images: np.ndarray = field(init=False, repr=False)
    groups: dict[str, list[int]] = field(init=False)
    _stacks: dict[tuple[int, int], torch.Tensor] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.images = np.stack([example.image for example in self.masks.examples])
        self.groups = self.masks.groups

    def grey(self, size: tuple[int, int]) -> torch.Tensor:
        """All masks at (height, width), uint8 (N, height, width)."""
        if size not in self._stacks:
            self._stacks[size] = torch.from_numpy(np.stack([example.mask(*size) for example in self.masks.examples]))
        return self._stacks[size]

    def maps(self, activation: torch.Tensor, where: slice, top: torch.Tensor | None, wrap: bool) -> Maps:
        """Activation maps of the images in `where`, with their masks on the same device."""
        grey = self.grey((activation.shape[2], activation.shape[3]))[where].to(activation.device)
        full = self.grey((self.images.shape[1], self.images.shape[2]))[where].to(activation.device) > 127
        return Maps(activation, grey, full, top, wrap)

    def __len__(self) -> int:
        return len(self.images)


def batches(count: int, bytes_each: int) -> Iterator[slice]:
    """Slices of range(count) whose maps, of `bytes_each` per image, stay below `BATCH_BYTES`."""
    step = max(1, BATCH_BYTES // max(1, bytes_each))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


class Tally:
    """Numerators and denominators per image and filter, filled batch by batch."""

    def __init__(self, images: int, filters: int) -> None:
        self._above = np.zeros((images, filters))
        self._below = np.zeros((images, filters))

    def add(self, where: slice, ratio: Ratio) -> None:
        """Store a batch's numerators and denominators, both (n, C)."""
        self._above[where], self._below[where] = ratio[0].cpu().numpy(), ratio[1].cpu().numpy()

    def by_group(self, groups: Mapping[str, Sequence[int]], pooled: bool) -> dict[str, np.ndarray]:
        """Scores (C,), float32, of each group: mean of the images' ratios, or ratio of the sums; 0 where both are 0."""
        scores = {}
        for name, indices in groups.items():
            above, below = self._above[indices], self._below[indices]
            if pooled:
                above, below = above.sum(0, keepdims=True), below.sum(0, keepdims=True)
            ratios = np.divide(above, below, out=np.zeros_like(above), where=below > 0).astype(np.float32)
            # float32 and summed filter by filter: the original's rounding decides which scores are equal
            scores[name] = np.mean(np.ascontiguousarray(ratios.T), axis=1)
        return scores


def weight_scores(
    criterion: Criterion, conv: nn.Conv2d, depth: int, groups: Sequence[str], seed: int
) -> dict[str, np.ndarray]:
    """Scores of a criterion that looks at weights alone, for the convolution at `depth`: the same for every group."""
    scores = criterion.function(conv, depth, np.random.default_rng([seed, depth])).cpu().numpy().astype(np.float32)
    return dict.fromkeys(groups, scores)


class Quantile:
    """Each filter's top quantile over a data set, from a histogram: exact to 1/128 of the value."""

    def __init__(self, filters: int, share: float, device: torch.device | str = "cpu") -> None:
        self._share = share
        self._counts = torch.zeros(filters * _BINS, dtype=torch.int32, device=device)
        self._offsets = torch.arange(filters, dtype=torch.int64, device=device) * _BINS
        self._total = 0

    def add(self, activation: torch.Tensor) -> None:
        """Count a batch of activations (N, C, H, W); negative ones count as zero."""
        rows = activation.permute(0, 2, 3, 1).flatten(0, 2).clamp(min=0)  # (P, C)
        bins = (rows.contiguous().view(torch.int32) >> 16) + self._offsets
        self._counts.scatter_add_(0, bins.flatten(), bins.new_ones((), dtype=torch.int32).expand(bins.numel()))
        self._total += len(rows)

    def value(self) -> torch.Tensor:
        """Thresholds (C,): above each lies at most the share asked for, and something unless the filter is silent."""
        counts = self._counts.view(len(self._offsets), _BINS)
        at_least = counts.flip(1).cumsum(1).flip(1)  # values in bin b or higher
        first = (at_least > self._share * self._total).sum(1)
        highest = (counts > 0).int().mul(torch.arange(_BINS, dtype=torch.int32, device=counts.device)).amax(1)
        return (torch.minimum(first, highest).to(torch.int32) << 16).view(torch.float32)
