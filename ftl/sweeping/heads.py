"""The heads of a sweep's candidates, and what they are worth on images held out for choosing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ftl.config import SweepConfig
from ftl.data.dataset import Dataset
from ftl.errors import FtlError
from ftl.files import digest, made_before, versions, write_json
from ftl.models.classifier import write_head
from ftl.models.engines import Engines
from ftl.models.layout import FEATURES, HEAD, RECALIBRATED, TUNED, UNPRUNED, VALIDATION
from ftl.progress import TRAINING, Report, silent
from ftl.sweeping.manifest import engine_of
from ftl.sweeping.tuned_networks import recalibrated, tune, write_answers
from ftl.training.early_stopping import Epoch
from ftl.training.features import engine_of_features, extract, read_features
from ftl.training.train import train_head


def train(folder: Path, *, seed: int = 0, photo: str | None = None, positive: str | None = None) -> dict[str, Any]:
    """Write `head.safetensors` and `validation.json` for a network's folder with features, unless they fit already.

    `positive`: the class looked for, whose precision, recall and F1 are reported; guessed from the names if not given.
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
    validation["engine"] = engine_of_features(features_file)
    write_json(folder / VALIDATION, validation)
    return validation


def fit_candidate(
    folder: Path,
    head: str,
    config: SweepConfig,
    dataset: Dataset,
    files: Sequence[Path],
    *,
    report: Report = silent,
    learnt: Callable[[Epoch], None] = lambda epoch: None,
    engines: Engines = Engines(),
) -> Path:
    """Make a network's candidate with a kind of head, and fit that; what fits already stays.

    `folder`: the network's; beside it lies the unpruned one where that teaches. `files`: where this machine has the
    images of `dataset`. `learnt` hears of each epoch of fine-tuning. `engines`: those of the sweep
    (`ftl.sweeping.manifest.engines_of`). Returns the candidate's folder.
    """
    settings: dict[str, Any] = {"seed": config.seed, "photo": config.photo, "positive": config.positive}
    if head == RECALIBRATED:
        folder = recalibrated(folder, dataset, seed=config.seed, photo=config.photo, files=files)
    if head == TUNED:
        folder = tune(folder, dataset, config.fine_tune, files=files, report=report, hear=learnt, **settings)
    if head != TUNED:
        extract(folder, dataset, report, files=files, engine=engine_of(folder, len(dataset), engines))
        report(0, 1, TRAINING)
        train(folder, **settings)
    if folder.name == UNPRUNED and config.distills:
        write_answers(folder)
    return folder
