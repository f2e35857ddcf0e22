"""From a network and photographs with masks to a segmenter: trained, given its threshold, and validated."""

from __future__ import annotations

from typing import Any

import numpy as np

from ftl.config import SegmentConfig
from ftl.data.segmentation import SegmentationSet, split_photos
from ftl.device import Device, run_on
from ftl.evaluation.evaluate_masks import figures_of, look, threshold_of
from ftl.models.backbone import Backbone
from ftl.models.segmenter import Segmenter
from ftl.progress import Report, silent
from ftl.training.segment import Trained
from ftl.training.segment import train_segmenter as train_on

VALIDATED_BY = 0.2
"""Share of the photographs that choose the threshold, where there are photos enough."""


def train_segmenter(
    network: Backbone,
    data: SegmentationSet,
    config: SegmentConfig = SegmentConfig(),
    *,
    seed: int = 0,
    photo: str | None = None,
    device: Device = None,
    report: Report = silent,
) -> tuple[Segmenter, dict[str, Any]]:
    """Train a copy of a network, under a decoder, to draw masks on four fifths of the photographs.

    The other fifth is the validation set, which chooses the threshold. `photo`: how a file's name names its photo
    (`SweepConfig.photo`): crops of one photo stay on one side of the split. `device`: where the network is trained
    (`ftl.device.run_on`). Returns the segmenter and its figures on the validation set (`evaluate_masks`). Raises
    `FtlError` where there are too few photographs.
    """
    train, held_out = split_photos(data, photo, seed, VALIDATED_BY)
    with run_on(device):
        trained, validation = fit_segmenter(network, data, train, held_out, config=config, seed=seed, report=report)
    return trained.segmenter, validation


def fit_segmenter(
    network: Backbone | Segmenter,
    data: SegmentationSet,
    train: np.ndarray,
    held_out: np.ndarray,
    *,
    report: Report = silent,
    **more: Any,
) -> tuple[Trained, dict[str, Any]]:
    """Train on the photographs at the indices `train`; those at `held_out` choose the threshold, and validate.

    `more`: as `ftl.training.segment.train_segmenter` takes it.
    """
    trained = train_on(network, data, train, held_out, report=report, **more)
    model, chosen_by = trained.segmenter, data.take(held_out)
    looks = [*look(model, chosen_by, report=report)]
    model.threshold = threshold_of(looks)
    return trained, figures_of(model, chosen_by, looks)
