"""Predictions: files classified with an exported model, and what is kept of that."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ftl.data import tiles
from ftl.data.images import list_images, read_image, resize_image
from ftl.errors import FtlError
from ftl.evaluation.metrics import positive_class
from ftl.models.classifier import Model
from ftl.models.engines import batch_of, begin, engine_for
from ftl.models.head import features_from
from ftl.progress import Report, silent
from ftl.tables import csv_text


class Prediction(NamedTuple):
    """What a model says of one file; `probability` 0..1 is that of `label`.

    `tiles`: how many tiles of a large photograph show each of the model's classes; of others, the photograph itself.
    """

    file: Path
    label: str
    probability: float
    tiles: tuple[int, ...] = ()


def predict(model: Model, paths: Sequence[Path], report: Report = silent) -> tuple[list[Prediction], list[str]]:
    """Predictions of the readable files, and a sentence for each that is not.

    A model that was trained on tiles looks at large photographs in such tiles: see `ftl.data.tiles.together`.
    """
    predictions, problems = list[Prediction](), list[str]()
    network, head, engine = model.network, model.head, engine_for(model.network, len(paths))
    defect = model.classes.index(looked_for(model))
    read, run, at_once = partial(_read, size=network.preprocess.size, tile=model.tile), None, batch_of(engine)
    files = at_once if model.tile is None else 1  # a photograph may be hundreds of tiles
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), files):
            report(start, len(paths), "predicting")
            some = paths[start : start + files]
            found = [*zip(some, pool.map(read, some), strict=True)]
            problems += [parts for _, parts in found if isinstance(parts, str)]
            readable = [(path, parts) for path, parts in found if not isinstance(parts, str)]
            if not readable:
                continue
            images = np.concatenate([parts for _, parts in readable])
            if run is None:
                _, run = begin(network, network.preprocess, engine, images)
            maps = (run(images[first : first + at_once])[0] for first in range(0, len(images), at_once))
            answers = np.concatenate([head.probabilities(features_from(batch, pooled=head.pooled)) for batch in maps])
            for path, parts in readable:
                own, answers = answers[: len(parts)], answers[len(parts) :]
                best, probability = tiles.together(own, defect)
                counts = tuple(np.bincount(own.argmax(1), minlength=len(model.classes)).tolist())
                predictions.append(Prediction(path, model.classes[best], probability, counts))
    report(len(paths), len(paths), "predicting")
    return predictions, problems


def looked_for(model: Model) -> str:
    """The class that a large photograph shows as soon as one of its tiles does."""
    return model.looked_for or model.classes[positive_class(model.classes)]


def _read(path: Path, size: int, tile: int | None) -> np.ndarray | str:
    """A photograph or its tiles as a network takes them, RGB uint8 (n, size, size, 3), or why it cannot be read."""
    try:
        image = read_image(path)
    except FtlError as error:
        return str(error)
    cut = tiles.cut(image.shape[1], image.shape[0], tile) if tile else []
    parts = [image[top:bottom, left:right] for left, top, right, bottom in cut] or [image]
    return np.stack([resize_image(part, size) for part in parts])


def as_csv(predictions: Sequence[Prediction], classes: Sequence[str] = ()) -> str:
    """`file,class,probability` lines, with how many tiles show each of `classes`, where some are given."""
    rows = ([one.file, one.label, f"{one.probability:.6f}", *one.tiles[: len(classes)]] for one in predictions)
    return csv_text([["file", "class", "probability", *(f"tiles with {name}" for name in classes)], *rows])


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
