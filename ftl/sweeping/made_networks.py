"""Fine-tuned and recalibrated candidates of a pruned network, in folders beside its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ftl.config import FineTuneConfig
from ftl.data.dataset import Dataset, folds, photo_ids, split
from ftl.data.images import read_image, resize_image
from ftl.device import device_of, trained_in
from ftl.errors import FtlError
from ftl.evaluation.metrics import validate
from ftl.files import digest, made_before, read_json, versions, whole_folder, write_json
from ftl.models.backbone import Backbone
from ftl.models.classifier import read_head, write_head
from ftl.models.head import Head, features_from
from ftl.models.io import load_backbone
from ftl.models.layout import BASE, DESCRIPTION, FEATURES, HEAD, RECALIBRATED, TUNED, VALIDATION, candidate_name
from ftl.models.network_folder import network_digest, read_description, rewrite_network
from ftl.progress import Report, silent
from ftl.training.epoch import Epoch
from ftl.training.features import read_features
from ftl.training.finetune import Tuned, fine_tune
from ftl.training.loop import Photographs, inputs
from ftl.training.recalibrate import recalibrate

CURVE, ANSWERS = "curve.json", "answers.json"
_STATE = "tuning.safetensors"
HELD_BYTES = 2**30
"""Photographs of no more than this, decoded, are held in memory; of more, each is read again whenever it is needed."""

_STOPPING = 8  # the inverse of the share of the training images whose loss says which epoch to keep


def photographs_of(paths: Sequence[Path], size: int) -> Photographs:
    """The images at `paths`, RGB uint8 (n, size, size, 3), by their indices."""

    def read(path: Path) -> np.ndarray:
        return resize_image(read_image(path), size)

    def some(indices: np.ndarray) -> np.ndarray:
        with ThreadPoolExecutor() as pool:
            return np.stack([*pool.map(read, [paths[index] for index in indices])])

    if 3 * size * size * len(paths) > HELD_BYTES:
        return some
    return some(np.arange(len(paths))).__getitem__


def make(
    head: str,
    folder: Path,
    dataset: Dataset,
    config: FineTuneConfig,
    *,
    seed: int,
    photo: str | None,
    positive: str | None,
    files: Sequence[Path] | None = None,
    report: Report = silent,
    hear: Callable[[Epoch], None] = lambda epoch: None,
) -> Path:
    """Write a candidate with another head, of a pruned network's folder: its own folder, ready for `train` or `test`.

    `files`: where this machine has the images, if not at `dataset.paths`.
    """
    if head == RECALIBRATED:
        return recalibrated(folder, dataset, seed=seed, photo=photo, files=files)
    return tune(
        folder, dataset, config, seed=seed, photo=photo, positive=positive, files=files, report=report, hear=hear
    )


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
    made = folder.parent / candidate_name(folder.name, TUNED)
    if (made / DESCRIPTION).is_file() and made_before(made / VALIDATION, made_from):
        return made
    network = load_backbone(folder)
    photographs = photographs_of(files or dataset.paths, network.preprocess.size)
    teacher = answers(folder.parent / BASE, dataset) if config.distillation else None
    tuned, held_out = fit(
        network, photographs, dataset, config, seed=seed, photo=photo, teacher=teacher,
        state_file=folder / _STATE, made_from=made_from, report=report, hear=hear,
    )  # fmt: skip
    answered = answers_of(tuned.network, tuned.head, photographs, held_out)
    validation = validate(answered, dataset.labels[held_out], dataset.classes, positive)
    validation["paths"] = [str(dataset.paths[index]) for index in held_out]
    with whole_folder(made) as draft:
        rewrite_network(draft, folder, tuned.network, TUNED)
        write_head(draft, tuned.head)
        write_json(draft / CURVE, {"epochs": [point._asdict() for point in tuned.curve]})
        write_json(draft / VALIDATION, validation | made_from | {"trained_in": trained_in(), "versions": versions()})
    (folder / _STATE).unlink(missing_ok=True)
    return made


def fit(
    network: Backbone,
    photographs: Photographs,
    dataset: Dataset,
    config: FineTuneConfig,
    *,
    seed: int,
    photo: str | None,
    **more: Any,
) -> tuple[Tuned, np.ndarray]:
    """Fine-tune on the images that a linear head trains on; also gives the indices of those held out for choosing.

    An eighth of the images trained on, by photo where told, says which epoch to keep. `more`: as `fine_tune` takes it.
    """
    learn, stop, held_out = stopping_split(dataset, seed=seed, photo=photo, most=_STOPPING)
    tuned = fine_tune(
        network, photographs, dataset.labels, dataset.classes, learn, stop, config=config, seed=seed, **more
    )
    return tuned, held_out


def stopping_split(
    dataset: Dataset, *, seed: int, photo: str | None, most: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices of the training set, the early-stopping set and the validation set, the last as in `ftl.sweeping.heads`.

    `most`: the inverse of the share of the training images that says when to stop, where there are enough photos.
    """
    train, held_out = split(dataset, seed=seed, photo=photo)
    photos = photo_ids(dataset.paths, photo)
    learn, stop = folds(dataset.labels[train], [photos[index] for index in train], seed, most)[0]
    return train[learn], train[stop], held_out


@torch.inference_mode()
def answers_of(network: Backbone, head: Head, photographs: Photographs, indices: np.ndarray) -> np.ndarray:
    """Class probabilities (n, classes) of some of the photographs."""
    network.to(device_of())
    maps = (network(x).cpu() for x in inputs(network, photographs, indices))
    found = np.concatenate([head.probabilities(features_from(one, pooled=head.pooled)) for one in maps])
    network.cpu()
    return found


def recalibrated(
    folder: Path, dataset: Dataset, *, seed: int = 0, photo: str | None = None, files: Sequence[Path] | None = None
) -> Path:
    """Write the recalibrated network of a pruned network's folder, from the images trained on; left alone if it fits.

    Its head is fitted like that of any network.
    """
    made = folder.parent / candidate_name(folder.name, RECALIBRATED)
    if (made / DESCRIPTION).is_file() and read_description(made)["from_sha256"] == network_digest(folder):
        return made
    network = load_backbone(folder)
    train, _ = split(dataset, seed=seed, photo=photo)
    changed = recalibrate(network, photographs_of(files or dataset.paths, network.preprocess.size), train, seed)
    with whole_folder(made) as draft:
        rewrite_network(draft, folder, changed, RECALIBRATED)
    return made


def write_answers(base: Path) -> None:
    """Write what the unpruned network says of all its images, for those that learn from it; left alone if it fits."""
    head_sha256 = digest(base / HEAD)
    if made_before(base / ANSWERS, {"head_sha256": head_sha256}):
        return
    features, seen = read_features(base / FEATURES)
    probabilities = read_head(base / HEAD).probabilities(features)
    said = {key: row.tolist() for key, row in zip(seen.digests, probabilities, strict=True)}
    write_json(base / ANSWERS, {"head_sha256": head_sha256, "probabilities": said})


def answers(base: Path, dataset: Dataset) -> np.ndarray:
    """What the unpruned network says of all images (N, classes). Raises `FtlError` when it was not written."""
    said = read_json(base / ANSWERS)["probabilities"]
    try:
        return np.array([said[content] for content in dataset.digests])
    except KeyError:
        raise FtlError(f"{base} has not seen all images that it is to teach: train its classifier on them") from None
