"""What fine-tuning tells of itself."""

from __future__ import annotations

from typing import NamedTuple


class Epoch(NamedTuple):
    """A point of the learning curves: mean cross-entropies in nats, and the share right of the stopping part."""

    epoch: int
    loss: float
    stop_loss: float
    stop_accuracy: float
