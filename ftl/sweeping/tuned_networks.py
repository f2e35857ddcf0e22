"""Fine-tuned and BN-recalibrated networks, in folders beside those that they are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ftl.config import FineTuneConfig
from ftl.data.dataset import Dataset, split
from ftl.data.masks import MaskSet
from ftl.data.photographs import photographs_of
from ftl.device import trained_in
from ftl.errors import FtlError
from ftl.evaluation.metrics import validate
from ftl.files import digest, made_before, read_json, versions, whole_folder, write_json
from ftl.models.backbone import Backbone
from ftl.models.classifier import read_head, write_head
from ftl.models.io import load_backbone
from ftl.models.layout import DESCRIPTION, FEATURES, HEAD, RECALIBRATED, TUNED, UNPRUNED, VALIDATION, candidate_name
from ftl.models.network_folder import network_digest, read_description, rewrite_network
from ftl.progress import Report, silent
from ftl.training.blocks import probabilities_in_blocks
from ftl.training.early_stopping import Epoch
from ftl.training.features import read_features
from ftl.training.map_masks import map_masks, targets_of
from ftl.training.recalibrate import recalibrate
from ftl.training.train import answers_of, fit

CURVE, ANSWERS = "curve.json", "answers.json"
MASKS = "map_masks.json"
"""In a sweep's folder: the masks that fine-tuned networks learn, by the SHA-256 of their photographs, a row a string.
"""
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
    whole epoch. Raises `FtlError` when the unpruned network is to teach and has no answers yet, or masks are to be
    learnt and there are none.
    """
    made_from: dict[str, Any] = {
        "from_sha256": network_digest(folder),
        "dataset_sha256": dataset.digest(),
        "seed": seed,
        "photo": photo,
        "looked_for": positive,
        "fine_tune": config.model_dump(),
    }
    drawn = learnt_masks(folder.parent, dataset) if config.mask_weight else None
    if drawn is not None:
        made_from["masks_sha256"] = digest(folder.parent / MASKS)
    target = folder.parent / candidate_name(folder.name, TUNED)
    if (target / DESCRIPTION).is_file() and made_before(target / VALIDATION, made_from):
        return target
    network = load_backbone(folder)
    photographs = photographs_of(files or dataset.paths, network.preprocess.size)
    teacher = answers(folder.parent / UNPRUNED, dataset) if config.distillation else None
    tuned, held_out = fit(
        network, photographs, dataset, config, seed=seed, photo=photo, teacher=teacher, masks=drawn,
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
    probabilities = probabilities_in_blocks(read_head(unpruned / HEAD), features)
    said = {key: row.tolist() for key, row in zip(seen.digests, probabilities, strict=True)}
    write_json(unpruned / ANSWERS, {"head_sha256": head_sha256, "probabilities": said})


def write_masks(out: Path, network: Backbone, masks: MaskSet) -> None:
    """Write the masks that a sweep's fine-tuned networks learn: cut or not, their last maps are of one size."""
    drawn = map_masks(network, masks).items()
    rows = {content: ["".join(map(str, row)) for row in mask.tolist()] for content, mask in drawn}
    write_json(out / MASKS, rows)


def learnt_masks(out: Path, dataset: Dataset) -> np.ndarray:
    """The masks of a data set's images (`targets_of`). Raises `FtlError` when a sweep has none of them."""
    if not (out / MASKS).is_file():
        raise FtlError(f"{out} has no masks to learn beside the classes: give the weight of masks to ftl run")
    drawn = read_json(out / MASKS).items()
    found = {content: np.array([[*map(int, row)] for row in rows], np.uint8) for content, rows in drawn}
    return targets_of(dataset, found)


def answers(unpruned: Path, dataset: Dataset) -> np.ndarray:
    """What the unpruned network says of all images (N, classes). Raises `FtlError` when it was not written."""
    said = read_json(unpruned / ANSWERS)["probabilities"]
    try:
        return np.array([said[content] for content in dataset.digests])
    except KeyError:
        raise FtlError(
            f"{unpruned} has not seen all images that it is to teach: train its classifier on them"
        ) from None
