"""The classifier on the features: logistic regression whose penalty is chosen by cross-validation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import expit, softmax

from ftl import newton
from ftl.errors import FtlError

CS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0)
"""The original's nine inverse penalties."""

_FEW = 2000
"""Up to so many images are fitted on their Gram matrix even if they have fewer features than images."""


@dataclass(frozen=True)
class Head:
    """A linear classifier: `weight` float32 (1 or classes, d), `bias` float32 (1 or classes,), `classes` their names.

    `c`: the inverse penalty that the cross-validation chose; `scores`: mean accuracy over the folds for each of `CS`.
    """

    weight: np.ndarray
    bias: np.ndarray
    classes: tuple[str, ...]
    c: float
    scores: tuple[float, ...] = ()

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Class probabilities (N, classes), float64, of features (N, d)."""
        # not by BLAS: its threads would wait for work beside torch's, which was seen to double the network's time
        logits = np.einsum("nd,kd->nk", features, self.weight, dtype=np.float64) + self.bias
        if len(self.weight) == 1:
            positive = expit(logits)
            return np.hstack([1 - positive, positive])
        return np.asarray(softmax(logits, axis=1))


Fit = tuple[np.ndarray, Callable[[], tuple[np.ndarray, np.ndarray]]]
"""A fitted classifier: its logits (n, 1 or classes) of all images, and a function that gives weight and bias."""
Fits = Callable[[np.ndarray, Sequence[float]], Iterator[Fit]]
"""Fits to some of the images, given by their indices, for rising inverse penalties, each from the one before."""


def _on_images(features: np.ndarray, labels: np.ndarray) -> Fits:
    products, classes = newton.gram(features), len(np.unique(labels))

    def fits(train: np.ndarray, cs: Sequence[float]) -> Iterator[Fit]:
        among, state, before = np.ascontiguousarray(products[np.ix_(train, train)]), None, 1.0
        for c in cs:
            if state is not None:
                state = state[0] * (before / c), state[1]
            state, before = newton.fit(among, labels[train], classes, c, state), c
            yield (
                newton.product(products[:, train], c * state[0]) + state[1],
                partial(_weights, features, train, *state, c),
            )

    return fits


def _weights(
    features: np.ndarray, train: np.ndarray, coefficients: np.ndarray, bias: np.ndarray, c: float
) -> tuple[np.ndarray, np.ndarray]:
    return (c * coefficients).T @ features[train], bias


def _on_features(features: np.ndarray, labels: np.ndarray) -> Fits:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression  # not needed, and not imported, where a head is only applied

    values = features.astype(np.float64)

    def fits(train: np.ndarray, cs: Sequence[float]) -> Iterator[Fit]:
        model = LogisticRegression(solver="newton-cholesky", max_iter=100, tol=1e-6, warm_start=True)
        for c in cs:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.set_params(C=c).fit(values[train], labels[train])
            yield values @ model.coef_.T + model.intercept_, lambda: (model.coef_, model.intercept_)

    return fits


def fit_head(
    features: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    cs: Sequence[float] = CS,
) -> Head:
    """Choose C by mean accuracy over `folds` (the smallest of equals, as scikit-learn's grid search), then fit on all.

    Args:
        features: float32 (n, d).
        labels: int (n,), each an index into `classes`; all classes must occur, also in each fold's train images.
        folds: pairs of (train indices, held-out indices).
        cs: inverse penalties to try, rising.

    Raises:
        FtlError: a feature is not a finite number.
    """
    if not np.isfinite(features).all():
        raise FtlError("some features are not finite numbers: the network's weights or its preprocessing do not fit")
    fits = (_on_images if len(features) <= max(_FEW, features.shape[1]) else _on_features)(features, labels)
    scores = np.zeros((len(folds), len(cs)))
    for row, (train, held_out) in enumerate(folds):
        for column, (logits, _) in enumerate(fits(train, cs)):
            predicted = logits.argmax(1) if logits.shape[1] > 1 else (logits[:, 0] > 0).astype(int)
            scores[row, column] = np.mean(predicted[held_out] == labels[held_out])
    best = int(scores.mean(0).argmax())
    *_, (_, parameters) = fits(np.arange(len(labels)), cs[: best + 1])
    weight, bias = parameters()
    means = tuple(float(score) for score in scores.mean(0))
    return Head(weight.astype(np.float32), bias.astype(np.float32), tuple(classes), cs[best], means)
