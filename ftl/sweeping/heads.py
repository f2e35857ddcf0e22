"""Fit a head for every network of a sweep, and keep what it is worth on images held out for choosing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ftl.config import SweepConfig
from ftl.data.dataset import Dataset
from ftl.errors import FtlError
from ftl.files import digest, made_before, versions, write_json
from ftl.models.classifier import write_head
from ftl.models.layout import FEATURES, HEAD, TUNED, VALIDATION, candidate_name
from ftl.progress import TRAINING, Report, silent
from ftl.sweeping.made_networks import make, write_answers
from ftl.training.features import extract, read_features
from ftl.training.train import train_head


def train(folder: Path, *, seed: int = 0, photo: str | None = None, positive: str | None = None) -> dict[str, Any]:
    """Write `head.safetensors` and `validation.json` for a network's folder with features, unless they fit already.

    `positive`: the class looked for, whose precision, recall and F1 are told; guessed from the names if not given.
    Returns the validation: figures, `right`, `paths`, and what made it.
    """
    features_file = folder / FEATURES
    if not features_file.is_file():
        raise FtlError(f"there is no {features_file}: run ftl extract {folder.parent} first")
    made_from = {"features_sha256": digest(features_file), "seed": seed, "photo": photo, "looked_for": positive}
    if (folder / HEAD).is_file() and (before := made_before(folder / VALIDATION, made_from)):
        return before
    features, dataset = read_features(features_file)
    head, figures = train_head(features, dataset, seed=seed, photo=photo, positive=positive)
    (folder / VALIDATION).unlink(missing_ok=True)  # it vouches for the head, so it is written last
    write_head(folder, head)
    validation = figures | made_from | {"dataset_sha256": dataset.digest(), "versions": versions()}
    write_json(folder / VALIDATION, validation)
    return validation


def train_all(
    folders: Sequence[Path],
    dataset: Dataset,
    config: SweepConfig,
    report: Report = silent,
) -> None:
    """Extract features with the networks of a sweep, the base first, fit their heads, and make what else is wanted."""
    for folder in folders:
        extract(folder, dataset, report)
    for done, folder in enumerate(folders):
        report(done, len(folders), TRAINING)
        train(folder, seed=config.seed, photo=config.photo, positive=config.positive)
    report(len(folders), len(folders), TRAINING)
    if config.distills:
        write_answers(folders[0])
    for folder in folders:
        for head in config.heads_of(folder.name):
            name = candidate_name(folder.name, head)

            def told(done: int, total: int, what: str, name: str = name) -> None:
                report(done, total, f"{what} {name}")

            made = make(
                head, folder, dataset, config.fine_tune, seed=config.seed, photo=config.photo, positive=config.positive,
                report=told,
            )  # fmt: skip
            if head != TUNED:
                extract(made, dataset, report)
                train(made, seed=config.seed, photo=config.photo, positive=config.positive)
