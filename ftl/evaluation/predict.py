"""Predictions: files classified with an exported model, and what is kept of that."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ftl.data.images import list_images, read_image, resize_image
from ftl.errors import FtlError
from ftl.models.classifier import Model
from ftl.models.engines import batch_of, begin, engine_for
from ftl.models.head import features_from
from ftl.progress import Report, silent
from ftl.tables import csv_text


class Prediction(NamedTuple):
    """What a model says of one file; `probability` 0..1 is that of `label`."""

    file: Path
    label: str
    probability: float


def predict(model: Model, paths: Sequence[Path], report: Report = silent) -> tuple[list[Prediction], list[str]]:
    """Predictions of the readable files, and a sentence for each that is not."""
    predictions, problems = list[Prediction](), list[str]()
    network, head, engine = model.network, model.head, engine_for(model.network, len(paths))
    read, run = partial(_read, size=network.preprocess.size), None
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), batch_of(engine)):
            report(start, len(paths), "predicting")
            some = paths[start : start + batch_of(engine)]
            found = [*zip(some, pool.map(read, some), strict=True)]
            problems += [image for _, image in found if isinstance(image, str)]
            readable = [(path, image) for path, image in found if not isinstance(image, str)]
            if not readable:
                continue
            images = np.stack([image for _, image in readable])
            if run is None:
                _, run = begin(network, network.preprocess, engine, images)
            (maps,) = run(images)
            answers = head.probabilities(features_from(maps, pooled=head.pooled))
            for (path, _), scores in zip(readable, answers, strict=True):
                predictions.append(Prediction(path, model.classes[int(scores.argmax())], float(scores.max())))
    report(len(paths), len(paths), "predicting")
    return predictions, problems


def _read(path: Path, size: int) -> np.ndarray | str:
    """A photograph as a network takes it, RGB uint8 (size, size, 3), or why it cannot be read."""
    try:
        return resize_image(read_image(path), size)
    except FtlError as error:
        return str(error)


def as_csv(predictions: Sequence[Prediction]) -> str:
    """`file,class,probability` lines."""
    rows = ([one.file, one.label, f"{one.probability:.6f}"] for one in predictions)
    return csv_text([["file", "class", "probability"], *rows])


def expand(paths: Sequence[str | Path]) -> list[Path]:
    """Files as they are, folders as the images in them. Raises `FtlError` when nothing is left."""
    found = [file for path in map(Path, paths) for file in (list_images(path) if path.is_dir() else [path])]
    if not found:
        raise FtlError("there are no images to predict")
    return found


def predictions(
    paths: Sequence[Path], labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> list[dict[str, Any]]:
    """What is said of images, as `test.json` keeps it: `probabilities` (n, classes), `labels` (n,)."""
    said = zip(paths, labels, probabilities.argmax(1), probabilities.max(1), strict=True)
    return [
        {"file": str(path), "true": classes[true], "predicted": classes[guess], "probability": float(p)}
        for path, true, guess, p in said
    ]
