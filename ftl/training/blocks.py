"""Features that may be more than memory holds: gone through in blocks of rows, and a logistic regression fitted so."""

from __future__ import annotations

import mmap
from collections.abc import Iterator

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logsumexp, softmax

from ftl.models.head import Head
from ftl.training.logistic import product

BLOCK_BYTES = 2**26
"""Of a block of float32, which is computed with in float64."""

_STEPS = 2000
_FLAT = 1e-5  # largest slope of the mean loss, at which a step is the last; scikit-learn's default is 1e-4


def blocks(features: np.ndarray, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Some rows of features (n, d) in blocks, each with the places of its rows among those, as they follow on the disk.

    `features`: in memory, or a `numpy.memmap`.
    """
    step, order = max(1, BLOCK_BYTES // (4 * features.shape[1])), np.argsort(rows)
    for start in range(0, len(rows), step):
        where = order[start : start + step]
        yield where, np.asarray(features[rows[where]])
        if isinstance(features, np.memmap):  # what was read would count as the process's: Dask ends workers for it
            features._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]


def in_memory(features: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Some rows of features, in the order that is asked for."""
    found = np.empty((len(rows), features.shape[1]), np.float32)
    for where, block in blocks(features, rows):
        found[where] = block
    return found


def probabilities_in_blocks(head: Head, features: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Class probabilities (n, classes) of some rows of features, by default of all."""
    rows = np.arange(len(features)) if rows is None else rows
    found = np.empty((len(rows), len(head.classes)))
    for where, block in blocks(features, rows):
        found[where] = head.probabilities(block)
    return found


def fit_in_blocks(
    features: np.ndarray, rows: np.ndarray, labels: np.ndarray, classes: int, c: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weight (k, d) and bias (k,) that minimise C * log loss + half the squared weights, by L-BFGS.

    As scikit-learn's LogisticRegression, which holds all features twice as float64. Each step reads them once.

    Args:
        features: float32 (n, d), which may lie on disk.
        rows: which of them count.
        labels: int, of these rows, below `classes`.
        classes: 2 for one sigmoid (k is 1), more for a softmax (k is their number).
        c: inverse penalty.
    """
    count, columns = len(rows), 1 if classes == 2 else classes
    shape, shrinking = (columns, features.shape[1] + 1), 1 / (c * count)

    def mean_loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weight, bias = np.split(flat.reshape(shape), [-1], axis=1)
        total, slope = 0.0, np.zeros(shape)
        for where, block in blocks(features, rows):
            values = block.astype(np.float64)
            loss, residual = _loss(product(values, weight.T) + bias.T, labels[where])
            total += loss
            slope[:, :-1] += product(residual.T, values)
            slope[:, -1] += residual.sum(0)
        slope /= count
        slope[:, :-1] += shrinking * weight
        return total / count + 0.5 * shrinking * float(np.sum(weight**2)), slope.ravel()

    options = {"maxiter": _STEPS, "maxls": 50, "gtol": _FLAT, "ftol": 64 * np.finfo(np.float64).eps}
    found = minimize(mean_loss, np.zeros(shape).ravel(), method="L-BFGS-B", jac=True, options=options).x.reshape(shape)
    return found[:, :-1], found[:, -1]


def _loss(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Log loss, summed, of logits (n, k), and its slope along each of them."""
    if logits.shape[1] == 1:
        signs = 2.0 * labels[:, None] - 1
        return float(np.logaddexp(0, -signs * logits).sum()), -signs * expit(-signs * logits)
    own, chance = np.arange(len(labels)), softmax(logits, axis=1)
    chance[own, labels] -= 1
    return float(np.sum(logsumexp(logits, axis=1) - logits[own, labels])), chance
