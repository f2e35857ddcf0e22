"""A candidate that draws masks as one file: checked against its network, then written."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ftl.data.images import read_image
from ftl.errors import FtlError
from ftl.exporting import segmenter_onnx
from ftl.exporting.bundle import zipped
from ftl.exporting.onnx import session
from ftl.exporting.prepared import made_from
from ftl.files import read_json, whole_file
from ftl.models.layout import VALIDATION
from ftl.models.network_folder import read_description
from ftl.models.segmenter_files import MADE_FROM, export_segmenter, load_segmenter
from ftl.models.tiling import TILE

ENDINGS = (".safetensors", ".onnx", ".zip")

_CHECKED = 4  # photographs


def export_masks(folder: Path, file: Path) -> Path:
    """Write a segmenter of a sweep as `.safetensors`, as `.onnx`, or as a `.zip` with an example.

    Raises `FtlError` for another ending, or an export that disagrees with the PyTorch network, which is not written.
    """
    ending = file.suffix.lower()
    if ending not in ENDINGS:
        raise FtlError(f"{file.name}: a network that draws masks is exported as one of {', '.join(ENDINGS)}")
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
    there = [path for one in validation["per_photograph"] if (path := Path(one["file"])).is_file()]
    content = segmenter_onnx.whole(segmenter_onnx.core(model), model, about).SerializeToString()
    running = session(content)
    images = [read_image(path)[:TILE, :TILE] for path in there[:_CHECKED]] + _drawn()
    segmenter_onnx.check(model, lambda image: segmenter_onnx.answer(running, image)[1], images, "the ONNX model")
    if ending == ".zip":
        content = zipped({"model.onnx": content}, about, there[0] if there else None, draws=True)
    with whole_file(file) as draft:
        draft.write_bytes(content)
    return file


def _drawn() -> list[np.ndarray]:
    """Noise of odd and even sizes, beside photographs that may all be of one size, or instead of them."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*shape, 3), np.uint8) for shape in ((37, 61), (128, 96), (3, 2))]
