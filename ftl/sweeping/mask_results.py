"""The table of a sweep's networks that draw masks: a row each, from its files; as CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ftl.evaluation.runtimes import FIGURES, INT8, ONNX, OPENVINO, OPENVINO_BF16, OPENVINO_INT8
from ftl.evaluation.segmented_candidate import MaskQuality, Quality, SegmentedCandidate
from ftl.files import read_json, write_json, write_text
from ftl.models.layout import BEFORE, HEAD, SEGMENTED, TEST, TIME, UNPRUNED, VALIDATION, WEIGHTS, candidate_name
from ftl.models.network_folder import read_description
from ftl.sweeping.latencies import latency_of, other_latencies

CSV, JSON = "masks.csv", "masks.json"

_NAMES = {
    ONNX: "ONNX", INT8: "Int8",
    OPENVINO: "OpenVINO", OPENVINO_BF16: "OpenVINO_bf16", OPENVINO_INT8: "OpenVINO_int8",
}  # fmt: skip

_MEASURES = ("f1", "iou", "tolerant_f1", "cl_dice")


def collect_masks(folders: Sequence[Path]) -> list[SegmentedCandidate]:
    """Networks that draw masks, with what was measured of them. Raises `FtlError` where a file is missing."""
    found = []
    for folder in folders:
        network, time = read_description(folder), read_json(folder / TIME)
        validation, tested = read_json(folder / VALIDATION), read_json(folder / TEST)
        before = read_json(folder / BEFORE) if (folder / BEFORE).is_file() else None
        found.append(
            SegmentedCandidate(
                name=folder.name,
                keep=network["keep"],
                parameters=validation["parameters"],
                classes=tuple(validation["classes"]),
                threshold=validation["threshold"],
                validation=_quality(validation),
                test=_quality(tested),
                **latency_of(time),
                size_mb=((folder / WEIGHTS).stat().st_size + (folder / HEAD).stat().st_size) / 2**20,
                is_unpruned=folder.name == candidate_name(UNPRUNED, SEGMENTED),
                begun_from=before["name"] if before else "",
                before=_quality(before) if before else None,
                runtimes=_runtimes(folder, time, tested),
            )
        )
    return found


def _runtimes(folder: Path, time: dict[str, Any], tested: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Figures of a network in other runtimes, where it was timed and tested in them as it was in PyTorch."""
    found = other_latencies(folder, time)
    worth = {runtime: read_json(folder / FIGURES[runtime]) for runtime in found}
    return {
        runtime: latency | {side: _quality(worth[runtime][side]) for side in ("validation", "test")}
        for runtime, latency in found.items()
        if worth[runtime].get("test_sha256") == tested["evaluation_sha256"]
    }


def _quality(figures: dict[str, Any]) -> MaskQuality:
    measures = {key: Quality(*(figures[f"{key}{end}"] for end in ("", "_low", "_high"))) for key in _MEASURES}
    pixels = tuple(tuple(map(tuple, one["pixels"])) for one in figures["per_photograph"])
    rest: dict[str, Any] = {key: figures[key] for key in ("ods", "average_precision", "photographs")}
    return MaskQuality(**(rest | measures), pixels=pixels)


def _row(candidate: SegmentedCandidate) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for runtime, name in _NAMES.items():
        its = candidate.runtimes.get(runtime)
        figures |= {
            f"{name}_time[s/megapixel]": its and its["time_ms"] / 1000,
            f"{name}_size[MB]": its and its["size_mb"],
            f"{name}_f1": its and its["test"].f1.value,
            f"{name}_validation_f1": its and its["validation"].f1.value,
        }
    for title, quality in (("", candidate.test), ("Validation_", candidate.validation)):
        for key in _MEASURES:
            value = getattr(quality, key)
            figures |= {f"{title}{key}": value.value, f"{title}{key}_low": value.low, f"{title}{key}_high": value.high}
        figures |= {f"{title}ods": quality.ods, f"{title}average_precision": quality.average_precision}
    return {
        "Model": candidate.name,
        "Keep": candidate.keep,
        "Parameters": candidate.parameters,
        "Size[MB]": candidate.size_mb,
        "Time[s/megapixel]": candidate.time_ms / 1000,
        "Time_unstable": candidate.unstable or None,
        "Threshold": candidate.threshold,
        "Trained_further_from": candidate.begun_from or None,
        "Before_f1": candidate.before.f1.value if candidate.before else None,
    } | figures


def masks_csv(candidates: Sequence[SegmentedCandidate]) -> str:
    """All figures of networks that draw masks as a table, a row each; at least one."""
    rows = [_row(candidate) for candidate in candidates]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_mask_results(out: str | Path, folders: Sequence[Path]) -> list[SegmentedCandidate]:
    """Write `masks.csv` and `masks.json` of a sweep, of its networks in these folders; the networks."""
    candidates = collect_masks(folders)
    if not candidates:
        return []
    write_text(Path(out) / CSV, masks_csv(candidates))
    write_json(Path(out) / JSON, {"candidates": [asdict(candidate) for candidate in candidates]})
    return candidates


def read_mask_results(out: str | Path) -> list[SegmentedCandidate]:
    """The networks of a finished sweep that draw masks, from its `masks.json`; none where it has none."""
    file = Path(out) / JSON
    if not file.is_file():
        return []
    return [
        SegmentedCandidate(
            **_with_quality(row)
            | {"classes": tuple(row["classes"])}
            | {"runtimes": {runtime: _with_quality(its) for runtime, its in row.get("runtimes", {}).items()}}
        )
        for row in read_json(file)["candidates"]
    ]


def _with_quality(row: dict[str, Any]) -> dict[str, Any]:
    return row | {side: _read_quality(row[side]) for side in ("validation", "test", "before") if row.get(side)}


def _read_quality(row: dict[str, Any]) -> MaskQuality:
    pixels = tuple(tuple(map(tuple, classes)) for classes in row["pixels"])
    return MaskQuality(**(row | {key: Quality(*row[key]) for key in _MEASURES} | {"pixels": pixels}))
