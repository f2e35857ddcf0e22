"""The head that is fitted on the images' Gram matrix is the head that scikit-learn fits on their features."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from ftl.data.dataset import folds
from ftl.errors import FtlError
from ftl.models.head import Head
from ftl.training import linear_head as head_module
from ftl.training import logistic
from ftl.training.linear_head import CS, fit_head


def made(seed: int, count: int, width: int, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centres = rng.standard_normal((classes, width))
    features = np.maximum(0, rng.standard_normal((count, width)) * 3 + centres[labels])
    return features.astype(np.float32), labels


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 99), st.sampled_from([(40, 300), (40, 25)]), st.sampled_from([2, 3]))
def test_head_equals_scikit_learns_grid_search(seed: int, shape: tuple[int, int], classes: int) -> None:
    assert_equals_grid_search(seed, shape, classes)


@pytest.mark.parametrize("classes", [2, 3])
def test_head_of_many_images_with_few_features_equals_it_too(monkeypatch: pytest.MonkeyPatch, classes: int) -> None:
    monkeypatch.setattr(head_module, "_FEW", 0)
    assert_equals_grid_search(5, (60, 10), classes)


@pytest.mark.parametrize("classes", [2, 4])
def test_newtons_minimum_has_no_gradient_even_where_nothing_is_left_to_separate(classes: int) -> None:
    features, labels = made(3, 48, 400, classes)
    features = features.astype(np.float64) * 30
    products, c = logistic.gram(features), 1e4
    coefficients, bias = logistic.fit(products, labels, classes, c)
    logits = c * products @ coefficients + bias
    chance = expit(logits) if classes == 2 else softmax(logits, axis=1)
    truth = labels[:, None] if classes == 2 else np.eye(classes)[labels]
    residual = truth - chance  # what the weights' coefficients equal at the minimum
    np.testing.assert_allclose(coefficients, residual, atol=1e-3 * np.abs(residual).max())
    np.testing.assert_allclose(residual.sum(0), 0, atol=1e-3 * np.abs(residual).max())


@pytest.mark.parametrize(("width", "classes"), [(30, 2), (300, 3)])
def test_of_very_many_images_some_choose_and_all_are_fitted(
    monkeypatch: pytest.MonkeyPatch, width: int, classes: int
) -> None:
    features, labels = made(4, 480, width, classes)
    parts = folds(labels, [*map(str, range(480))], 0)
    names = [str(one) for one in range(classes)]
    few, among = head_module._sample(labels, parts)
    assert len(few) == 480  # up to 4,000 all choose
    monkeypatch.setattr(head_module, "_MOST", 360)
    few, among = head_module._sample(labels, parts)
    assert np.array_equal(np.bincount(labels[few]), [360 // classes] * classes)
    for (train, held_out), (all_train, all_held_out) in zip(among, parts, strict=True):
        assert set(few[train]) == set(few) & set(all_train)
        assert set(few[held_out]) == set(few) & set(all_held_out)
    head = fit_head(features, labels, names, parts)
    assert head.c == fit_head(features[few], labels[few], names, among).c
    model = LogisticRegression(solver="newton-cg", C=head.c, tol=1e-8, max_iter=1000).fit(features, labels)
    np.testing.assert_allclose(head.weight, model.coef_, atol=2e-3 * np.abs(model.coef_).max())


def test_a_class_that_a_fold_would_lose_keeps_all_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_module, "_MOST", 300)
    labels = np.repeat([0, 1], [3000, 1000])
    drawn, _ = head_module._sample(labels, [])
    alone, *others = sorted({*range(3000, 4000)} - {*drawn})  # the only one of its class to train on is not drawn
    parts = [(np.array([*range(2000), alone]), np.array([*range(2000, 3000), *others]))]
    few, among = head_module._sample(labels, parts)
    assert len(few) == 4000
    assert among is parts


def test_features_that_are_no_numbers_are_refused() -> None:
    labels = np.array([0, 1] * 4)
    with pytest.raises(FtlError, match="not finite"):
        fit_head(np.full((8, 3), np.nan, np.float32), labels, ["a", "b"], folds(labels, [*map(str, range(8))], 0))


def assert_equals_grid_search(seed: int, shape: tuple[int, int], classes: int) -> None:
    features, labels = made(seed, *shape, classes)
    splits = folds(labels, [str(index) for index in range(len(labels))], 0)
    cs = CS[:5]
    head = fit_head(features, labels, [str(index) for index in range(classes)], splits, cs)
    plain = GridSearchCV(LogisticRegression(max_iter=5000, tol=1e-8), {"C": list(cs)}, cv=splits)
    plain.fit(features.astype(np.float64), labels)
    np.testing.assert_allclose(head.scores, plain.cv_results_["mean_test_score"])
    assert head.c == plain.best_params_["C"]
    fresh, _ = made(seed + 1, *shape, classes)
    np.testing.assert_allclose(head.probabilities(fresh), plain.predict_proba(fresh), atol=2e-3)
    assert head.weight.shape == (1 if classes == 2 else classes, shape[1])


def test_the_same_data_give_the_same_head() -> None:
    features, labels = made(1, 32, 200)
    splits = folds(labels, [str(index) for index in range(32)], 0)
    first, again = (fit_head(features, labels, ["a", "b"], splits) for _ in range(2))
    assert np.array_equal(first.weight, again.weight)
    assert first.c == again.c


def test_silent_features_give_a_constant_head() -> None:
    labels = np.array([0, 1] * 8)
    splits = folds(labels, [str(index) for index in range(16)], 0)
    head = fit_head(np.zeros((16, 50), np.float32), labels, ["a", "b"], splits)
    np.testing.assert_allclose(head.probabilities(np.ones((1, 50), np.float32)), [[0.5, 0.5]], atol=1e-6)


@pytest.mark.parametrize("rows", [1, 3])
def test_probabilities_add_up(rows: int) -> None:
    head = Head(np.ones((rows, 4), np.float32), np.arange(rows, dtype=np.float32), ("a",) * max(2, rows), 1.0)
    probabilities = head.probabilities(np.full((5, 4), 1000, np.float32))
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(1), 1)
