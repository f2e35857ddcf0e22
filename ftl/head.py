"""The classifier on the features: logistic regression, fitted in the row space of the features.

The best weights of an L2-penalised linear model are a combination of the images' features (representer theorem), so n
images with d >> n features are fitted exactly in at most n dimensions: the Gram matrix is all that the fit needs.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, softmax

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

CS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0)
"""The original's nine inverse penalties."""

_NEWTON_STEPS = 100
_TOLERANCE = 1e-6


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


def row_space(features: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Coordinates Z (n, r), r <= n, of features X (n, d) in their row space, and B (n, r) with weights w = X.T @ B @ u.

    Z @ Z.T equals X @ X.T. With d <= n the features are their own best coordinates, and B is None.
    """
    count, width = features.shape
    if width <= count:
        return features.astype(np.float64), None
    gram = np.zeros((count, count))
    for start in range(0, width, 4096):  # in float64, a slice at a time
        part = features[:, start : start + 4096].astype(np.float64)
        gram += part @ part.T
    values, vectors = np.linalg.eigh(gram)
    stay = values > values[-1] * count * np.finfo(np.float64).eps
    if not stay.any():  # a network that is silent on all images: one column of zeros, and the bias decides
        return np.zeros((count, 1)), np.zeros((count, 1))
    roots = np.sqrt(values[stay])
    return vectors[:, stay] * roots, vectors[:, stay] / roots


def _fit(model: LogisticRegression, coordinates: np.ndarray, labels: np.ndarray, c: float) -> None:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.set_params(C=c).fit(coordinates, labels)


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
        labels: int (n,), each an index into `classes`; all classes must occur.
        folds: pairs of (train indices, held-out indices).
        cs: inverse penalties to try, rising: each fit starts from the one before.
    """
    from sklearn.linear_model import LogisticRegression  # not needed, and not imported, where a head is only applied

    coordinates, back = row_space(features)

    def new() -> LogisticRegression:
        return LogisticRegression(solver="newton-cholesky", max_iter=_NEWTON_STEPS, tol=_TOLERANCE, warm_start=True)

    scores = np.zeros((len(folds), len(cs)))
    for row, (train, held_out) in enumerate(folds):
        model = new()
        for column, c in enumerate(cs):
            _fit(model, coordinates[train], labels[train], c)
            scores[row, column] = np.mean(model.predict(coordinates[held_out]) == labels[held_out])
    best = int(scores.mean(0).argmax())
    model = new()
    for c in cs[: best + 1]:
        _fit(model, coordinates, labels, c)
    weight = model.coef_ if back is None else (model.coef_ @ back.T) @ features
    means = tuple(float(score) for score in scores.mean(0))
    return Head(weight.astype(np.float32), model.intercept_.astype(np.float32), tuple(classes), cs[best], means)
