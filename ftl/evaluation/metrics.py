"""Measures of a classifier. Pure functions of counts and labels."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import betainc, ndtri

from ftl.errors import FtlError


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927, JASA 22:209): (low, high), each 0..1."""
    if trials == 0:
        return 0.0, 1.0
    share, z = successes / trials, ndtri(0.5 + 0.5 * confidence)
    twice = 2 * (trials + z**2)
    centre = (2 * trials * share + z**2) / twice
    reach = z / twice * math.sqrt(4 * trials * share * (1 - share) + z**2)
    low = 0.0 if successes == 0 else centre - reach
    high = 1.0 if successes == trials else centre + reach
    return float(low), float(high)


_NEGATIVE = {"background", "negative", "none", "intact", "sound", "ok", "good", "clean", "healthy", "normal"}


def positive_class(classes: Sequence[str]) -> int:
    """Index of the class that is looked for: a crack, else the last that does not sound like background.

    Names beginning with no, non, un or without, or that say "ok", "good", "background" and the like, are background.
    """

    def negative(name: str) -> bool:
        denied = re.match(r"(no|non|un|without)([ _-]|crack|damage|defect)", name.lower())
        return denied is not None or name.lower() in _NEGATIVE

    others = [index for index, name in enumerate(classes) if not negative(name)]
    cracks = [index for index in others if "crack" in classes[index].lower()]
    return (cracks[:1] or others[-1:] or [len(classes) - 1])[0]


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts (classes, classes): row the true label, column the predicted one. All 0 without an image."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (truth, predicted), 1)
    return matrix


def summarise(
    truth: np.ndarray, predicted: np.ndarray, classes: Sequence[str], positive: str | None = None
) -> dict[str, Any]:
    """Accuracy with Wilson's 95 % interval, balanced accuracy, precision, recall, F1, confusion matrix.

    With two classes precision, recall and F1 are of the class looked for, `positive`, guessed from the names if not
    given; with more, their mean over classes. A share with nothing to divide by is 0. Raises `FtlError` when there is
    no such class.
    """
    matrix = confusion(truth, predicted, len(classes))
    hits = np.diag(matrix).astype(float)
    precision = np.divide(hits, matrix.sum(0), out=np.zeros_like(hits), where=matrix.sum(0) > 0)
    recall = np.divide(hits, matrix.sum(1), out=np.zeros_like(hits), where=matrix.sum(1) > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    if positive is not None and positive not in classes:
        raise FtlError(f"there is no class {positive!r} to look for: there are {', '.join(classes)}")
    looked_for = positive_class(classes) if positive is None else list(classes).index(positive)
    select = slice(looked_for, looked_for + 1) if len(classes) == 2 else slice(None)
    low, high = wilson(int(hits.sum()), len(truth))
    return {
        "images": len(truth),
        "accuracy": float(hits.sum() / max(1, len(truth))),
        "accuracy_low": low,
        "accuracy_high": high,
        "balanced_accuracy": balanced_accuracy(matrix),
        "precision": float(precision[select].mean()),
        "recall": float(recall[select].mean()),
        "f1": float(f1[select].mean()),
        "positive": classes[looked_for] if len(classes) == 2 else None,
        "classes": list(classes),
        "confusion": matrix.tolist(),
    }


def balanced_accuracy(matrix: np.ndarray) -> float:
    """Mean recall of the classes that have images, from counts as `confusion` gives them; 0 without any.

    A constant answer has 1 / classes, whatever their shares.
    """
    images = matrix.sum(1)
    return float((np.diag(matrix)[images > 0] / images[images > 0]).mean()) if images.any() else 0.0


def spread(probabilities: np.ndarray) -> float:
    """How far the answers (n, classes) differ between images, 0..1.

    The distance of the 5th and the 95th percentile of a class' probability, of the class where it is largest.
    """
    low, high = np.percentile(probabilities, (5, 95), axis=0)
    return float((high - low).max())


def validate(
    probabilities: np.ndarray, truth: np.ndarray, classes: Sequence[str], positive: str | None = None
) -> dict[str, Any]:
    """`summarise` of what is answered, (n, classes), with `right`, a bool an image, and the answers' `spread`."""
    predicted = probabilities.argmax(1)
    return summarise(truth, predicted, classes, positive) | {
        "right": [bool(right) for right in predicted == truth],
        "spread": spread(probabilities),
    }


def beats_constant(matrix: np.ndarray) -> float:
    """One-sided exact p-value that a classifier beats the constant answer of the most frequent class.

    `matrix`: counts as `confusion` gives them. McNemar's exact test (McNemar 1947, Psychometrika 12:153; for
    classifiers Dietterich 1998, Neural Computation 10:1895) of its right answers against those of the constant answer
    on the same images: of the images that only one of the two gets right, either has half by chance. So the share of
    the most frequent class is not taken as known, as a binomial test against it would. The constant is the best one in
    hindsight. 1.0 where both get the same images right.
    """
    frequent = int(matrix.sum(1).argmax())
    ours = int(np.trace(matrix) - matrix[frequent, frequent])
    theirs = int(matrix[frequent].sum() - matrix[frequent, frequent])
    return _more_often(ours, theirs)


def worse(right: np.ndarray, other_right: np.ndarray) -> float:
    """One-sided exact McNemar p-value that the first classifier (bool, N) is worse than the second on these images."""
    return _more_often(int(np.sum(~right & other_right)), int(np.sum(right & ~other_right)))


def beats_rate(hits: int, images: int, rate: float) -> float:
    """One-sided exact binomial p-value that so many right answers beat a rate that is taken as known."""
    return _at_least(hits, images, rate)


def _more_often(first: int, second: int) -> float:
    """Probability of `first` or more of both together, each as likely as the other."""
    return _at_least(first, first + second, 0.5)


def _at_least(hits: int, trials: int, rate: float) -> float:
    """The binomial probability of so many hits or more.

    As `scipy.stats.binom.sf(hits - 1, trials, rate)`, which takes half a second to import, in every process.
    """
    return float(betainc(hits, trials - hits + 1, rate)) if hits > 0 else 1.0


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> float:
    """Exact two-sided McNemar p-value of two classifiers' right answers (bool, N) on the same images; 1.0 if equal."""
    only_first = int(np.sum(first_right & ~second_right))
    only_second = int(np.sum(~first_right & second_right))
    more = max(only_first, only_second)
    return min(1.0, 2 * _at_least(more, only_first + only_second, 0.5))
