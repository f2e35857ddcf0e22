"""The learning curve of a fine-tuning: its epochs, which of them is kept, and when training stops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

_SETTLED = 0.65
"""The share of the epochs from which the one-cycle rate is below half its highest.

Before, the early-stopping loss jumps up and down, and says nothing of where the last epochs will bring it.
"""


class Epoch(NamedTuple):
    """A point of the learning curve. Losses are mean cross-entropies in nats.

    `loss`: of the training images. `stop_loss` and `stop_accuracy` (0..1): of the early-stopping images; `stop_error`:
    the standard error of `stop_loss`.
    """

    epoch: int
    loss: float
    stop_loss: float
    stop_accuracy: float
    stop_error: float = 0.0


def as_good(point: Epoch, curve: Sequence[Epoch]) -> bool:
    """Whether an epoch's early-stopping loss is within one standard error of the lowest in the curve.

    That loss is of few images, so of epochs that do not differ significantly a later one, at a lower rate, is kept (the
    one-standard-error rule, Breiman et al. 1984).
    """
    best = min(curve, key=lambda epoch: (math.isnan(epoch.stop_loss), epoch.stop_loss))
    return point.stop_loss <= best.stop_loss + best.stop_error


def is_over(curve: Sequence[Epoch], epochs: int, patience: int) -> bool:
    """Whether training stops: after `epochs`, or after `patience` epochs at a falling rate none of which is `as_good`.

    `epochs`: the most that are trained.
    """
    if len(curve) >= epochs:
        return True
    settled = len(curve) - patience >= _SETTLED * epochs
    return settled and not any(as_good(point, curve) for point in curve[-patience:])
