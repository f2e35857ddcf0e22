"""What a layer keeps, and by what it was chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ftl.scoring.criteria import Criterion


@dataclass(frozen=True)
class LayerChoice:
    """What one layer keeps: `scores[group]` float32 (C,) of all its filters, `kept` indices, rising.

    `tied`: equal scores on both sides of the cut, so the order of filters decided, not merit.
    """

    name: str
    scores: dict[str, np.ndarray]
    kept: list[int]
    tied: bool = False


Chosen = tuple[float | None, list[LayerChoice]]
"""A keep fraction (None for the above-average rule) with one choice per layer."""


@dataclass(frozen=True)
class How:
    """How filters are chosen: criterion, rule, seed, and whether exactly as the original program does.

    `round_to`: the number of filters that a layer keeps is rounded up to a multiple of it.
    """

    criterion: Criterion
    rule: str = "fraction"
    seed: int = 0
    faithful: bool = False
    round_to: int = 1
