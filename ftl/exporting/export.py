"""`ftl.export`: one file to take a sweep's network home in, of the form that its ending says; checked, then written."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ftl.data.images import read_image
from ftl.errors import FtlError
from ftl.evaluation.predict import looked_for
from ftl.exporting.agreement import check
from ftl.exporting.bundle import zipped
from ftl.exporting.calibration import trained_with
from ftl.exporting.onnx import logits, run, session, whole, with_logits
from ftl.exporting.prepared import core_of, int8_accuracy, int8_of, made_from, too_much_lost
from ftl.exporting.segmenter_export import export_masks
from ftl.exporting.torch_export import answer, packed, program
from ftl.files import read_json, whole_file
from ftl.models.classifier import Model, load_model
from ftl.models.classifier import export as export_safetensors
from ftl.models.layout import VALIDATION
from ftl.models.network_folder import read_description
from ftl.models.segmenter_files import draws_masks
from ftl.progress import Report, silent

ENDINGS = (".safetensors", ".onnx", ".pt2", ".zip")

_CHECKED = 8


def export(
    folder: str | Path,
    file: str | Path,
    *,
    int8: bool = False,
    images: str | Path | None = None,
    report: Report = silent,
) -> Path:
    """Write a sweep's network and head as one file.

    Args:
        folder: the network's in a sweep, a classifier or one that draws masks (`ftl.exporting.segmenter_export`).
        file: `.safetensors` for `ftl predict`; `.onnx` from photographs of any size to probabilities; `.pt2` from the
            preprocessed tensor to probabilities; `.zip` with ONNX models and an example that runs without PyTorch.
        int8: the `.onnx` in 8-bit integers, or one more of these in the `.zip`, whose README says where it was left
            out because they lose too much.
        images: the data set that the network was trained with, where it does not lie where the sweep found it.

    Raises:
        FtlError: another ending, a network without a classifier, photographs that are needed and not there; or an
            export that disagrees with the PyTorch network or loses too much, which is not written.
    """
    folder, file = Path(folder), Path(file)
    ending = file.suffix.lower()
    if folder.is_dir() and draws_masks(folder):
        return export_masks(folder, file, int8=int8, report=report)
    if ending not in ENDINGS:
        raise FtlError(f"{file.name}: a network is exported as one of {', '.join(ENDINGS)}")
    if int8 and ending not in (".onnx", ".zip"):
        raise FtlError(f"{file.name}: 8-bit integers go into an .onnx file or a .zip")
    if ending == ".safetensors":
        return export_safetensors(folder, file)
    if not folder.is_dir():
        raise FtlError(f"{folder} is no network's folder in a sweep")
    model, about = load_model(folder), about_of(folder)
    if model.tile is not None:
        about |= {"tile": model.tile, "looked_for": looked_for(model)}
    photographs = _photographs(folder, None if images is None else Path(images))
    seen = [*(read_image(path) for path in photographs), *_drawn(model.network.preprocess.size)]
    if ending == ".pt2":
        exported = program(model)
        check(model, lambda image: answer(exported, model.network.preprocess([image])), seen, "the .pt2 program")
        content = packed(exported, about)
    else:
        content = _onnx(folder, model, about, seen, photographs, ending == ".zip", int8, images, report)
    with whole_file(file) as draft:
        draft.write_bytes(content)
    return file


def about_of(folder: Path) -> dict[str, Any]:
    """What an export says of itself: classes, preprocessing, what made it and of which network."""
    description, validation = read_description(folder), read_json(folder / VALIDATION)
    return {
        "classes": validation["classes"],
        "preprocess": description["preprocess"],
        "name": description["backbone"],
        "keep": description["keep"],
        "made_with": description["made_with"] | {key: validation[key] for key in ("dataset_sha256", "seed", "photo")},
    } | made_from(folder)


def _onnx(
    folder: Path,
    model: Model,
    about: dict[str, Any],
    seen: Sequence[np.ndarray],
    photographs: Sequence[Path],
    bundle: bool,
    int8: bool,
    images: str | Path | None,
    report: Report,
) -> bytes:
    models: dict[str, bytes] = {}
    remarks: dict[str, str] = {}
    if bundle or not int8:
        proto = whole(core_of(folder), model.network.preprocess, about)
        content = proto.SerializeToString()
        running, with_answers = session(content), session(with_logits(proto))
        check(model, lambda image: (logits(with_answers, image), run(running, image)), seen, "the ONNX model")
        models["model.onnx"] = content
    if int8:
        core, figures = int8_of(folder, None if images is None else Path(images), report)
        remarks["model-int8.onnx"] = int8_accuracy(folder)
        if lost := too_much_lost(folder):
            if not bundle:
                raise FtlError(f"{int8_accuracy(folder)}: nothing was written, take it home in float32")
            remarks["model-int8.onnx"] += f": left out, for {100 * lost:.2f} points are lost"
        else:
            worth = {name: figures[name]["accuracy"] for name in ("validation", "test") if name in figures}
            about = about | {"int8": {"way": figures["way"], "accuracy": worth}}
            models["model-int8.onnx"] = whole(core, model.network.preprocess, about).SerializeToString()
    if not bundle:
        return models.popitem()[1]
    return zipped(models, about, photographs[0] if photographs else None, remarks)


def _photographs(folder: Path, images: Path | None) -> list[Path]:
    """Some of the photographs that the network was chosen by; none where they are gone."""
    with suppress(FtlError):
        held_out = trained_with(folder, images).validation.paths
        return [held_out[index] for index in np.linspace(0, len(held_out) - 1, _CHECKED).astype(int)]
    return []


def _drawn(size: int) -> list[np.ndarray]:
    """Noise of even and odd sizes, beside photographs that may all be of the network's own, or instead of them."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (size + more, size + 2 * more, 3), np.uint8) for more in (-size // 3, 0, 1, 17)]
