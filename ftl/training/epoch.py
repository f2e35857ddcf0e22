"""What fine-tuning tells of itself."""

from __future__ import annotations

import math
from typing import NamedTuple


class Epoch(NamedTuple):
    """A point of the learning curves: mean cross-entropies in nats, and the share right of the stopping part.

    `stop_error`: the standard error of `stop_loss`.
    """

    epoch: int
    loss: float
    stop_loss: float
    stop_accuracy: float
    stop_error: float = 0.0


def as_good(point: Epoch, curve: list[Epoch]) -> bool:
    """Whether an epoch's loss on the stopping part is within a standard error of the lowest in the curve.

    A few photographs make that loss, so of epochs that it does not tell apart a later one, at a lower rate, is kept
    (the rule of one standard error, Breiman et al. 1984).
    """
    best = min(curve, key=lambda one: (math.isnan(one.stop_loss), one.stop_loss))
    return point.stop_loss <= best.stop_loss + best.stop_error
