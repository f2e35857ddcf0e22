"""The linear head: logistic regression on features, its penalty chosen by cross-validation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from ftl.errors import FtlError
from ftl.models.head import Head
from ftl.training import logistic
from ftl.training.blocks import blocks, fit_in_blocks, in_memory

CS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0)
"""The original's nine inverse penalties."""

_FEW = 2000
"""Up to so many images are fitted on their Gram matrix even if they have fewer features than images."""

_MOST = 4000
"""About so many images choose C at most: it is the variance of the weights' prior, however many images there are.

With all of 30,000 images and 25,088 features, Newton's method would take days.
"""


Fit = tuple[np.ndarray, Callable[[], tuple[np.ndarray, np.ndarray]]]
"""A fitted classifier: its logits (n, 1 or classes) of all images, and a function that gives weight and bias."""
Folds = Sequence[tuple[np.ndarray, np.ndarray]]
"""Pairs of train indices and held-out indices."""
Fits = Callable[[np.ndarray, Sequence[float]], Iterator[Fit]]
"""Fits to some of the images, given by their indices, for rising inverse penalties, each from the one before."""


def _on_images(features: np.ndarray, labels: np.ndarray) -> Fits:
    products, classes = logistic.gram(features), len(np.unique(labels))

    def fits(train: np.ndarray, cs: Sequence[float]) -> Iterator[Fit]:
        among, state, before = np.ascontiguousarray(products[np.ix_(train, train)]), None, 1.0
        for c in cs:
            if state is not None:
                state = state[0] * (before / c), state[1]
            state, before = logistic.fit(among, labels[train], classes, c, state), c
            yield (
                logistic.product(products[:, train], c * state[0]) + state[1],
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
    folds: Folds,
    cs: Sequence[float] = CS,
    *,
    rows: np.ndarray | None = None,
) -> Head:
    """Choose C by mean accuracy over `folds` (the smallest of equals, as scikit-learn's grid search), then fit on all.

    Of more than 4,000 images about so many choose C, drawn by class; the fit is still to all.

    Args:
        features: float32 (n, d); where they lie on disk, no more than 4,000 images and a block are read at once.
        labels: int (n,), each an index into `classes`; all classes must occur, also in each fold's train images.
        folds: pairs of (train indices, held-out indices).
        cs: inverse penalties to try, rising.
        rows: those of the features that are the images; by default all.

    Raises:
        FtlError: a feature is not a finite number.
    """
    rows = np.arange(len(labels)) if rows is None else rows
    if not all(np.isfinite(block).all() for _, block in blocks(features, rows)):
        raise FtlError("some features are not finite numbers: the network's weights or its preprocessing do not fit")
    few, parts = _sample(labels, folds)
    fits = _fits(in_memory(features, rows[few]), labels[few])
    scores = np.zeros((len(folds), len(cs)))
    for row, (train, held_out) in enumerate(parts):
        for column, (logits, _) in enumerate(fits(train, cs)):
            predicted = logits.argmax(1) if logits.shape[1] > 1 else (logits[:, 0] > 0).astype(int)
            scores[row, column] = np.mean(predicted[held_out] == labels[few][held_out])
    best = int(scores.mean(0).argmax())
    if len(few) < len(labels):
        weight, bias = fit_in_blocks(features, rows, labels, len(classes), cs[best])
    else:
        *_, (_, parameters) = fits(np.arange(len(labels)), cs[: best + 1])
        weight, bias = parameters()
    means = tuple(float(score) for score in scores.mean(0))
    return Head(weight.astype(np.float32), bias.astype(np.float32), tuple(classes), cs[best], means)


def _fits(features: np.ndarray, labels: np.ndarray) -> Fits:
    return (_on_images if len(features) <= max(_FEW, features.shape[1]) else _on_features)(features, labels)


def _sample(labels: np.ndarray, folds: Folds) -> tuple[np.ndarray, Folds]:
    """The images that choose C, each class in its share, and the folds among them; all where a fold lacks a class."""
    everything = np.arange(len(labels)), folds
    if len(labels) <= _MOST:
        return everything
    rng, chosen = np.random.default_rng(0), np.zeros(len(labels), bool)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        count = min(len(own), max(100, round(_MOST * len(own) / len(labels))))
        chosen[rng.choice(own, count, replace=False)] = True
    few, place = np.flatnonzero(chosen), np.cumsum(chosen) - 1
    parts = [(place[train[chosen[train]]], place[held_out[chosen[held_out]]]) for train, held_out in folds]
    classes = len(np.unique(labels))
    complete = all(len(held_out) and len(np.unique(labels[few][train])) == classes for train, held_out in parts)
    return (few, parts) if complete else everything
