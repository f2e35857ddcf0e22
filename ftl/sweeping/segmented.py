"""The segmenters of a sweep: candidates that draw masks, in folders beside the networks that they are made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ftl.config import SegmentConfig
from ftl.data.segmentation import SegmentationSet
from ftl.device import trained_in
from ftl.evaluation.evaluate_masks import evaluate_masks, threshold_of
from ftl.files import digest, made_before, versions, whole_folder, write_json
from ftl.models.io import load_backbone
from ftl.models.layout import DESCRIPTION, HEAD, SEGMENTED, TEST, VALIDATION, candidate_name
from ftl.models.network_folder import network_digest, rewrite_network
from ftl.models.segmenter_files import load_segmenter, write_decoder
from ftl.progress import Report, silent
from ftl.sweeping.tuned_networks import CURVE
from ftl.training.early_stopping import Epoch
from ftl.training.segment import train_segmenter

_STATE = "segmenting.safetensors"


def make_segmenter(
    folder: Path,
    data: SegmentationSet,
    train: np.ndarray,
    held_out: np.ndarray,
    config: SegmentConfig,
    *,
    seed: int = 0,
    photo: str | None = None,
    report: Report = silent,
    hear: Callable[[Epoch], None] = lambda epoch: None,
) -> Path:
    """Write the segmenter of a network's folder, whole or not at all; left alone if it fits. Returns its folder.

    `train`, `held_out`: indices of the photographs that it is trained on, and of those that choose its threshold and
    are reported in `validation.json`. `photo`: what the two were split by. A run that was cut off goes on after its
    last whole round.
    """
    made = folder.parent / candidate_name(folder.name, SEGMENTED)
    made_from = {
        "from_sha256": network_digest(folder),
        "dataset_sha256": data.digest(),
        "held_out": [data.images[index].name for index in held_out],
        "seed": seed,
        "photo": photo,
        "segment": config.model_dump(),
    }
    if (made / DESCRIPTION).is_file() and made_before(made / VALIDATION, made_from):
        return made
    trained = train_segmenter(
        load_backbone(folder), data, train, held_out, config=config, seed=seed,
        state_file=folder / _STATE, made_from=made_from, report=report, hear=hear,
    )  # fmt: skip
    model, chosen_by = trained.segmenter, data.take(held_out)
    model.threshold = threshold_of(model, chosen_by, report)
    validation = evaluate_masks(model, chosen_by, report=report)
    with whole_folder(made) as draft:
        rewrite_network(draft, folder, model.network, SEGMENTED)
        write_decoder(draft, model)
        write_json(draft / CURVE, {"epochs": [point._asdict() for point in trained.curve]})
        write_json(draft / VALIDATION, validation | made_from | {"trained_in": trained_in(), "versions": versions()})
    (folder / _STATE).unlink(missing_ok=True)
    return made


def measure_segmenter(folder: Path, data: SegmentationSet, report: Report = silent) -> dict[str, Any]:
    """Write `folder/test.json`: what a segmenter is worth on test photographs; left alone if it fits."""
    made_from = {
        "evaluation_sha256": data.digest(),
        "head_sha256": digest(folder / HEAD),
        "network_sha256": network_digest(folder),
    }
    if before := made_before(folder / TEST, made_from):
        return before
    result = evaluate_masks(load_segmenter(folder), data, report=report) | made_from | {"versions": versions()}
    write_json(folder / TEST, result)
    return result
