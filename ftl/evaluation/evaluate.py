"""Measure a classifier on images that it has not seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from ftl.data.dataset import Dataset
from ftl.device import Device, run_on
from ftl.errors import FtlError
from ftl.evaluation.metrics import summarise
from ftl.models.classifier import Model
from ftl.models.engines import engine_for
from ftl.models.features import features_of
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
    predicted = list[int]()
    with run_on(device):
        engine = engine_for(model.network, len(dataset))
        for features in features_of(model.network, dataset.paths, pooled=model.head.pooled, engine=engine):
            predicted += model.head.probabilities(features).argmax(1).tolist()
            report(len(predicted), len(dataset), "evaluating")
    return summarise(dataset.labels, np.array(predicted), dataset.classes, positive)
