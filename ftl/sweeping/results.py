"""The table of a sweep: one row per candidate, from its files; as CSV and JSON; and the original's CSVs."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from ftl.data.dataset import LeftOut
from ftl.errors import FtlError
from ftl.evaluation.candidate import Candidate, unpruned_of, warnings
from ftl.evaluation.decision import PRESETS, decision_score
from ftl.evaluation.metrics import balanced_accuracy
from ftl.evaluation.published import read_published
from ftl.evaluation.runtimes import FIGURES, IN_OPENVINO, INT8, ONNX
from ftl.files import read_json, versions, write_json, write_text
from ftl.models.layout import HEAD, LINEAR, TEST, TIME, UNPRUNED, VALIDATION, WEIGHTS
from ftl.models.network_folder import read_description
from ftl.sweeping.latencies import latency_of, other_latencies
from ftl.sweeping.manifest import SETTINGS
from ftl.sweeping.networks import networks

CSV, JSON = "results.csv", "results.json"

_FIGURES = ("accuracy", "accuracy_low", "accuracy_high", "precision", "recall", "f1")


def _of_validation(figures: dict[str, Any]) -> dict[str, Any]:
    """Figures of the validation images as a candidate has them."""
    confusion = figures["confusion"]
    return {key: figures[key] for key in _FIGURES} | {
        "balanced_accuracy": balanced_accuracy(np.array(confusion)),
        "validation_confusion": tuple(map(tuple, confusion)),
        "right": tuple(figures["right"]),
        "spread": figures["spread"],
    }


def _of_test(figures: dict[str, Any]) -> dict[str, Any]:
    confusion = figures["confusion"]
    return {f"test_{key}": figures[key] for key in _FIGURES} | {
        "test_balanced_accuracy": balanced_accuracy(np.array(confusion)),
        "confusion": tuple(map(tuple, confusion)),
    }


def collect(out: str | Path) -> list[Candidate]:
    """Read every network of a sweep, the unpruned one first. Raises `FtlError` that says which step is missing."""
    found = []
    sets = set()
    for folder in networks(out):
        for file, step in ((VALIDATION, "train"), (TEST, "test"), (TIME, "test")):
            if not (folder / file).is_file():
                raise FtlError(f"{folder} has no {file} yet: run ftl {step} {out}")
        network, validation = read_description(folder), read_json(folder / VALIDATION)
        tested, time = read_json(folder / TEST), read_json(folder / TIME)
        budget = network["made_with"].get("budget")
        sets.add((validation["dataset_sha256"], tested["evaluation_sha256"], str(time["machine"]), time["threads"]))
        found.append(
            Candidate(
                name=folder.name,
                keep=network["keep"],
                parameters=network["parameters"],
                macs=network["macs"],
                **latency_of(time),
                size_mb=((folder / WEIGHTS).stat().st_size + (folder / HEAD).stat().st_size) / 2**20,
                channels=tuple(len(one["kept"]) for one in network["layers"]),
                equal_scores=len(network["equal_scores"]),
                silent=tuple(tested["silent"]),
                is_unpruned=folder.name == UNPRUNED,
                head=network.get("head", LINEAR),
                budget=None if budget is None else (budget["limit"], budget["unit"]),
                runtimes=_runtimes(folder, time),
                **_of_validation(validation),
                **_of_test(tested),
            )
        )
    if len(sets) > 1:
        raise FtlError(f"{out}: not all networks share data, machine and threads: run ftl extract, train and test")
    return found


def _runtimes(folder: Path, time: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Figures of a network in other runtimes, where they were taken of it as it is, as `time` was."""
    found = other_latencies(folder, time)
    for runtime, its in found.items():
        if runtime != ONNX:  # which classifies as PyTorch does
            worth = read_json(folder / FIGURES[runtime])
            its |= _of_validation(worth["validation"]) | (_of_test(worth["test"]) if "test" in worth else {})
    return found


def _row(candidate: Candidate, unpruned: Candidate) -> dict[str, Any]:
    """A CSV row: the original's columns, in its units (accuracy in per cent, time in seconds), then ours."""

    def percent(value: float | None) -> float | None:
        return None if value is None else 100 * value

    return {
        "Model": candidate.name,
        "Keep": candidate.keep,
        "Head": candidate.head,
        "Parameters": candidate.parameters,
        "Params_perc": 100 * candidate.parameters / unpruned.parameters,
        "Accuracy": percent(candidate.test_accuracy),
        "Reference accuracy": percent(unpruned.test_accuracy),
        "F1": candidate.test_f1,
        "Size[MB]": candidate.size_mb,
        "Time[s]": candidate.time_ms / 1000,
        "Time_q1[s]": (candidate.time_q1_ms or candidate.time_ms) / 1000,
        "Time_q3[s]": (candidate.time_q3_ms or candidate.time_ms) / 1000,
        "Time_unstable": candidate.unstable or None,
        "Above_limit": candidate.above_limit or None,
        "Accuracy_low": percent(candidate.test_accuracy_low),
        "Accuracy_high": percent(candidate.test_accuracy_high),
        "Balanced_accuracy": percent(candidate.test_balanced_accuracy),
        "Precision": candidate.test_precision,
        "Recall": candidate.test_recall,
        "Validation_accuracy": percent(candidate.accuracy),
        "Validation_F1": candidate.f1,
        "Validation_recall": candidate.recall,
        "Validation_precision": candidate.precision,
        "Validation_balanced_accuracy": percent(candidate.balanced_accuracy),
        "MACs": candidate.macs,
        "Channels": " ".join(map(str, candidate.channels)),
        "Layers_of_equal_scores": candidate.equal_scores,
        "Silent_filters": candidate.silent and candidate.silent[0],
        "Warnings": "; ".join(warnings(candidate)) or None,
        "ONNX_time[s]": _in(candidate, ONNX, "time_ms", 1 / 1000),
        "Int8_time[s]": _in(candidate, INT8, "time_ms", 1 / 1000),
        "Int8_size[MB]": _in(candidate, INT8, "size_mb"),
        "Int8_accuracy": _in(candidate, INT8, "test_accuracy", 100),
        "Int8_validation_accuracy": _in(candidate, INT8, "accuracy", 100),
        **{
            f"{name}{column}": _in(candidate, runtime, key, times)
            for runtime, name in zip(IN_OPENVINO, ("OpenVINO", "OpenVINO_bf16", "OpenVINO_int8"), strict=True)
            for column, key, times in (("_time[s]", "time_ms", 1 / 1000), ("_accuracy", "test_accuracy", 100))
        },
        "Score": None if candidate.is_unpruned else decision_score(candidate, unpruned, PRESETS["balanced"]),
    }


def _in(candidate: Candidate, runtime: str, key: str, times: float = 1) -> float | None:
    value = candidate.runtimes.get(runtime, {}).get(key)
    return None if value is None else times * value


def write_results(out: str | Path, left_out: LeftOut) -> list[Candidate]:
    """Write `results.csv` and `results.json` of a sweep, with what was left out of its test set; its candidates."""
    candidates = collect(out)
    unpruned = unpruned_of(candidates)
    rows = [_row(candidate, unpruned) for candidate in candidates]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(Path(out) / CSV, text.getvalue())
    unpruned_time = read_json(Path(out) / UNPRUNED / TIME)
    origin = {"sweep": read_json(Path(out) / SETTINGS), "left_out": left_out._asdict(), "versions": versions()}
    origin |= {key: unpruned_time[key] for key in ("machine", "threads")}
    write_json(Path(out) / JSON, {"candidates": [asdict(candidate) for candidate in candidates]} | origin)
    return candidates


def read_results(path: str | Path) -> list[Candidate]:
    """Candidates of a sweep's folder, of its `results.json`, or of one of the original's CSVs."""
    path = Path(path)
    if path.suffix.lower() == ".csv":
        candidates = read_published(path)
        if candidates is not None:
            return candidates
    folder = path if path.is_dir() else path.parent
    file = folder / JSON
    if not file.is_file():
        raise FtlError(f"there is no {file}: run ftl test {folder} first")
    names = {one.name for one in fields(Candidate)}
    found = []
    for row in read_json(file)["candidates"]:
        values: Any = {key: _tuples(value) for key, value in row.items() if key in names}
        found.append(Candidate(**values))
    return found


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(one) for key, one in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
