"""A sweep's folder with results that nobody computed: what reports are read from, written in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from ftl.evaluation.candidate import Candidate
from ftl.files import write_json
from tests.conftest import save_png
from tests.tiny_sweep import mask_quality

SETTINGS = {"backbone": "tiny", "backbone_sha256": "b" * 64, "masks_sha256": "m" * 64, "images": 7,
            "groups": {"Crack": 4, "Background": 3}, "criterion": "iou", "rule": "fraction", "mode": "layerwise",
            "seed": 5}  # fmt: skip
VERSIONS = {"python": "3.11", "torch": "2.14"}
TIME = {"machine": {"processor": "a processor", "cores": 2, "system": "a system"}, "threads": 2}


def network(name: str, keep: float, right: int, time_ms: float, **more: Any) -> Candidate:
    """A network that gets `right` of 40 test images right, half of them cracks, and as many in 100 on validation."""
    wrong = 40 - right
    values: dict[str, Any] = {
        "name": name, "keep": keep, "parameters": round(1e6 * keep), "macs": round(1e8 * keep), "size_mb": 4 * keep,
        "accuracy": 0.9, "accuracy_low": 0.8, "accuracy_high": 0.95, "f1": 0.89, "recall": 0.88, "precision": 0.87,
        "balanced_accuracy": 0.9, "test_accuracy": right / 40, "test_accuracy_low": 0.7, "test_accuracy_high": 0.99,
        "test_f1": 0.86, "test_recall": 0.85, "test_precision": 0.84, "test_balanced_accuracy": right / 40,
        "time_ms": time_ms, "time_q1_ms": 0.9 * time_ms, "time_q3_ms": 1.1 * time_ms, "time_rounds": 3,
        "confusion": ((20, 0), (wrong, 20 - wrong)), "validation_confusion": ((20, 0), (4, 16)),
        "right": (True,) * 36 + (False,) * 4, "channels": (round(8 * keep), round(16 * keep)), "is_unpruned": keep == 1,
    }  # fmt: skip
    return Candidate(**(values | more))


def write_sweep(out: Path, classes: tuple[str, str] = ("Background", "Crack"), **more: Any) -> list[Candidate]:
    """Write two networks, unpruned and pruned, and photographs of what the second gets wrong; `more` of both."""
    found = [network("base", 1.0, 38, 100.0, **more), network("keep-0.1", 0.1, 35, 4.0, **more)]
    write_json(out / "sweep.json", {"settings": SETTINGS, "versions": VERSIONS})
    origin = {"sweep": {"settings": SETTINGS}, "left_out": {"files": 1, "crops": 2}, "versions": VERSIONS} | TIME
    write_json(out / "results.json", {"candidates": [asdict(one) for one in found]} | origin)
    for one in found:
        _write_folder(out / one.name, one.keep or 1.0)
        wrong = 40 - round(40 * (one.test_accuracy or 0))
        files = [str(out.parent / "photographs" / f"{number}.png") for number in range(40)]
        answers = [
            {"file": file, "true": classes[number < 20], "predicted": classes[wrong <= number < 20],
             "probability": 0.9}
            for number, file in enumerate(files)
        ]  # fmt: skip
        write_json(out / one.name / "test.json", {"predictions": answers, "evaluation_sha256": "e" * 64})
        made = {"classes": classes, "positive": classes[1], "seed": 5, "photo": None, "versions": VERSIONS}
        write_json(out / one.name / "validation.json", made | {"dataset_sha256": "d" * 64})
    save_png(np.full((300, 200, 3), 99, np.uint8), out.parent / "photographs" / "0.png")
    return found


def _write_folder(folder: Path, keep: float, more: Mapping[str, str] = {}) -> None:
    layers = [{"name": name, "scores": [] if keep == 1 else [0.5], "kept": [0]} for name in ("first", "second")]
    described = {"name": folder.name, "backbone": "tiny", "keep": keep, "parameters": 1, "macs": 1, "layers": layers,
                 "preprocess": {"kind": "caffe", "size": 64}, "made_with": SETTINGS}  # fmt: skip
    write_json(folder / "network.json", described | more)
    write_json(folder / "time.json", TIME)
    save_file({"weight": np.zeros(3, np.float32)}, folder / "head.safetensors")


def write_masks(out: Path) -> None:
    """Add two networks that draw masks."""
    rows = []
    for name, keep, missed, time_ms in (("base-segmented", 1.0, 100, 900.0), ("keep-0.1-segmented", 0.1, 300, 90.0)):
        _write_folder(out / name, keep, {"head": "segmented"})
        quality = mask_quality(missed)
        pixels: Any = quality["pixels"]
        files = [{"file": str(out.parent / f"{number}.png"), "pixels": pixels[number]} for number in range(10)]
        write_json(out / name / "test.json", {"per_photograph": files, "versions": VERSIONS})
        write_json(out / name / "validation.json", {"classes": ["Crack"], "seed": 5, "versions": VERSIONS})
        rows.append(
            {"name": name, "keep": keep, "parameters": 1000, "classes": ["Crack"], "threshold": 0.5, "unstable": "",
             "validation": quality, "test": quality, "size_mb": 0.1, "time_ms": time_ms, "time_q1_ms": 0.9 * time_ms,
             "time_q3_ms": 1.1 * time_ms, "is_unpruned": keep == 1, "runtimes": {}}
        )  # fmt: skip
    write_json(out / "masks.json", {"candidates": rows})
