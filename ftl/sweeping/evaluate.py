"""Measure the networks of a sweep on the test set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from ftl.config import FineTuneConfig
from ftl.data.dataset import Dataset, LeftOut, without
from ftl.data.photographs import photographs_of
from ftl.errors import FtlError
from ftl.evaluation.metrics import summarise
from ftl.evaluation.predict import predictions
from ftl.files import digest, machine, made_before, read_json, versions, write_json
from ftl.latency.networks import time_network
from ftl.models.classifier import read_head
from ftl.models.engines import Engines
from ftl.models.io import load_backbone
from ftl.models.layout import EVALUATION, FEATURES, HEAD, REPEATS, TEST, TIME, TUNED, UNPRUNED, VALIDATION
from ftl.models.network_folder import network_digest
from ftl.progress import Report, silent
from ftl.sweeping.manifest import engine_of, scored_in
from ftl.sweeping.tuned_networks import answers, learnt_masks
from ftl.training.blocks import probabilities_in_blocks
from ftl.training.features import engine_of_features, extract, read_features, read_images, silent_filters
from ftl.training.train import answers_of, fit, train_head


def apart(folder: Path, evaluation: Dataset, photo: str | None = None) -> tuple[Dataset, LeftOut]:
    """The test images that were used neither to choose filters nor to train, and how many others there are.

    Left out are the same files and, with `photo` (by default the pattern that the head was trained with), other crops
    of the same photos. Raises `FtlError` when the classes differ, or nothing is left.
    """
    seen = read_images(folder / FEATURES)
    if evaluation.classes != seen.classes:
        names = [", ".join(one.classes) for one in (seen, evaluation)]
        raise FtlError(f"the sets have different classes: {names[0]} and {names[1]}")
    if photo is None and (folder / VALIDATION).is_file():
        photo = read_json(folder / VALIDATION)["photo"]
    return without(evaluation, seen, photo, scored_in(folder.parent))


def evaluate(
    folder: Path,
    evaluation: Dataset,
    report: Report = silent,
    files: Sequence[Path] | None = None,
    *,
    engines: Engines = Engines(),
) -> dict[str, Any]:
    """Write `folder/test.json`: figures on the evaluation set, and every prediction; left alone if it fits.

    `files`: where this machine has the images, if not at `evaluation.paths`. `engines`: those of the sweep; a linear
    head is measured on features of the engine that it was fitted to.
    """
    if not ((folder / HEAD).is_file() and (folder / VALIDATION).is_file()):
        raise FtlError(f"{folder} has no classifier yet: run ftl train {folder.parent}")
    made_from = {"evaluation_sha256": evaluation.digest(), "head_sha256": digest(folder / HEAD)}
    validation = read_json(folder / VALIDATION)
    made_from["positive"] = positive = validation["positive"]
    made_from["network_sha256"] = network_digest(folder)
    if before := made_before(folder / TEST, made_from):
        return before
    head = read_head(folder / HEAD)
    engine = validation.get("engine") or engine_of(folder, len(evaluation), engines)
    extract(folder, evaluation, report, EVALUATION, files, pooled=head.pooled, engine=engine)
    features, dataset = read_features(folder / EVALUATION)
    probabilities = probabilities_in_blocks(head, features)
    predicted = probabilities.argmax(1)
    result = summarise(dataset.labels, predicted, dataset.classes, positive) | made_from | {"versions": versions()}
    result["engine"] = engine_of_features(folder / EVALUATION)
    result["silent"] = silent_filters(folder / EVALUATION)
    result["predictions"] = predictions(dataset.paths, dataset.labels, probabilities, dataset.classes)
    write_json(folder / TEST, result)
    return result


def repeat(folder: Path, repeats: int, report: Report = silent) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation over repeated runs: each draws another training split and times in a new process.

    Seed, photo pattern and threads are those of the sweep. Returns them for `accuracy`, `precision`, `recall`, `f1`
    (test set) and `median_ms`; `folder/repeats.json` keeps each run as it is done.
    """
    validation, timed = read_json(folder / VALIDATION), read_json(folder / TIME)
    seed, photo, positive = (validation[key] for key in ("seed", "photo", "positive"))
    threads = timed["threads"]
    made_from = {
        "head_sha256": digest(folder / HEAD),
        "evaluation_sha256": read_json(folder / TEST)["evaluation_sha256"],
        "seed": seed,
        "photo": photo,
        "positive": positive,
        "threads": threads,
        "machine": machine(),
    }
    before = made_before(folder / REPEATS, made_from)
    runs: list[dict[str, float]] = [] if before is None else before["runs"]
    once = _repeat_tuned(folder, photo) if "fine_tune" in validation else _repeat_linear(folder, photo)
    for run in range(len(runs), repeats):
        report(run, repeats, f"repeating {folder.name}")
        truth, predicted = once(seed + run)
        figures = summarise(truth, predicted, validation["classes"], positive)
        time = time_network(folder, threads)["median_ms"]
        runs.append({key: figures[key] for key in ("accuracy", "precision", "recall", "f1")} | {"median_ms": time})
        write_json(folder / REPEATS, made_from | {"runs": runs, "versions": versions()})
    report(repeats, repeats, f"repeating {folder.name}")
    return _spread(runs[:repeats])


def repeated(folder: Path) -> tuple[int, dict[str, tuple[float, float]]] | None:
    """How often a candidate was repeated, and what `repeat` gave; None if it never was."""
    runs = read_json(folder / REPEATS)["runs"] if (folder / REPEATS).is_file() else []
    return (len(runs), _spread(runs)) if runs else None


def _spread(chosen: Sequence[dict[str, float]]) -> dict[str, tuple[float, float]]:
    return {
        key: (mean(one[key] for one in chosen), stdev(one[key] for one in chosen) if len(chosen) > 1 else 0.0)
        for key in chosen[0]
    }


Again = Callable[[int], tuple[np.ndarray, np.ndarray]]
"""Trains with another seed: labels of the test set, and what is predicted of it."""


def _repeat_linear(folder: Path, photo: str | None) -> Again:
    features, dataset = read_features(folder / FEATURES)
    unseen, evaluation = read_features(folder / EVALUATION)

    def again(seed: int) -> tuple[np.ndarray, np.ndarray]:
        head, _ = train_head(features, dataset, seed=seed, photo=photo)
        return evaluation.labels, probabilities_in_blocks(head, unseen).argmax(1)

    return again


def _repeat_tuned(folder: Path, photo: str | None) -> Again:
    source = folder.parent / folder.name.removesuffix(f"-{TUNED}")
    dataset, evaluation = read_images(source / FEATURES), read_images(folder / EVALUATION)
    network, config = load_backbone(source), FineTuneConfig(**read_json(folder / VALIDATION)["fine_tune"])
    teacher = answers(source.parent / UNPRUNED, dataset) if config.distillation else None
    masks = learnt_masks(source.parent, dataset) if config.mask_weight else None
    learn, judge = (photographs_of(one.paths, network.preprocess.size) for one in (dataset, evaluation))

    def again(seed: int) -> tuple[np.ndarray, np.ndarray]:
        tuned, _ = fit(network, learn, dataset, config, seed=seed, photo=photo, teacher=teacher, masks=masks)
        everything = np.arange(len(evaluation))
        return evaluation.labels, answers_of(tuned.network, tuned.head, judge, everything).argmax(1)

    return again
