"""Measures of drawn masks: small cases by hand, scikit-learn, and loops that count each threshold by itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import average_precision_score, f1_score, jaccard_score, precision_score, recall_score

from ftl.errors import FtlError
from ftl.evaluation.segmentation import (
    HALF,
    THRESHOLDS,
    average_precision,
    best_threshold,
    bootstrap,
    choose_threshold,
    cl_dice,
    cl_dice_counts,
    class_counts,
    f1,
    iou,
    mean_f1,
    mean_of_classes,
    ods,
    ois,
    paired_bootstrap,
    precision,
    recall,
    threshold_counts,
    tolerant_counts,
    tolerant_f1,
)
from tests.conftest import ROOT

masks = arrays.arrays(bool, (6, 7))
seeds = st.integers(0, 2**32 - 1)


def drawn_photograph(seed: int, classes: int = 1, dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    """A softmax (classes + 1, 12, 9) that knows something of the truth, and the truth, ids (12, 9)."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes + 1, (12, 9)) * (rng.random((12, 9)) < 0.4)
    logits = 2 * rng.normal(size=(classes + 1, 12, 9)) + 2 * (np.arange(classes + 1)[:, None, None] == truth)
    exponentials = np.exp(logits)
    return (exponentials / exponentials.sum(axis=0)).astype(dtype), truth


def counted(predicted: np.ndarray, truth: np.ndarray) -> list[int]:
    return [int((predicted & truth).sum()), int((predicted & ~truth).sum()), int((~predicted & truth).sum())]


def crack_counts(photographs: int, noise: float, seed: int = 0) -> np.ndarray:
    """Counts (N, 3) of photographs that are drawn less well the more noise there is."""
    rng = np.random.default_rng(seed)
    true = rng.integers(100, 1000, photographs)
    missed, wrong = (rng.random((2, photographs)) * noise * true).astype(int)
    return np.stack([true - missed, wrong, missed], axis=-1)


def test_counts_by_hand() -> None:
    probability = np.array([[0.0, 0.25, 0.5], [1.0, 0.75, 0.5 - 1e-6]])
    truth = np.array([[True, False, True], [True, False, False]])
    counts = threshold_counts(probability, truth)
    assert (counts.shape, counts.dtype) == ((255, 3), np.int64)
    assert counts[0].tolist() == [2, 3, 1]
    assert counts[127].tolist() == [2, 1, 1]  # 0.5 is at the threshold, and drawn
    assert counts[128].tolist() == [1, 1, 2]
    assert counts[254].tolist() == [1, 0, 2]


@given(seeds, st.sampled_from([np.float16, np.float32, np.float64]))
def test_one_histogram_counts_as_a_loop_over_thresholds(seed: int, dtype: type) -> None:
    softmax, truth = drawn_photograph(seed, dtype=dtype)
    counts = threshold_counts(softmax[1], truth == 1)
    assert counts.tolist() == [counted(softmax[1] >= threshold, truth == 1) for threshold in THRESHOLDS]


@given(seeds, st.integers(1, 4))
def test_counts_of_classes_are_those_of_a_loop(seed: int, classes: int) -> None:
    softmax, truth = drawn_photograph(seed, classes)
    counts = class_counts(softmax, truth.astype(np.uint8))
    assert (counts.shape, counts.dtype) == ((classes, 255, 3), np.int64)
    likeliest = softmax[1:].argmax(axis=0) + 1
    for index in range(0, 255, 50):
        drawn = np.where(1 - softmax[0] >= THRESHOLDS[index], likeliest, 0)
        for number in range(1, classes + 1):
            assert counts[number - 1, index].tolist() == counted(drawn == number, truth == number)


@given(seeds)
def test_one_class_is_counted_as_a_mask(seed: int) -> None:
    softmax, truth = drawn_photograph(seed)
    assert np.array_equal(class_counts(softmax, truth)[0], threshold_counts(1 - softmax[0], truth == 1))


def test_a_class_that_the_network_does_not_draw_is_an_error() -> None:
    softmax, truth = drawn_photograph(0)
    with pytest.raises(FtlError, match="holds classes 0 to 3, the network draws 0 to 1"):
        class_counts(softmax, truth * 3)


@given(masks, masks)
def test_shares_are_those_of_scikit_learn(predicted: np.ndarray, truth: np.ndarray) -> None:
    """Of empty masks too, where its `zero_division` is 1."""
    counts = np.array(counted(predicted, truth))
    pairs = [(f1, f1_score), (iou, jaccard_score), (precision, precision_score), (recall, recall_score)]
    for measure, theirs in pairs:
        assert measure(counts) == pytest.approx(theirs(truth.ravel(), predicted.ravel(), zero_division=1)), theirs


def test_shares_of_many_counts_at_once() -> None:
    counts = np.array([[[8, 2, 0], [0, 0, 0]], [[0, 3, 0], [0, 0, 3]]])
    assert precision(counts).tolist() == [[0.8, 1], [0, 1]]
    assert recall(counts).tolist() == [[1, 1], [1, 0]]
    assert f1(counts) == pytest.approx(np.array([[16 / 18, 1], [0, 0]]))
    assert iou(counts).tolist() == [[0.8, 1], [0, 0]]


def test_the_mean_is_over_classes_that_occur() -> None:
    found, missed, absent, invented = [3, 0, 0], [0, 0, 3], [0, 0, 0], [0, 5, 0]
    assert mean_f1(np.array([found, missed, absent])) == 0.5
    assert mean_f1(np.array([found, missed, invented])) == 0.5
    assert mean_f1(np.array([[absent, absent], [absent, invented]])).tolist() == [1, 0.5]
    sides = np.array([[4, 4, 6, 6], [0, 3, 0, 7], [0, 5, 0, 0]])
    assert mean_of_classes(tolerant_f1)(sides) == 0.5


def plateau(*runs: tuple[int, int]) -> np.ndarray:
    """Counts (255, 3) with the best F1 from each first to each last index."""
    counts = np.tile([5, 5, 0], (255, 1))
    for first, last in runs:
        counts[first : last + 1] = [5, 0, 0]
    return counts


@pytest.mark.parametrize(
    ("runs", "middle"), [([(7, 7)], 7), ([(10, 20)], 15), ([(10, 21)], 15), ([(0, 4), (100, 140), (250, 254)], 120)]
)
def test_the_best_threshold_is_the_middle_of_its_plateau(runs: list[tuple[int, int]], middle: int) -> None:
    assert best_threshold(plateau(*runs)) == middle
    assert best_threshold(plateau(*runs)[None]) == middle


@given(seeds)
def test_the_best_threshold_has_the_best_f1(seed: int) -> None:
    softmax, truth = drawn_photograph(seed, 2)
    counts = class_counts(softmax, truth)
    single = counts.sum(axis=0)
    assert f1(single)[best_threshold(single)] == ods(single) == f1(single).max()
    assert mean_f1(counts[:, best_threshold(counts)]) == mean_f1(counts.transpose(1, 0, 2)).max()


def best_at(index: int, times: int = 1) -> np.ndarray:
    """Counts (1, 255, 3) of a photograph on which nothing but one threshold is right."""
    return times * plateau((index, index))[None]


def test_a_threshold_is_chosen_where_all_photographs_agree() -> None:
    assert choose_threshold(np.stack([best_at(40, times) for times in (1, 2, 3)])) == 40
    assert choose_threshold(best_at(40)[None]) == 40


def test_a_threshold_that_one_photograph_wants_is_not_chosen() -> None:
    alike = [plateau((0, 254))[None]] * 4
    assert choose_threshold(np.stack([best_at(40), *alike])) == HALF
    assert choose_threshold(np.stack([best_at(40), best_at(HALF), best_at(200)])) == HALF
    assert choose_threshold(np.stack(alike)) == HALF


def test_one_threshold_for_all_and_one_for_each() -> None:
    counts = np.stack([plateau((0, 9)), plateau((200, 209)) * 2])
    assert ois(counts) == 1
    assert ods(counts.sum(axis=0)) == pytest.approx(30 / (30 + 5))  # the second's, since it is larger
    assert ods(counts).tolist() == [1, 1]


@given(seeds)
def test_average_precision_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random((3, 20, 20)) < 0.2
    levels = np.clip(rng.integers(0, 256, truth.shape) // 2 + 90 * truth, 0, 255)
    summed = sum(threshold_counts(level / 256, mask) for level, mask in zip(levels, truth, strict=True))
    never_found = (truth & (levels == 0)).sum() / truth.sum() * truth.mean()
    theirs = average_precision_score(truth.ravel(), levels.ravel())
    assert average_precision(np.asarray(summed)) == pytest.approx(theirs - never_found)


def test_average_precision_without_a_true_pixel_is_zero() -> None:
    assert average_precision(threshold_counts(np.full((2, 2), 0.5), np.zeros((2, 2), bool))) == 0


def near(these: np.ndarray, those: np.ndarray, pixels: float) -> int:
    """How many of these pixels are at most so far from one of those, each pair by itself."""
    apart = np.argwhere(these)[:, None] - np.argwhere(those)
    return int(((apart**2).sum(axis=-1) <= pixels**2).any(axis=1).sum())


@given(masks, masks, st.sampled_from([0, 1, 1.5, 2, 3]))
def test_a_tolerance_is_a_distance_in_pixels(predicted: np.ndarray, truth: np.ndarray, pixels: float) -> None:
    expected = [near(predicted, truth, pixels), predicted.sum(), near(truth, predicted, pixels), truth.sum()]
    assert tolerant_counts(predicted, truth, pixels).tolist() == expected


@given(masks, masks)
def test_without_a_tolerance_it_is_f1(predicted: np.ndarray, truth: np.ndarray) -> None:
    tolerant = tolerant_f1(tolerant_counts(predicted, truth, 0))
    assert tolerant == pytest.approx(f1(np.array(counted(predicted, truth))))


def test_a_crack_two_pixels_beside_is_found_three_are_missed() -> None:
    truth = np.zeros((9, 30), bool)
    truth[4] = True
    beside = [tolerant_f1(tolerant_counts(np.roll(truth, shift, axis=0), truth)) for shift in (1, 2, 3)]
    assert beside == [1, 1, 0]
    some = tolerant_counts(truth & (np.arange(30) < 10), truth)
    assert some.tolist() == [10, 10, 12, 30]
    assert tolerant_f1(np.stack([some, some]).sum(axis=0)) == pytest.approx(2 * 0.4 / 1.4)


def test_centre_lines_do_not_care_for_width() -> None:
    truth, thick = np.zeros((2, 21, 60), bool)
    truth[10, 5:55] = True
    thick[8:13, 3:57] = True
    counts = cl_dice_counts(thick, truth)
    assert counts.tolist() == [49, 51, 50, 50]  # but for its ends the skeleton of the thick one lies in the thin one
    assert cl_dice(counts) == pytest.approx(2 * 49 / (49 + 51))
    assert f1(np.array(counted(thick, truth))) < 0.4
    assert cl_dice(cl_dice_counts(thick, np.roll(truth, 9, axis=0))) == 0


@pytest.mark.parametrize(
    ("counts", "score"), [(tolerant_counts, tolerant_f1), (cl_dice_counts, cl_dice)], ids=["tolerant", "clDice"]
)
def test_empty_masks(counts: Callable[..., np.ndarray], score: Callable[..., np.ndarray]) -> None:
    nothing, line = np.zeros((2, 8, 8), bool)
    line[3, 1:6] = True
    assert score(counts(nothing, nothing)) == 1
    assert score(counts(line, nothing)) == score(counts(nothing, line)) == 0
    assert score(counts(line, line)) == 1


def test_the_interval_is_that_of_a_loop_over_resamples() -> None:
    counts = crack_counts(30, 0.6)
    low, high = bootstrap(counts, f1)
    rng = np.random.default_rng(1)
    scores = [f1(counts[rng.integers(0, 30, 30)].sum(axis=0)) for _ in range(4000)]
    assert (low, high) == pytest.approx(np.percentile(scores, (2.5, 97.5)), abs=0.005)
    assert low < f1(counts.sum(axis=0)) < high
    assert bootstrap(counts, f1) == (low, high) != bootstrap(counts, f1, seed=1)
    inner = bootstrap(counts, f1, confidence=0.5)
    assert low < inner[0] < inner[1] < high


def test_any_measure_of_sums_has_an_interval() -> None:
    counts = np.stack([threshold_counts(softmax[1], truth == 1) for softmax, truth in map(drawn_photograph, range(20))])
    for measure in (ods, average_precision):
        low, high = bootstrap(counts, measure, resamples=200)
        assert low < measure(counts.sum(axis=0)) < high
    assert bootstrap(counts[:1], ods) == (ods(counts[0]),) * 2
    tolerant = np.tile([8, 10, 5, 10], (6, 1))
    assert bootstrap(tolerant, tolerant_f1) == pytest.approx((0.8 / 1.3,) * 2)


def test_what_is_worse_on_the_same_photographs() -> None:
    good, bad = crack_counts(40, 0.1), crack_counts(40, 0.6)
    assert paired_bootstrap(bad, good, f1) == 1 / 2001
    assert paired_bootstrap(good, bad, f1) == paired_bootstrap(good, good, f1) == 1
    hard = np.arange(40)[:, None] % 2 * [-300, 300, 300] + [400, 0, 0]  # half of the photographs are hard for both
    assert paired_bootstrap(hard + np.array([-5, 0, 5]), hard, f1) < 0.01


def test_equal_networks_are_called_worse_as_seldom_as_they_should_be() -> None:
    pairs = range(0, 400, 2)
    values = [paired_bootstrap(crack_counts(40, 0.5, i), crack_counts(40, 0.5, i + 1), f1, 200) for i in pairs]
    assert 0.01 <= np.mean(np.array(values) < 0.05) <= 0.11
    assert np.mean(values) == pytest.approx(0.5, abs=0.07)


def test_the_import_is_light() -> None:
    code = "import sys, ftl.evaluation.segmentation; assert not {'torch', 'skimage', 'sklearn'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
