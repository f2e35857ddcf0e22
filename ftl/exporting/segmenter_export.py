"""A candidate that draws masks as one file: checked against its network, then written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ftl.data.images import read_image
from ftl.errors import FtlError
from ftl.evaluation.runtimes import INT8
from ftl.evaluation.segmentation import THRESHOLDS, class_counts, mean_f1
from ftl.exporting import segmenter_onnx
from ftl.exporting.bundle import zipped
from ftl.exporting.onnx import session
from ftl.exporting.prepared import core_of, made_from
from ftl.exporting.prepared_masks import network_in
from ftl.files import read_json, whole_file
from ftl.models.layout import VALIDATION
from ftl.models.network_folder import read_description
from ftl.models.segmenter import Segmenter
from ftl.models.segmenter_files import MADE_FROM, export_segmenter, load_segmenter
from ftl.models.tiling import TILE, draw_mask
from ftl.progress import Report, silent

ENDINGS = (".safetensors", ".onnx", ".zip")

ALIKE = 0.97
"""Least F1 of the masks drawn in 8-bit integers, taking those of the network itself for true."""

_CHECKED = 4  # photographs


def export_masks(folder: Path, file: Path, *, int8: bool = False, report: Report = silent) -> Path:
    """Write a segmenter of a sweep as `.safetensors`, as `.onnx`, or as a `.zip` with an example.

    `int8`: the `.onnx` in 8-bit integers, or one more of these in the `.zip`, whose README says where it was left out
    because it draws other masks. Raises `FtlError` for another ending, an export that disagrees with the PyTorch
    network, or an `.onnx` in 8-bit integers that draws other masks: it is not written.
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
    models, remarks, bundle = dict[str, bytes](), dict[str, str](), ending == ".zip"
    there = [path for one in validation["per_photograph"] if (path := Path(one["file"])).is_file()]
    if bundle or not int8:
        models["model.onnx"] = _checked(core_of(folder), model, about, there)
    if int8:
        report(0, 1, "8-bit integers")
        if not there:
            raise FtlError("the photographs that chose the threshold are gone: 8-bit integers are checked on them")
        eight = segmenter_onnx.whole(network_in(folder, INT8), model, about).SerializeToString()
        alike = _alike(eight, model, there)
        remarks["model-int8.onnx"] = f"in 8-bit integers: F1 {alike:.3f} between its masks and the network's"
        if alike >= ALIKE:
            models["model-int8.onnx"] = eight
        elif bundle:
            remarks["model-int8.onnx"] += f": left out, for {ALIKE} is needed"
        else:
            raise FtlError(
                f"in 8-bit integers the network draws other masks: F1 {alike:.3f} between both, and {ALIKE} is needed; "
                "nothing was written, take it home in float32"
            )
        report(1, 1, "8-bit integers")
    content = zipped(models, about, there[0] if there else None, remarks, draws=True) if bundle else models.popitem()[1]
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


def _alike(content: bytes, model: Segmenter, photographs: Sequence[Path]) -> float:
    """F1 of the masks that an ONNX model draws of photographs, taking those of the network itself for true."""
    running, counts = session(content), np.zeros((len(model.classes), 3), np.int64)
    cut = int(np.argmin(np.abs(THRESHOLDS - model.threshold)))
    for path in photographs:
        image = read_image(path)[:TILE, :TILE]
        counts += class_counts(segmenter_onnx.answer(running, image)[1], draw_mask(model, image))[:, cut]
    return float(mean_f1(counts))


def _drawn() -> list[np.ndarray]:
    """Noise of odd and even sizes, beside photographs that may all be of one size, or instead of them."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*shape, 3), np.uint8) for shape in ((37, 61), (128, 96), (3, 2))]
