from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score

from ftl.errors import FtlError
from ftl.evaluation.metrics import beats_rate, mcnemar, positive_class, summarise, wilson


def test_wilson_by_hand() -> None:
    low, high = wilson(8, 10)  # Brown, Cai, DasGupta 2001: 0.490 to 0.943
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share(counts: tuple[int, int]) -> None:
    low, high = wilson(*counts)
    assert 0 <= low <= counts[0] / counts[1] + 1e-12
    assert counts[0] / counts[1] - 1e-12 <= high <= 1


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.01, 0.99))
def test_interval_and_p_values_are_those_of_scipy(counts: tuple[int, int], rate: float) -> None:
    hits, trials = counts
    interval = binomtest(hits, trials).proportion_ci(method="wilson")
    assert wilson(hits, trials) == (interval.low, interval.high)
    assert beats_rate(hits, trials, rate) == binom.sf(hits - 1, trials, rate)
    first = np.arange(trials) < hits
    assert mcnemar(first, ~first) == pytest.approx(binomtest(hits, trials).pvalue, rel=1e-14)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1))
def test_two_classes_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(pairs).T
    got = summarise(truth, predicted, ["Background", "Crack"])
    assert got["confusion"] == confusion_matrix(truth, predicted, labels=[0, 1]).tolist()
    assert got["precision"] == pytest.approx(precision_score(truth, predicted, zero_division=0))
    assert got["recall"] == pytest.approx(recall_score(truth, predicted, zero_division=0))
    assert got["f1"] == pytest.approx(f1_score(truth, predicted, zero_division=0))
    assert got["positive"] == "Crack"


def test_more_classes_are_averaged() -> None:
    truth, predicted = np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])
    got = summarise(truth, predicted, ["a", "b", "c"])
    assert got["f1"] == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert got["positive"] is None


def test_the_class_looked_for_can_be_named() -> None:
    truth, predicted = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    assert summarise(truth, predicted, ["Background", "Crack"], "Background")["recall"] == pytest.approx(2 / 3)
    assert summarise(truth, predicted, ["Background", "Crack"])["recall"] == 1
    with pytest.raises(FtlError, match="'Pore' to look for: there are Background, Crack"):
        summarise(truth, predicted, ["Background", "Crack"], "Pore")


def test_the_class_looked_for() -> None:
    assert positive_class(["Background", "Crack"]) == 1
    assert positive_class(["cracked", "sound"]) == 0
    assert positive_class(["Background", "Rust"]) == 1
    assert positive_class(["Rust", "negative"]) == 0
    assert positive_class(["NoCrack", "WithCrack"]) == 1
    assert positive_class(["Uncracked", "cracked"]) == 1
    assert positive_class(["Defect", "OK"]) == 0
    assert positive_class(["bad", "good"]) == 0


def test_mcnemar() -> None:
    right = np.array([True] * 10 + [False] * 10)
    assert mcnemar(right, right) == 1.0
    assert mcnemar(right, ~right) == 1.0  # ten each way
    assert mcnemar(np.ones(10, bool), np.zeros(10, bool)) == pytest.approx(2 / 2**10)
