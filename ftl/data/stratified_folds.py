"""Folds for cross-validation, stratified by label, no group on two sides: those of scikit-learn, index for index.

Importing scikit-learn takes a second, and every process of a sweep splits its images.
"""

from __future__ import annotations

import numpy as np


def stratified_folds(
    labels: np.ndarray, groups: np.ndarray, count: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The splits (train indices, held-out indices) of `StratifiedGroupKFold(count, shuffle=True, random_state=seed)`.

    Args:
        labels: int (n,).
        groups: int (n,), numbers from 0 without gaps.
        count: how many folds; each class has images in at least so many groups.
        seed: what shuffles the groups.
    """
    _, labels, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    of_group = np.zeros((groups.max() + 1, len(sizes)))
    np.add.at(of_group, (groups, labels), 1)
    order = np.arange(len(of_group))
    np.random.RandomState(seed).shuffle(order)
    of_group = of_group[order]
    fold_of, so_far = np.zeros(len(of_group), int), np.zeros((count, len(sizes)))
    for group in np.argsort(-of_group.std(axis=1), kind="stable"):  # those that unbalance a fold most come first
        fold_of[group] = _best_fold(so_far, of_group[group], sizes)
        so_far[fold_of[group]] += of_group[group]
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    fold = fold_of[place[groups]]
    return [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(count)]


def _best_fold(so_far: np.ndarray, group: np.ndarray, sizes: np.ndarray) -> int:
    """The fold with which the classes are spread most evenly over folds; of about equal ones that with fewest images.

    `so_far`: images (folds, classes); `group`: those (classes,) that one of the folds will get.
    """
    given = so_far + np.eye(len(so_far))[:, :, None] * group  # (fold that gets them, folds, classes)
    uneven = (given / sizes).std(axis=1).mean(axis=1).tolist()
    images = so_far.sum(axis=1).tolist()
    best = 0
    for fold in range(1, len(so_far)):
        alike = abs(uneven[fold] - uneven[best]) <= 1e-8 + 1e-5 * uneven[best]
        if uneven[fold] < uneven[best] or (alike and images[fold] < images[best]):
            best = fold
    return best
