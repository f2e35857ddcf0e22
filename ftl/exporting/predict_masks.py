"""Masks drawn of files by an exported segmenter, in PyTorch or ONNX Runtime, and written as PNG."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from ftl.data.images import read_image
from ftl.errors import FtlError, raise_together
from ftl.files import whole_file
from ftl.models.segmenter_files import load_segmenter
from ftl.models.tiling import draw_mask
from ftl.progress import Report, silent
from ftl.tables import csv_text

Draw = Callable[[np.ndarray], np.ndarray]
"""From RGB uint8 (H, W, 3) to a mask, uint8 (H, W): 0 or 255, or class numbers where there are several."""


class DrawnMask(NamedTuple):
    """A photograph, its mask's file, and the share 0..1 of its pixels that are inside."""

    file: Path
    mask: Path
    share: float


def predict_masks(
    model: str | Path, paths: Sequence[Path], out: Path, report: Report = silent
) -> tuple[list[DrawnMask], list[str]]:
    """Draw the masks of the readable files into `out` as STEM.png; and a sentence for each file that is not readable.

    `model`: a segmenter's folder in a sweep, or its file. Raises `FtlError` before anything is drawn where two
    photographs have the same stem, or a mask would overwrite a photograph.
    """
    draw, out = drawing(model), Path(out)
    targets = [out / f"{path.stem}.png" for path in paths]
    photographs, times = {path.resolve() for path in paths}, Counter(targets)
    problems = [
        f"{path} and another photograph are both named {path.stem}: draw them one after the other, into other folders"
        for path, target in zip(paths, targets, strict=True)
        if times[target] > 1
    ]
    problems += [f"{target} is a photograph, not a mask" for target in targets if target.resolve() in photographs]
    raise_together("nothing was drawn: choose another folder for the masks", problems)
    masks, unreadable = [], []
    for done, (path, target) in enumerate(zip(paths, targets, strict=True)):
        report(done, len(paths), "drawing masks")
        try:
            mask = draw(read_image(path))
        except FtlError as error:
            unreadable.append(str(error))
            continue
        with whole_file(target) as draft:
            Image.fromarray(mask).save(draft)
        masks.append(DrawnMask(path, target, float((mask > 0).mean())))
    report(len(paths), len(paths), "drawing masks")
    return masks, unreadable


def masks_csv(masks: Sequence[DrawnMask]) -> str:
    """`file,mask,share` lines."""
    return csv_text([["file", "mask", "share"], *([one.file, one.mask, f"{one.share:.6f}"] for one in masks)])


def drawing(model: str | Path) -> Draw:
    """What draws with a segmenter's folder or file. Raises `FtlError` when it holds none."""
    path = Path(model)
    if path.suffix.lower() in (".onnx", ".zip"):
        return _by_onnx(path)
    segmenter = load_segmenter(path)
    inside = np.uint8(255 if len(segmenter.classes) == 1 else 1)
    return lambda image: draw_mask(segmenter, image) * inside


def _by_onnx(path: Path) -> Draw:
    from ftl.exporting.onnx import session
    from ftl.exporting.segmenter_onnx import MASK, answer

    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive:
                content = archive.read("model.onnx")
        else:
            content = path.read_bytes()
        running = session(content)
    except Exception as error:  # ONNX Runtime raises many types for one thing: a file that it cannot run
        raise FtlError(f"{path} cannot be read as an ONNX model ({error!s:.200})") from error
    if MASK not in [output.name for output in running.get_outputs()]:
        raise FtlError(f"{path} draws no masks: it was not exported from a network that does")
    return lambda image: answer(running, image)[0]
