"""Fit a head for every network of a sweep, and keep what it is worth on images held out for choosing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ftl.dataset import Dataset, folds, photo_ids, split
from ftl.errors import FtlError
from ftl.features import FEATURES, read_features
from ftl.files import digest, versions
from ftl.head import Head, fit_head
from ftl.metrics import summarise
from ftl.model import HEAD, read_head, write_head


def train_head(
    features: np.ndarray, dataset: Dataset, *, seed: int, photo: str | None = None
) -> tuple[Head, dict[str, Any]]:
    """Fit on three quarters with a 4-fold search for C, and validate on the last quarter, by photo where told.

    Returns the head and its validation: `summarise`'s figures, with `right`, one bool per image held out, and `paths`.
    """
    train, held_out = split(dataset, seed=seed, photo=photo)
    photos = photo_ids(dataset.paths, photo)
    inner = folds(dataset.labels[train], [photos[index] for index in train], seed)
    head = fit_head(features[train], dataset.labels[train], dataset.classes, inner)
    predicted = head.probabilities(features[held_out]).argmax(1)
    validation = summarise(dataset.labels[held_out], predicted, dataset.classes)
    validation["right"] = [bool(one) for one in predicted == dataset.labels[held_out]]
    validation["paths"] = [str(dataset.paths[index]) for index in held_out]
    return head, validation


def train(folder: Path, *, seed: int = 0, photo: str | None = None) -> dict[str, Any]:
    """Write `folder/head.safetensors` for a network's folder with features, unless it is there and fits.

    Returns the header: `validation`, `seed`, `photo`, `features_sha256`.
    """
    made_from = {"features_sha256": digest_of(folder / FEATURES), "seed": seed, "photo": photo}
    if (folder / HEAD).is_file():
        _, header = read_head(folder / HEAD)
        if all(header.get(key) == value for key, value in made_from.items()):
            return header
    features, dataset = read_features(folder / FEATURES)
    head, validation = train_head(features, dataset, seed=seed, photo=photo)
    header = made_from | {"validation": validation, "versions": versions()}
    write_head(folder, head, header)
    return header


def digest_of(file: Path) -> str:
    """SHA-256 of a file that an earlier step should have written. Raises `FtlError` when it has not."""
    if not file.is_file():
        raise FtlError(f"there is no {file}: run ftl extract {file.parent.parent} first")
    return digest(file)
