"""A candidate that draws masks as one file: checked against its network, then written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ftl.data.images import read_image
from ftl.errors import FtlError
from ftl.evaluation.segmentation import THRESHOLDS, class_counts, mean_f1
from ftl.exporting import segmenter_onnx
from ftl.exporting.bundle import zipped
from ftl.exporting.onnx import session
from ftl.exporting.prepared import made_from
from ftl.exporting.quantization import quantised
from ftl.files import read_json, whole_file
from ftl.models.layout import VALIDATION
from ftl.models.network_folder import read_description
from ftl.models.segmenter import Segmenter
from ftl.models.segmenter_files import MADE_FROM, export_segmenter, load_segmenter
from ftl.models.tiling import TILE, draw_mask
from ftl.progress import Report, silent

ENDINGS = (".safetensors", ".onnx", ".zip")

CALIBRATION = 12
"""Photographs that the ranges of 8-bit integers are found on."""

ALIKE = 0.97
"""Least F1 of the masks drawn in 8-bit integers, taking those of the network itself for true."""

_CHECKED = 4  # photographs


def export_masks(folder: Path, file: Path, *, int8: bool = False, report: Report = silent) -> Path:
    """Write a segmenter of a sweep as `.safetensors`, as `.onnx`, or as a `.zip` with an example.

    `int8`: the `.onnx` in 8-bit integers, or one more of these in the `.zip`. Raises `FtlError` for another ending, an
    export that disagrees with the PyTorch network, or one in 8-bit integers that draws much worse: it is not written.
    """
    ending = file.suffix.lower()
    if ending not in ENDINGS or (int8 and ending == ".safetensors"):
        endings = ", ".join(ENDINGS[int8:])
        raise FtlError(f"{file.name}: a network that draws masks is exported as one of {endings}")
    if ending == ".safetensors":
        return export_segmenter(folder, file)
    model, validation, description = load_segmenter(folder), read_json(folder / VALIDATION), read_description(folder)
    about = {
        "classes": [*model.classes],
        "threshold": model.threshold,
        "preprocess": description["preprocess"],
        "name": description["backbone"],
        "keep": description["keep"],
        "made_with": description["made_with"] | {key: validation[key] for key in MADE_FROM},
    } | made_from(folder)
    core, models = segmenter_onnx.core(model), dict[str, bytes]()
    there = [path for one in validation["per_photograph"] if (path := Path(one["file"])).is_file()]
    if ending == ".zip" or not int8:
        models["model.onnx"] = _checked(core, model, about, there)
    if int8:
        trained_on = [path for path in map(Path, validation["trained_on"]) if path.is_file()]
        models["model-int8.onnx"] = _int8(core, model, about, trained_on, there, report)
    content = (
        zipped(models, about, there[0] if there else None, draws=True) if ending == ".zip" else models.popitem()[1]
    )
    with whole_file(file) as draft:
        draft.write_bytes(content)
    return file


def _checked(core: Any, model: Segmenter, about: dict[str, Any], photographs: Sequence[Path]) -> bytes:
    """The ONNX model. Raises `FtlError` when it disagrees with the network on photographs or noise."""
    content: bytes = segmenter_onnx.whole(core, model, about).SerializeToString()
    running = session(content)
    images = [read_image(path)[:TILE, :TILE] for path in photographs[:_CHECKED]] + _drawn()
    segmenter_onnx.check(model, lambda image: segmenter_onnx.answer(running, image)[1], images, "the ONNX model")
    return content


def _int8(
    core: Any,
    model: Segmenter,
    about: dict[str, Any],
    trained_on: Sequence[Path],
    photographs: Sequence[Path],
    report: Report,
) -> bytes:
    """The ONNX model in 8-bit integers. Raises `FtlError` when it draws other masks than the network."""
    if not trained_on or not photographs:
        raise FtlError("the photographs that the network was trained on are gone: 8-bit integers need some of them")
    report(0, 1, "8-bit integers")
    preprocess, step = model.network.preprocess, model.stride
    tensors = []
    for path in trained_on[:: -(-len(trained_on) // CALIBRATION)]:
        image = read_image(path)[:TILE, :TILE]
        height, width = (max(side // step * step, model.least) for side in image.shape[:2])
        more = [(0, max(0, least - side)) for least, side in zip((height, width), image.shape, strict=False)]
        padded = np.pad(image, [*more, (0, 0)], "edge")
        tensors.append(preprocess.normalised(padded[None, :height, :width].astype(np.float32))[0].contiguous().numpy())
    content: bytes = segmenter_onnx.whole(quantised(core, tensors), model, about).SerializeToString()
    running, counts = session(content), np.zeros((len(model.classes), 3), np.int64)
    cut = int(np.argmin(np.abs(THRESHOLDS - model.threshold)))
    for path in photographs:
        image = read_image(path)[:TILE, :TILE]
        counts += class_counts(segmenter_onnx.answer(running, image)[1], draw_mask(model, image))[:, cut]
    if (alike := float(mean_f1(counts))) < ALIKE:
        raise FtlError(
            f"in 8-bit integers the network draws other masks: F1 {alike:.3f} between both, and {ALIKE} is needed; "
            "nothing was written, take it home in float32"
        )
    report(1, 1, "8-bit integers")
    return content


def _drawn() -> list[np.ndarray]:
    """Noise of odd and even sizes, beside photographs that may all be of one size, or instead of them."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*shape, 3), np.uint8) for shape in ((37, 61), (128, 96), (3, 2))]
