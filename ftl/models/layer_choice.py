"""What one layer of a pruned network keeps, and the scores of all its filters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LayerChoice:
    """What one layer keeps: `scores[group]` float32 (C,) of all its filters, `kept` indices, rising.

    `tied`: equal scores on both sides of the cut, so the order of filters decided, not merit. `members`: where filters
    of several layers can only go together, those layers, the one that `name` says first.
    """

    name: str
    scores: dict[str, np.ndarray]
    kept: list[int]
    tied: bool = False
    members: tuple[str, ...] = ()


Chosen = tuple[float | None, list[LayerChoice]]
"""A keep fraction (None for the above-average rule) with one choice per layer."""
