"""Fit a head for every network of a sweep, and keep what it is worth on images held out for choosing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ftl.dataset import Dataset, folds, photo_ids, split
from ftl.errors import FtlError
from ftl.features import FEATURES, read_features
from ftl.files import digest, read_json, versions, write_json
from ftl.head import Head, fit_head
from ftl.metrics import summarise
from ftl.model import HEAD, VALIDATION, write_head


def train_head(
    features: np.ndarray, dataset: Dataset, *, seed: int, photo: str | None = None, positive: str | None = None
) -> tuple[Head, dict[str, Any]]:
    """Fit on three quarters with a 4-fold search for C, and validate on the last quarter, by photo where told.

    Returns the head and its validation: `summarise`'s figures, with `right`, one bool per image held out, and `paths`.
    """
    train, held_out = split(dataset, seed=seed, photo=photo)
    photos = photo_ids(dataset.paths, photo)
    inner = folds(dataset.labels[train], [photos[index] for index in train], seed)
    head = fit_head(features[train], dataset.labels[train], dataset.classes, inner)
    predicted = head.probabilities(features[held_out]).argmax(1)
    validation = summarise(dataset.labels[held_out], predicted, dataset.classes, positive)
    validation["right"] = [bool(one) for one in predicted == dataset.labels[held_out]]
    validation["paths"] = [str(dataset.paths[index]) for index in held_out]
    return head, validation


def train(folder: Path, *, seed: int = 0, photo: str | None = None, positive: str | None = None) -> dict[str, Any]:
    """Write `head.safetensors` and `validation.json` for a network's folder with features, unless they fit already.

    `positive`: the class looked for, whose precision, recall and F1 are told; guessed from the names if not given.
    Returns the validation: figures, `right`, `paths`, and what made it.
    """
    features_file = folder / FEATURES
    if not features_file.is_file():
        raise FtlError(f"there is no {features_file}: run ftl extract {folder.parent} first")
    made_from = {"features_sha256": digest(features_file), "seed": seed, "photo": photo, "looked_for": positive}
    if (folder / HEAD).is_file() and (folder / VALIDATION).is_file():
        before = read_json(folder / VALIDATION)
        if all(before.get(key) == value for key, value in made_from.items()):
            return before
    features, dataset = read_features(features_file)
    head, figures = train_head(features, dataset, seed=seed, photo=photo, positive=positive)
    (folder / VALIDATION).unlink(missing_ok=True)  # it vouches for the head, so it is written last
    write_head(folder, head)
    validation = figures | made_from | {"dataset_sha256": dataset.digest(), "versions": versions()}
    write_json(folder / VALIDATION, validation)
    return validation
