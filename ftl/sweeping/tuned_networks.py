"""Fine-tuned and BN-recalibrated networks, in folders beside those that they are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ftl.config import FineTuneConfig
from ftl.data.dataset import Dataset, split
from ftl.device import trained_in
from ftl.errors import FtlError
from ftl.evaluation.metrics import validate
from ftl.files import digest, made_before, read_json, versions, whole_folder, write_json
from ftl.models.classifier import read_head, write_head
from ftl.models.io import load_backbone
from ftl.models.layout import DESCRIPTION, FEATURES, HEAD, RECALIBRATED, TUNED, UNPRUNED, VALIDATION, candidate_name
from ftl.models.network_folder import network_digest, read_description, rewrite_network
from ftl.progress import Report, silent
from ftl.training.early_stopping import Epoch
from ftl.training.features import read_features
from ftl.training.recalibrate import recalibrate
from ftl.training.train import answers_of, fit, photographs_of

CURVE, ANSWERS = "curve.json", "answers.json"
_STATE = "tuning.safetensors"


def tune(
    folder: Path,
    dataset: Dataset,
    config: FineTuneConfig,
    *,
    seed: int = 0,
    photo: str | None = None,
    positive: str | None = None,
    files: Sequence[Path] | None = None,
    report: Report = silent,
    hear: Callable[[Epoch], None] = lambda epoch: None,
) -> Path:
    """Write the fine-tuned candidate of a pruned network's folder, whole or not at all; left alone if it fits.

    The images held out for choosing are those of `ftl.sweeping.heads`. A run that was cut off goes on after its last
    whole epoch. Raises `FtlError` when the unpruned network is to teach and has no answers yet.
    """
    made_from = {
        "from_sha256": network_digest(folder),
        "dataset_sha256": dataset.digest(),
        "seed": seed,
        "photo": photo,
        "looked_for": positive,
        "fine_tune": config.model_dump(),
    }
    target = folder.parent / candidate_name(folder.name, TUNED)
    if (target / DESCRIPTION).is_file() and made_before(target / VALIDATION, made_from):
        return target
    network = load_backbone(folder)
    photographs = photographs_of(files or dataset.paths, network.preprocess.size)
    teacher = answers(folder.parent / UNPRUNED, dataset) if config.distillation else None
    tuned, held_out = fit(
        network, photographs, dataset, config, seed=seed, photo=photo, teacher=teacher,
        state_file=folder / _STATE, made_from=made_from, report=report, hear=hear,
    )  # fmt: skip
    answered = answers_of(tuned.network, tuned.head, photographs, held_out)
    validation = validate(answered, dataset.labels[held_out], dataset.classes, positive)
    validation["paths"] = [str(dataset.paths[index]) for index in held_out]
    with whole_folder(target) as draft:
        rewrite_network(draft, folder, tuned.network, TUNED)
        write_head(draft, tuned.head)
        write_json(draft / CURVE, {"epochs": [point._asdict() for point in tuned.curve]})
        write_json(draft / VALIDATION, validation | made_from | {"trained_in": trained_in(), "versions": versions()})
    (folder / _STATE).unlink(missing_ok=True)
    return target


def recalibrated(
    folder: Path, dataset: Dataset, *, seed: int = 0, photo: str | None = None, files: Sequence[Path] | None = None
) -> Path:
    """Write the recalibrated network of a pruned network's folder, from the images trained on; left alone if it fits.

    Its head is fitted like that of any network.
    """
    target = folder.parent / candidate_name(folder.name, RECALIBRATED)
    if (target / DESCRIPTION).is_file() and read_description(target)["from_sha256"] == network_digest(folder):
        return target
    network = load_backbone(folder)
    train, _ = split(dataset, seed=seed, photo=photo)
    changed = recalibrate(network, photographs_of(files or dataset.paths, network.preprocess.size), train, seed)
    with whole_folder(target) as draft:
        rewrite_network(draft, folder, changed, RECALIBRATED)
    return target


def write_answers(unpruned: Path) -> None:
    """Write what the unpruned network says of all its images, for those that learn from it; left alone if it fits."""
    head_sha256 = digest(unpruned / HEAD)
    if made_before(unpruned / ANSWERS, {"head_sha256": head_sha256}):
        return
    features, seen = read_features(unpruned / FEATURES)
    probabilities = read_head(unpruned / HEAD).probabilities(features)
    said = {key: row.tolist() for key, row in zip(seen.digests, probabilities, strict=True)}
    write_json(unpruned / ANSWERS, {"head_sha256": head_sha256, "probabilities": said})


def answers(unpruned: Path, dataset: Dataset) -> np.ndarray:
    """What the unpruned network says of all images (N, classes). Raises `FtlError` when it was not written."""
    said = read_json(unpruned / ANSWERS)["probabilities"]
    try:
        return np.array([said[content] for content in dataset.digests])
    except KeyError:
        raise FtlError(
            f"{unpruned} has not seen all images that it is to teach: train its classifier on them"
        ) from None
