"""L2-penalised logistic regression by Newton's method on the Gram matrix: n images, however many features.

By the representer theorem the best weights are C * A.T @ X for features X (n, d), with coefficients A (n, k): a step
solves systems of n unknowns and needs the Gram matrix X @ X.T alone. The steps are those of Rasmussen and Williams,
Gaussian Processes for Machine Learning (2006), algorithms 3.1 and 3.3, with C as the prior variance. Those have no
bias; here it is added by block elimination.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg.blas import dgemm
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs
from scipy.special import expit, logsumexp, softmax

_STEPS = 100
_ENOUGH = 1e-10  # relative decrease of the objective below which it is at its minimum
_LEAST = 1e-30  # keeps variances of images that are classified beyond doubt above zero

State = tuple[np.ndarray, np.ndarray]
"""Coefficients A (n, k) and biases (k,); k is 1 for two classes."""
Loss = Callable[[np.ndarray], float]
Step = Callable[[np.ndarray], State]


def product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """left @ right, float64, by scipy's BLAS: numpy brings its own, and the threads of two would wait for each other
    (a factorisation between numpy's products was measured to take five times as long)."""
    return np.asarray(dgemm(1.0, right.T, left.T).T)


def gram(features: np.ndarray) -> np.ndarray:
    """X @ X.T, float64 (n, n), of X (n, d), summed in float64, a slice of the features at a time."""
    total = np.zeros((len(features), len(features)))
    for start in range(0, features.shape[1], 4096):
        part = features[:, start : start + 4096].astype(np.float64)
        total += product(part, part.T)
    return total


def fit(products: np.ndarray, labels: np.ndarray, classes: int, c: float, start: State | None = None) -> State:
    """The coefficients and biases that minimise C * log loss + half the squared weights (biases are free).

    Args:
        products: the Gram matrix, float64 (n, n).
        labels: int (n,), below `classes`; every class occurs.
        classes: 2 for one sigmoid, as scikit-learn fits two classes; more for a softmax.
        c: inverse penalty.
        start: where to begin, for instance the result for a smaller C (scaled so that the logits stay).
    """
    kernel = c * products
    columns = 1 if classes == 2 else classes
    coefficients, bias = start or (np.zeros((len(labels), columns)), np.zeros(columns))
    loss, step = _sigmoid(kernel, labels) if classes == 2 else _softmax(kernel, labels, classes)
    spread = product(kernel, coefficients)
    objective = loss(spread + bias) + 0.5 * np.sum(coefficients * spread)
    for _ in range(_STEPS):
        to_coefficients, to_bias = step(spread + bias)
        change, change_bias = to_coefficients - coefficients, to_bias - bias
        change_spread, length = product(kernel, change), 1.0
        while length > 1e-6:
            next_coefficients, next_spread = coefficients + length * change, spread + length * change_spread
            next_bias = bias + length * change_bias
            reached = loss(next_spread + next_bias) + 0.5 * np.sum(next_coefficients * next_spread)
            if reached <= objective:
                break
            length /= 2
        else:
            break  # no way down is left in this precision
        gain, objective = objective - reached, reached
        coefficients, spread, bias = next_coefficients, next_spread, next_bias
        if gain <= _ENOUGH * objective:
            break
    return coefficients, bias


def _factor(kernel: np.ndarray, root: np.ndarray) -> np.ndarray:
    """Upper Cholesky factor of I + R @ K @ R for R = diag(root)."""
    inner = kernel * root[:, None]
    inner *= root
    # the rounding of large entries must not make it indefinite; the line search takes care of the step's small error
    inner.flat[:: len(root) + 1] += 1 + len(root) * np.finfo(np.float64).eps * inner.diagonal().max()
    return dpotrf(inner.T, lower=0, clean=0, overwrite_a=1)[0]


def _sigmoid(kernel: np.ndarray, labels: np.ndarray) -> tuple[Loss, Step]:
    signs = 2.0 * labels[:, None] - 1

    def loss(logits: np.ndarray) -> float:
        return float(np.logaddexp(0, -signs * logits).sum())

    def step(logits: np.ndarray) -> State:
        root = np.sqrt(np.maximum(expit(logits) * expit(-logits), _LEAST))
        residual = signs * expit(-signs * logits)
        right = root * np.hstack([logits + residual / root**2, np.ones_like(logits)])
        solved, _ = dpotrs(_factor(kernel, root[:, 0]), right, lower=0)
        solved *= root
        bias = solved[:, :1].sum(0) / solved[:, 1].sum()
        return solved[:, :1] - bias * solved[:, 1:], bias

    return loss, step


def _softmax(kernel: np.ndarray, labels: np.ndarray, classes: int) -> tuple[Loss, Step]:
    count = len(labels)
    truth = np.eye(classes)[labels]

    def loss(logits: np.ndarray) -> float:
        return float(np.sum(logsumexp(logits, axis=1) - logits[np.arange(count), labels]))

    def step(logits: np.ndarray) -> State:
        chance = np.maximum(softmax(logits, axis=1), _LEAST)
        inverses = []  # E_c = R_c (I + R_c K R_c)^-1 R_c, R_c the roots of class c's chances
        for root in np.sqrt(chance.T):
            half, _ = dpotri(_factor(kernel, root), lower=0, overwrite_c=1)
            upper = np.triu(half)
            inverses.append((upper + np.triu(upper, 1).T) * root[:, None] * root)
        total = dpotrf(np.sum(inverses, 0), lower=0)[0]

        def by_class(values: np.ndarray) -> np.ndarray:
            columns = np.hsplit(values, classes)
            return np.hstack([product(inverse, column) for inverse, column in zip(inverses, columns, strict=True)])

        def shrink(values: np.ndarray) -> np.ndarray:
            """(K + W^-1)^-1 @ values, (n, k), for the Hessian W of the loss."""
            parts = by_class(values)
            common, _ = dpotrs(total, parts.sum(1, keepdims=True), lower=0)
            return parts - by_class(np.repeat(common, classes, axis=1))

        free = shrink(logits + truth / chance - 1)
        ones = [shrink(np.outer(np.ones(count), unit)) for unit in np.eye(classes)]
        bias = np.linalg.pinv(np.stack([column.sum(0) for column in ones], 1)) @ free.sum(0)
        return free - sum(weight * column for weight, column in zip(bias, ones, strict=True)), bias

    return loss, step
