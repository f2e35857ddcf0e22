"""The choice of filters: what one layer of a pruned network keeps, and the scores of all its filters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LayerChoice:
    """What one layer keeps: `scores[group]` float32 (C,) of all its filters, `kept` indices, rising.

    `equal`: scores were equal on both sides of the cut, so the order of filters decided. `members`: the layers of a
    coupling group, of which `name` is the first; empty in a chain.
    """

    name: str
    scores: dict[str, np.ndarray]
    kept: list[int]
    equal: bool = False
    members: tuple[str, ...] = ()


Chosen = tuple[float | None, list[LayerChoice]]
"""A keep fraction (None for the above-average rule) with one choice per layer."""
