"""A network that draws masks in the forms that ONNX Runtime and OpenVINO take, and how well it draws in each.

`network.onnx` and `network-int8.onnx` go from the preprocessed photograph to probabilities. `onnx.json`, `int8.json`,
`openvino.json` and others hold what `ftl.evaluation.evaluate_masks` finds of each runtime on the validation photographs
and on those that report.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ftl.data.images import read_image
from ftl.data.segmentation import SegmentationSet
from ftl.errors import FtlError
from ftl.evaluation.evaluate_masks import evaluate_masks
from ftl.evaluation.runtimes import FIGURES, IN_OPENVINO, INT8, NETWORKS, ONNX, PYTORCH, RUNTIMES, TITLES
from ftl.exporting import preprocessing
from ftl.exporting.onnx import session
from ftl.exporting.openvino import answering, compiled
from ftl.exporting.prepared import core_of, kept, made_from
from ftl.exporting.quantization import quantised
from ftl.files import digest, made_before, read_json, write_json
from ftl.models.layout import VALIDATION
from ftl.models.segmenter_files import load_segmenter
from ftl.models.tiling import TILE, Run, tensor_of
from ftl.progress import Report, silent

CALIBRATION = 12
"""Photographs that the ranges of 8-bit integers are found on."""


def prepare_masks(
    folders: Sequence[Path],
    runtimes: Sequence[str],
    chosen_by: SegmentationSet,
    tested_on: SegmentationSet | None = None,
    report: Report = silent,
) -> None:
    """Make what the runtimes take of every network, and measure how well it draws; what is there already stays.

    `chosen_by`: the validation photographs; `tested_on`: those that report.
    """
    others = [runtime for runtime in runtimes if runtime != PYTORCH]
    for folder in folders:
        for runtime in others:
            _measure(folder, runtime, chosen_by, tested_on, report)


def _measure(
    folder: Path, runtime: str, chosen_by: SegmentationSet, tested_on: SegmentationSet | None, report: Report
) -> None:
    sides = {"validation": chosen_by} | ({} if tested_on is None else {"test": tested_on})
    content: bytes = network_in(folder, runtime).SerializeToString()
    own = made_from(folder) | {f"{side}_sha256": data.digest() for side, data in sides.items()}
    own["sha256"] = digest(folder / NETWORKS[runtime])
    if made_before(folder / FIGURES[runtime], own):
        return

    def shown(done: int, total: int, what: str) -> None:
        report(done, total, f"{what} in {TITLES[runtime]}")

    model, run = load_segmenter(folder), running(content, runtime)
    found = {side: evaluate_masks(model, data, run=run, report=shown) for side, data in sides.items()}
    write_json(folder / FIGURES[runtime], own | found)


def network_in(folder: Path, runtime: str) -> Any:
    """What a runtime takes of a network's folder, made if it is not there or does not fit.

    Raises `FtlError` as `ftl.exporting.segmenter_onnx.core` does, and where the photographs that 8-bit integers are
    calibrated on are gone.
    """
    is_whole = NETWORKS[runtime] == NETWORKS[ONNX]
    return core_of(folder) if is_whole else kept(folder, INT8, lambda: _quantised(folder))


def _quantised(folder: Path) -> Any:
    """The network in 8-bit integers, calibrated on photographs that it was trained on."""
    trained_on = [path for path in map(Path, read_json(folder / VALIDATION)["trained_on"]) if path.is_file()]
    if not trained_on:
        raise FtlError("the photographs that the network was trained on are gone: 8-bit integers need some of them")
    model, some = load_segmenter(folder), trained_on[:: -(-len(trained_on) // CALIBRATION)]
    tensors = [tensor_of(model, read_image(path)[:TILE, :TILE])[0].contiguous().numpy() for path in some]
    return quantised(core_of(folder), tensors)


def running(content: bytes, runtime: str) -> Run:
    """What a runtime computes with a network of `network_in`, in a `Segmenter`'s stead."""
    if runtime in IN_OPENVINO:
        answer = answering(compiled(content, RUNTIMES[runtime].numbers))
    else:
        started = session(content)

        def answer(value: np.ndarray) -> np.ndarray:
            (found,) = started.run(None, {preprocessing.TENSOR: value})
            return np.asarray(found)

    return lambda x: torch.from_numpy(answer(np.ascontiguousarray(x.cpu().numpy())))
