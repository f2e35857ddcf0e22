"""The linear head's cross-validated fit beside scikit-learn's, on the raw features and on the row space of the images.

    python -m benchmarks.head [NETWORK_FOLDER]

NETWORK_FOLDER: a network of a sweep with features.h5 and evaluation.h5, as `ftl run` leaves it (the unpruned VGG16 has
25,088 features). Without it, features are drawn: sparse and positive, as a ReLU leaves them.

The fair peer is scikit-learn on the row space: with n images the best weights are combinations of them, so n features
Z = U sqrt(S) with Z Z' = X X' = U S U' have the same optimum as all 25,088. `LogisticRegressionCV` then chooses C on
the same folds, each C from the one before, and fits to all. Its time covers all that a head on raw features takes: the
Gram matrix, its eigenvectors, the fits, and the way back. On the raw features there is the plain grid search.
The same is then done with four classes made of the same images, but for the grid search, which takes minutes.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import GridSearchCV

from benchmarks._material import head_line, seconds
from ftl.data.dataset import folds
from ftl.latency.machine_load import look
from ftl.models.head import Head
from ftl.models.layout import EVALUATION, FEATURES
from ftl.training import logistic
from ftl.training.features import read_features
from ftl.training.linear_head import CS, Folds, fit_head

IMAGES = 800
TURNS = 2
"""Each fit is timed so often, in turns; the shortest time counts. The grid search on raw features is timed once."""

SOLVERS = {"newton-cholesky": 1e-6, "lbfgs": 1e-6}
"""scikit-learn's solvers on the row space, with their tolerances; it warns where they do not reach it."""


class Fit(NamedTuple):
    """A fitted head, its mean accuracy over the folds for each C, and how many fits did not converge."""

    head: Head
    scores: np.ndarray
    unconverged: int = 0


def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.arange(2 * IMAGES) % 2
    centres = rng.standard_normal((2, 25_088)) * 0.05
    features = np.maximum(0, rng.standard_normal((2 * IMAGES, 25_088)) + centres[labels] - 1) * 20
    return features[:IMAGES].astype(np.float32), labels[:IMAGES], features[IMAGES:].astype(np.float32)


def real(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    features, dataset = read_features(folder / FEATURES)
    chosen = np.concatenate([np.flatnonzero(dataset.labels == label)[: IMAGES // 2] for label in (0, 1)])
    test, _ = read_features(folder / EVALUATION)
    return features[chosen], dataset.labels[chosen], test


def names(labels: np.ndarray) -> tuple[str, ...]:
    return tuple(str(label) for label in np.unique(labels))


def ours(features: np.ndarray, labels: np.ndarray, splits: Folds) -> Fit:
    head = fit_head(features, labels, names(labels), splits)
    return Fit(head, np.array(head.scores))


class RowSpace(NamedTuple):
    """Images as n features Z = U sqrt(S), and the way from weights on these to weights on the raw features."""

    points: np.ndarray
    vectors: np.ndarray
    roots: np.ndarray
    features: np.ndarray

    def head(self, model: LogisticRegression | LogisticRegressionCV, labels: np.ndarray, c: float) -> Head:
        weight = (model.coef_ / self.roots @ self.vectors.T).astype(np.float32) @ self.features
        return Head(weight, model.intercept_.astype(np.float32), names(labels), c)


def row_space(features: np.ndarray) -> RowSpace:
    values, vectors = np.linalg.eigh(logistic.gram(features))
    used = values > len(values) * np.finfo(np.float64).eps * values[-1]
    roots, vectors = np.sqrt(values[used]), vectors[:, used]
    return RowSpace(vectors * roots, vectors, roots, features)


def on_row_space(features: np.ndarray, labels: np.ndarray, splits: Folds, solver: str) -> Fit:
    space = row_space(features)
    model = LogisticRegressionCV(
        Cs=list(CS), cv=list(splits), solver=solver, tol=SOLVERS[solver], max_iter=2000, scoring="accuracy",
        l1_ratios=(0.0,), use_legacy_attributes=False,
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(space.points, labels)
    stopped = sum(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    scores = np.asarray(model.scores_).reshape(len(splits), len(CS)).mean(0)
    return Fit(space.head(model, labels, float(model.C_)), scores, stopped)


def at_our_c(features: np.ndarray, labels: np.ndarray, c: float) -> Head:
    """scikit-learn's optimum for the C that we chose: where accuracies are nearly equal, each may choose another."""
    space = row_space(features)
    return space.head(LogisticRegression(C=c, solver="newton-cholesky", tol=1e-10).fit(space.points, labels), labels, c)


def on_raw_features(features: np.ndarray, labels: np.ndarray, splits: Folds) -> Fit:
    search = GridSearchCV(LogisticRegression(max_iter=2000), {"C": list(CS)}, cv=list(splits))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        search.fit(features, labels)
    model = search.best_estimator_
    head = Head(model.coef_.astype(np.float32), model.intercept_.astype(np.float32), names(labels), float(model.C))
    stopped = sum(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return Fit(head, search.cv_results_["mean_test_score"], stopped)


def timed(work: Callable[[], Fit]) -> tuple[float, Fit]:
    made: list[Fit] = []
    took = seconds(lambda: made.append(work()))
    return took, made[0]


def compare(features: np.ndarray, labels: np.ndarray, test: np.ndarray, splits: Folds, turns: int = TURNS) -> None:
    """Print times, and differences of what is fitted, of ours and of scikit-learn on the row space."""
    ways: dict[str, Callable[[], Fit]] = {"Newton on the Gram matrix": partial(ours, features, labels, splits)}
    for solver in SOLVERS:
        ways[f"scikit-learn on the row space, {solver}"] = partial(on_row_space, features, labels, splits, solver)
    busy = look(1.0)
    taken = [{name: timed(way) for name, way in ways.items()} for _ in range(turns)]
    found = {name: (min(turn[name][0] for turn in taken), taken[0][name][1]) for name in ways}
    (took, mine), *others = found.values()
    print(f"  {len(names(labels))} classes; other programs used {100 * busy:.0f} % of the processor just before")
    print(f"    {next(iter(ways))}: {took:.2f} s, C = {mine.head.c:g}")
    for name, (time, fit) in zip([*ways][1:], others, strict=True):
        print(
            f"    {name}: {time:.2f} s, {time / took:.1f} times as long, C = {fit.head.c:g}, "
            f"{fit.unconverged} fits did not converge, mean fold accuracies differ by at most "
            f"{np.abs(fit.scores - mine.scores).max():.5f}"
        )
    assert mine.head.c is not None
    theirs, own = at_our_c(features, labels, mine.head.c).probabilities(test), mine.head.probabilities(test)
    same = np.mean(theirs.argmax(1) == own.argmax(1))
    print(
        f"    at C = {mine.head.c:g} the probabilities of {len(test)} test images differ by at most "
        f"{np.abs(theirs - own).max():.7f}, and {100 * same:.1f} % get the same class"
    )


def main() -> None:
    features, labels, test = real(Path(sys.argv[1])) if len(sys.argv) > 1 else drawn()
    head_line(f"head on {len(features)} images of {features.shape[1]:,} features, nine C, four folds")
    splits = folds(labels, [str(index) for index in range(len(labels))], 0)
    compare(features, labels, test, splits)
    took, fit = timed(partial(on_raw_features, features, labels, splits))
    print(f"    scikit-learn's grid search on the raw features: {took:.2f} s, {fit.unconverged} fits did not converge")
    four = 2 * labels + np.arange(len(labels)) // 2 % 2  # made labels alternate
    compare(features, four, test, folds(four, [str(index) for index in range(len(labels))], 0), turns=1)


if __name__ == "__main__":
    main()
