"""The head on the Gram matrix against scikit-learn's grid search on the raw features.

    python -m benchmarks.head [NETWORK_FOLDER]

NETWORK_FOLDER: a network of a sweep with features.h5 and evaluation.h5, as `ftl run` leaves it (the base gives 25,088
features). Without it, features are drawn: sparse and positive, as a ReLU leaves them.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from benchmarks._material import head_line, seconds
from ftl.data.dataset import folds
from ftl.models.head import Head
from ftl.models.layout import EVALUATION, FEATURES
from ftl.training.features import read_features
from ftl.training.linear_head import CS, fit_head

IMAGES = 800


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


def main() -> None:
    features, labels, test = real(Path(sys.argv[1])) if len(sys.argv) > 1 else drawn()
    head_line(f"head on {len(features)} images of {features.shape[1]:,} features, nine C, four folds")
    splits = folds(labels, [str(index) for index in range(len(labels))], 0)
    ours: list[Head] = []
    took = seconds(lambda: ours.append(fit_head(features, labels, ["a", "b"], splits)))
    print(f"  Gram matrix: {took:.1f} s, C = {ours[0].c:g}")
    plain = GridSearchCV(LogisticRegression(max_iter=2000), {"C": list(CS)}, cv=splits)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        theirs = seconds(lambda: plain.fit(features, labels))
    stopped = sum(issubclass(one.category, ConvergenceWarning) for one in caught)
    print(f"  scikit-learn's grid search: {theirs:.1f} s, C = {plain.best_params_['C']:g}, {stopped} did not converge")
    same = np.mean(ours[0].probabilities(test).argmax(1) == plain.predict(test))
    print(
        f"  {theirs / took:.0f} times as fast (aim: at least 10); {100 * same:.2f} % of {len(test)} predictions equal"
    )
    print(f"  mean fold accuracies equal: {np.allclose(ours[0].scores, plain.cv_results_['mean_test_score'])}")


if __name__ == "__main__":
    main()
