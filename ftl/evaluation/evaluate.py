"""Measure a classifier on images that it has not seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from ftl.data.dataset import Dataset
from ftl.data.images import read_image
from ftl.device import Device, run_on
from ftl.errors import FtlError
from ftl.evaluation.metrics import summarise
from ftl.models.backbone import placed
from ftl.models.classifier import Model
from ftl.progress import Report, silent


def evaluate(
    model: Model,
    dataset: Dataset,
    *,
    positive: str | None = None,
    device: Device = None,
    report: Report = silent,
) -> dict[str, Any]:
    """Accuracy with its 95 % interval, precision, recall, F1 and confusion matrix, as `summarise` gives them.

    `positive`: the class that precision, recall and F1 are of, where there are two; guessed from the names if not
    given. `device`: where the network runs (`ftl.device.run_on`). Raises `FtlError` when the data set has other
    classes.
    """
    if dataset.classes != model.classes:
        raise FtlError(f"the classes differ: {', '.join(model.classes)} and {', '.join(dataset.classes)}")
    with run_on(device):
        model = Model(placed(model.network), model.head)
    predicted = np.zeros(len(dataset), np.int64)
    for done, path in enumerate(dataset.paths):
        report(done, len(dataset), "evaluating")
        predicted[done] = model.probabilities([read_image(path)])[0].argmax()
    report(len(dataset), len(dataset), "evaluating")
    return summarise(dataset.labels, predicted, dataset.classes, positive)
