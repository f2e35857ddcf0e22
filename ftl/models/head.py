"""Linear heads: class probabilities from the last maps of a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import expit, softmax


@dataclass(frozen=True)
class Head:
    """A linear classifier: `weight` float32 (1 or classes, d), `bias` float32 (1 or classes,), `classes` their names.

    `c`: the inverse penalty that the cross-validation chose; `scores`: mean accuracy over the folds for each of
    `ftl.training.linear_head.CS`; both only of a head that was not trained together with its network. `pooled`: its
    features are the means of the last maps.
    """

    weight: np.ndarray
    bias: np.ndarray
    classes: tuple[str, ...]
    c: float | None = None
    scores: tuple[float, ...] = ()
    pooled: bool = False

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Class probabilities (N, classes), float64, of features (N, d)."""
        # not by BLAS: its threads would wait for work beside torch's, which was seen to double the network's time
        return probabilities_of(np.einsum("nd,kd->nk", features, self.weight, dtype=np.float64) + self.bias)


def probabilities_of(logits: np.ndarray) -> np.ndarray:
    """Class probabilities (N, classes) of logits (N, 1 or classes); one logit is that of the second of two classes."""
    if logits.shape[1] == 1:
        positive = expit(logits)
        return np.hstack([1 - positive, positive])
    return np.asarray(softmax(logits, axis=1))


def features_from(maps: torch.Tensor, *, pooled: bool) -> np.ndarray:
    """Features (N, d) float32 of last maps (N, C, H, W): each map's mean, or all of them, channels last as in Keras."""
    return flattened(maps, pooled=pooled).cpu().numpy()


def flattened(maps: torch.Tensor, *, pooled: bool) -> torch.Tensor:
    """`features_from` as a tensor (N, d), through which gradients flow."""
    return maps.mean((2, 3)) if pooled else maps.permute(0, 2, 3, 1).flatten(1)
