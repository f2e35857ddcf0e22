"""Measure the networks of a sweep on images that chose nothing, and time each alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from ftl.dataset import Dataset, without
from ftl.errors import FtlError
from ftl.features import EVALUATION, FEATURES, extract, read_features
from ftl.files import digest, digest_all, machine, read_json, versions, write_json
from ftl.metrics import summarise
from ftl.model import HEAD, read_head
from ftl.progress import Report, silent
from ftl.pruning.network import WEIGHTS
from ftl.timing import time_network
from ftl.train import train_head

TEST, TIME, REPEATS = "test.json", "time.json", "repeats.json"


def apart(folder: Path, evaluation: Dataset, photo: str | None = None) -> Dataset:
    """The evaluation images that the head of `folder` has not seen: not the same file, nor (`photo`) the same photo."""
    _, seen = read_features(folder / FEATURES)
    if evaluation.classes != seen.classes:
        raise FtlError(
            f"the sets have different classes: {', '.join(seen.classes)} and {', '.join(evaluation.classes)}"
        )
    return without(evaluation, seen, photo)


def evaluate(folder: Path, evaluation: Dataset, report: Report = silent) -> dict[str, Any]:
    """Write `folder/test.json`: figures on the evaluation set, and every prediction; left alone if it fits."""
    if not (folder / HEAD).is_file():
        raise FtlError(f"{folder} has no classifier yet: run ftl train {folder.parent}")
    made_from = {
        "evaluation_sha256": digest_all(evaluation.paths),
        "head_sha256": digest(folder / HEAD),
        "network_sha256": digest(folder / WEIGHTS),
    }
    file = folder / TEST
    if file.is_file():
        before: dict[str, Any] = read_json(file)
        if all(before.get(key) == value for key, value in made_from.items()):
            return before
    extract(folder, evaluation, report, EVALUATION)
    head, _ = read_head(folder / HEAD)
    features, dataset = read_features(folder / EVALUATION)
    probabilities = head.probabilities(features)
    predicted = probabilities.argmax(1)
    result = summarise(dataset.labels, predicted, dataset.classes) | made_from | {"versions": versions()}
    result["predictions"] = [
        {"file": str(path), "true": dataset.classes[true], "predicted": dataset.classes[guess], "probability": float(p)}
        for path, true, guess, p in zip(dataset.paths, dataset.labels, predicted, probabilities.max(1), strict=True)
    ]
    write_json(file, result)
    return result


def time_all(folders: Sequence[Path], threads: int | None = None, report: Report = silent) -> None:
    """Time the networks one after the other, each in its own process; those timed already are left alone."""
    for done, folder in enumerate(folders):
        report(done, len(folders), "timing")
        made_from = {"network_sha256": digest(folder / WEIGHTS), "head_sha256": digest(folder / HEAD)}
        file = folder / TIME
        before = read_json(file) if file.is_file() else {}
        fits = all(before.get(key) == value for key, value in made_from.items())
        if not fits or (threads is not None and before.get("threads") != threads):
            write_json(file, time_network(folder, threads) | made_from | {"versions": versions()})
    report(len(folders), len(folders), "timing")


def repeat(
    folder: Path, repeats: int, *, seed: int = 0, photo: str | None = None, report: Report = silent
) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation over repeated runs: each draws another training split and times in a new process.

    Returns them for `accuracy`, `precision`, `recall`, `f1` (test set) and `median_ms`; kept in `folder/repeats.json`.
    """
    made_from = {"repeats": repeats, "seed": seed, "photo": photo, "head_sha256": digest(folder / HEAD)}
    file = folder / REPEATS
    runs: list[dict[str, float]] = []
    if file.is_file() and all(read_json(file).get(key) == value for key, value in made_from.items()):
        runs = read_json(file)["runs"]
    else:
        features, dataset = read_features(folder / FEATURES)
        unseen, evaluation = read_features(folder / EVALUATION)
        for run in range(repeats):
            report(run, repeats, f"repeating {folder.name}")
            head, _ = train_head(features, dataset, seed=seed + run, photo=photo)
            predicted = head.probabilities(unseen).argmax(1)
            figures = summarise(evaluation.labels, predicted, evaluation.classes)
            runs.append({key: figures[key] for key in ("accuracy", "precision", "recall", "f1")})
            runs[-1]["median_ms"] = time_network(folder)["median_ms"]
        report(repeats, repeats, f"repeating {folder.name}")
        write_json(file, made_from | {"runs": runs, "versions": versions(), "machine": machine()})
    return {
        key: (mean(one[key] for one in runs), stdev(one[key] for one in runs) if len(runs) > 1 else 0.0)
        for key in runs[0]
    }
