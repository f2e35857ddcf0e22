"""Measures of masks that a network draws. Pure functions of probabilities, masks and counts of pixels.

Every measure is made of counts that can be summed. What is summed over photographs before the measure is taken is
micro-averaged: each pixel weighs the same, so a photograph without a crack adds its false positives and nothing else.

A share with nothing to divide by is 1.0: precision where nothing is predicted, recall where nothing is true, F1 and IoU
where both are empty. It is what `segmentation_models_pytorch` does (`zero_division=1.0`) and what the agreement of two
annotators is in the studio; for sums over photographs it hardly ever matters.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ftl.data.masks import NOT_JUDGED
from ftl.errors import FtlError

LEVELS = 256
THRESHOLDS = np.arange(1, LEVELS) / LEVELS
"""Where probabilities are cut, float64 (255,): 1/256 to 255/256. A pixel is drawn at or above a threshold."""

HALF = int(np.flatnonzero(THRESHOLDS == 0.5)[0])
"""The index of the threshold of one half, which networks are trained for."""

Measure = Callable[[np.ndarray], np.ndarray]
"""Takes summed counts, (..., 3) or as its docstring says, and gives one value for each, (...)."""


def threshold_counts(probability: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """True positives, false positives and false negatives at each of the `THRESHOLDS`, int64 (255, 3).

    `probability`: float (H, W), 0..1; `truth`: bool (H, W). A pixel is drawn where its probability is at or above the
    threshold. One histogram gives all thresholds.
    """
    return _counts(probability, np.zeros(truth.shape, np.int64), truth, 1)[0]


def class_counts(probability: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The counts of `threshold_counts` for each of K classes of defects, int64 (K, 255, 3).

    `probability`: float (K + 1, H, W), a softmax with the background first; `truth`: int (H, W), the class of each
    pixel, 0 the background. A pixel is drawn where 1 - background is at or above the threshold, as the most probable
    class of a defect, the first of equals. A defect drawn as another class is a false positive of the one and a false
    negative of the other. With one class it is `threshold_counts(1 - probability[0], truth == 1)`. Pixels that are
    `NOT_JUDGED` are not counted. Raises `FtlError` for a class that the probabilities do not have.
    """
    classes = len(probability) - 1
    judged = truth != NOT_JUDGED
    if not judged.all():
        probability, truth = probability[:, judged], truth[judged]
    if truth.size and not 0 <= truth.min() <= truth.max() <= classes:
        raise FtlError(f"the mask holds classes {truth.min()} to {truth.max()}, the network draws 0 to {classes}")
    return _counts(1 - probability[0], probability[1:].argmax(axis=0), truth, classes)


def level_of(probability: np.ndarray) -> np.ndarray:
    """How probable a defect is, in 256ths rounded down, uint8 (H, W); of `class_counts`' probabilities.

    It reaches a number k where 1 - background is at or above k / 256.
    """
    return _levels(1 - probability[0]).astype(np.uint8)


def likeliest_of(probability: np.ndarray) -> np.ndarray:
    """The most probable class of a defect, uint8 (H, W), from 1; of `class_counts`' probabilities."""
    return probability[1:].argmax(axis=0).astype(np.uint8) + np.uint8(1)


def _levels(defect: np.ndarray) -> np.ndarray:
    return np.minimum((defect * LEVELS).astype(np.int64), LEVELS - 1)  # exact: 256 is a power of two


def _counts(defect: np.ndarray, drawn: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """Counts (classes, 255, 3) of how probable a defect is, which one (0..classes - 1), and what is true (0: none)."""
    level = _levels(defect)
    cell = (drawn * (classes + 1) + truth) * LEVELS + level
    pixels = np.bincount(cell.ravel(), minlength=classes * (classes + 1) * LEVELS)
    pixels = pixels.reshape(classes, classes + 1, LEVELS)
    above = pixels[..., ::-1].cumsum(axis=-1)[..., -2::-1]  # at or above each threshold
    each = np.arange(classes)
    hits = above[each, each + 1]
    return np.stack([hits, above.sum(axis=1) - hits, pixels.sum(axis=(0, 2))[1:, None] - hits], axis=-1)


def precision(counts: np.ndarray) -> np.ndarray:
    """TP / (TP + FP), float64 (...), of counts (..., 3): the share of what is drawn that is true."""
    return _share(counts[..., 0], counts[..., 0] + counts[..., 1])


def recall(counts: np.ndarray) -> np.ndarray:
    """TP / (TP + FN), float64 (...), of counts (..., 3): the share of what is true that is drawn."""
    return _share(counts[..., 0], counts[..., 0] + counts[..., 2])


def f1(counts: np.ndarray) -> np.ndarray:
    """2 TP / (2 TP + FP + FN), float64 (...), of counts (..., 3): Dice's coefficient (Dice 1945, Ecology 26:297)."""
    twice = 2 * counts[..., 0]
    return _share(twice, twice + counts[..., 1] + counts[..., 2])


def iou(counts: np.ndarray) -> np.ndarray:
    """TP / (TP + FP + FN), float64 (...), of counts (..., 3): intersection over union (Jaccard 1912)."""
    return _share(counts[..., 0], counts.sum(axis=-1))


def mean_of_classes(measure: Measure) -> Measure:
    """The mean of a measure over the classes that are true somewhere: it takes counts of each, (..., K, 3 or 4).

    Where none is, the mean of all: 1.0 of F1 where nothing is drawn either.
    """

    def mean(counts: np.ndarray) -> np.ndarray:
        true = counts[..., 3] if counts.shape[-1] == 4 else counts[..., 0] + counts[..., 2]
        occurs = true > 0
        occurs |= ~occurs.any(axis=-1, keepdims=True)
        return np.asarray((measure(counts) * occurs).sum(axis=-1) / occurs.sum(axis=-1))

    return mean


def mean_f1(counts: np.ndarray) -> np.ndarray:
    """The mean F1 of the classes that are true somewhere, float64 (...), of counts (..., K, 3)."""
    return mean_of_classes(f1)(counts)


def best_threshold(counts: np.ndarray) -> int:
    """The index, 0..254, of the threshold with the best F1 of summed counts (255, 3).

    Of several classes, (K, 255, 3), it is the best `mean_f1`. Of equally good thresholds it is the middle of their
    longest run: probabilities of other photographs may move either way.
    """
    scores = f1(counts) if counts.ndim == 2 else mean_f1(np.swapaxes(counts, 0, 1))
    equal = np.flatnonzero(scores == scores.max())
    runs = np.split(equal, np.flatnonzero(np.diff(equal) > 1) + 1)
    longest = max(runs, key=len)
    return int(longest[(len(longest) - 1) // 2])


def choose_threshold(counts: np.ndarray) -> int:
    """The index, 0..254, of the threshold to draw at, by the counts of each validation photograph (N, K, 255, 3).

    It is one half, unless the mean F1 of the `best_threshold` is better by more than two standard errors of the
    difference (jackknife over the photographs, Efron 1982). Few photographs put the top of a flat curve anywhere, and
    what is chosen there is worse on others than one half.
    """
    every = counts.sum(axis=0)
    best = best_threshold(every)

    def gain(summed: np.ndarray) -> np.ndarray:
        return mean_f1(summed[..., best, :]) - mean_f1(summed[..., HALF, :])

    error = np.sqrt((len(counts) - 1) * gain(every - counts).var())
    return best if gain(every) > 2 * error else HALF


def ods(counts: np.ndarray) -> np.ndarray:
    """The best F1 at one threshold for all photographs, float64 (...), of summed counts (..., 255, 3).

    "Optimal data set scale" (Arbelaez et al. 2011, IEEE TPAMI 33:898; for cracks Liu et al. 2019, DeepCrack,
    Neurocomputing 338:139), here without a tolerance. Its threshold is chosen in hindsight.
    """
    return f1(counts).max(axis=-1)


def ois(counts: np.ndarray) -> float:
    """The mean of each photograph's best F1, from counts of each photograph (N, 255, 3); sources as of `ods`."""
    return float(f1(counts).max(axis=-1).mean())


def average_precision(counts: np.ndarray) -> np.ndarray:
    """The area under precision over recall, float64 (...), of summed counts (..., 255, 3).

    The sum of precision times the gain in recall, from the highest threshold to the lowest, as scikit-learn's
    `average_precision_score` of probabilities rounded down to 1/256. Only true pixels below 1/256 differ: they are
    never found here, while scikit-learn adds their share times that of the true pixels in the image. 0.0 where nothing
    is true.
    """
    descending = counts[..., ::-1, :]
    gains = np.diff(descending[..., 0], axis=-1, prepend=0)
    true = counts[..., 0, 0] + counts[..., 0, 2]
    return (gains * precision(descending)).sum(axis=-1) / np.maximum(true, 1)


def tolerant_counts(predicted: np.ndarray, truth: np.ndarray, pixels: float = 2) -> np.ndarray:
    """Counts for precision and recall with a tolerance, int64 (4,), of masks, bool (H, W).

    (predicted pixels near the truth, predicted pixels, true pixels near the prediction, true pixels). Near: at most so
    many pixels from centre to centre. So cracks are judged where an edge is known to a few pixels only (2 pixels: Zou
    et al. 2012, CrackTree, Pattern Recognition Letters 33:227). The second and fourth are those of `predicted` and
    `truth` themselves, so counts of photographs can be summed.
    """
    reach = int(pixels)
    across = np.arange(-reach, reach + 1) ** 2
    disc = (across[:, None] + across <= pixels**2).astype(np.uint8)

    def near(mask: np.ndarray) -> np.ndarray:
        return cv2.dilate(mask.astype(np.uint8), disc) > 0

    return _sides(predicted, near(truth), truth, near(predicted))


def tolerant_f1(counts: np.ndarray) -> np.ndarray:
    """The harmonic mean of precision and recall with a tolerance, float64 (...), of `tolerant_counts` (..., 4)."""
    return _harmonic(counts)


def cl_dice_counts(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Counts for `cl_dice`, int64 (4,), of masks, bool (H, W).

    (pixels of the prediction's skeleton that are true, pixels of that skeleton, pixels of the truth's skeleton that are
    predicted, pixels of that skeleton). Skeletons as scikit-image makes them (Zhang and Suen 1984, CACM 27:236).
    """
    from skimage.morphology import skeletonize  # takes long to import, and few measures need it

    return _sides(skeletonize(predicted), truth, skeletonize(truth), predicted)


def cl_dice(counts: np.ndarray) -> np.ndarray:
    """How far each mask holds the other's centre lines, float64 (...), of `cl_dice_counts` (..., 4).

    The harmonic mean of topology precision and sensitivity (Shit et al. 2021, clDice, CVPR).
    """
    return _harmonic(counts)


def bootstrap(
    counts: np.ndarray, measure: Measure, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """The percentile interval (low, high) of a measure of summed counts, by resampling photographs.

    `counts`: of each photograph, (N, ...); `measure` takes their sums, one or many at a time, and gives a number for
    each: `f1` for (N, 3), `ods` and `average_precision` for (N, 255, 3). Photographs are drawn with replacement (Efron
    and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13): neighbouring pixels depend on each other, so it
    is the photograph that counts as a draw. With few photographs the interval is too narrow; with one it is a point.
    """
    values = measure(_resampled(counts, resamples, seed))
    low, high = np.percentile(values, (50 * (1 - confidence), 50 * (1 + confidence)))
    return float(low), float(high)


def paired_bootstrap(
    counts: np.ndarray, other_counts: np.ndarray, measure: Measure, resamples: int = 2000, seed: int = 0
) -> float:
    """One-sided p-value that the first network is worse than the second on the same photographs.

    `counts`, `other_counts`: (N, ...), as for `bootstrap`, photographs in the same order. Both are measured on the same
    resamples; the p-value is (1 + those in which the first is at least as good) / (1 + all) (Davison and Hinkley 1997,
    Bootstrap Methods and their Application, chapter 4). It is below 0.05 where the 90 % percentile interval of the
    difference lies below 0. At least 1 / (resamples + 1); 1.0 for equal counts.
    """
    first = measure(_resampled(counts, resamples, seed))
    second = measure(_resampled(other_counts, resamples, seed))
    return float((1 + np.count_nonzero(first >= second)) / (1 + resamples))


def _resampled(counts: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Sums over photographs drawn with replacement, (resamples, ...): whole numbers, in float64 as BLAS adds fast."""
    photographs = len(counts)
    drawn = np.random.default_rng(seed).multinomial(photographs, np.full(photographs, 1 / photographs), resamples)
    sums = drawn.astype(float) @ counts.reshape(photographs, -1).astype(float)
    return sums.reshape(resamples, *counts.shape[1:])


def _sides(predicted: np.ndarray, truth_near: np.ndarray, truth: np.ndarray, predicted_near: np.ndarray) -> np.ndarray:
    pairs = (predicted & truth_near, predicted, truth & predicted_near, truth)
    return np.array([np.count_nonzero(mask) for mask in pairs], np.int64)


def _harmonic(counts: np.ndarray) -> np.ndarray:
    first, second = _share(counts[..., 0], counts[..., 1]), _share(counts[..., 2], counts[..., 3])
    return np.divide(2 * first * second, first + second, out=np.zeros_like(first), where=first + second > 0)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """1.0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.ones(np.shape(whole)), where=np.asarray(whole) > 0)
