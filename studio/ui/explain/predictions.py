"""Why a network answers as it does: where a photograph speaks for a class, drawn over it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ftl.data.masks import read_mask
from ftl.data.tiles import Tile
from ftl.evaluation.explain import explain as grad_cam
from ftl.evaluation.overlays import heat_over, outlined
from ftl.models.classifier import Model
from studio.inspection.examine import examine
from studio.jobs.layout import image_id, is_tile
from studio.ui.choose.filter_maps import jpeg


class Answer(NamedTuple):
    """`photograph` and `glow` over it as JPEG; `silent`: nothing there speaks for the class."""

    photograph: bytes
    glow: bytes
    silent: bool


def explain(
    model: Model, photo: np.ndarray, label: str, layer: str, mask: Path | None = None, longest: int = 640
) -> Answer:
    """Grad-CAM of a photograph, RGB uint8 (height, width, 3), for a class at a layer; its mask outlined where known.

    Pictures are at most `longest` pixels long. Raises `FtlError` when there is no such class, layer or mask.
    """
    heat, _ = grad_cam(model, photo, label, layer)
    scale = min(1.0, longest / max(photo.shape[:2]))
    height, width = (max(1, round(scale * side)) for side in photo.shape[:2])
    shown = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    pictures = [shown, heat_over(shown, heat)]
    if mask is not None:
        edge = cv2.resize(read_mask(mask), (width, height), interpolation=cv2.INTER_AREA)
        pictures = [outlined(one, edge) for one in pictures]
    return Answer(jpeg(pictures[0]), jpeg(pictures[1]), not heat.any())


def surest_tile(model: Model, photo: np.ndarray, label: str) -> Tile | None:
    """The tile of a large photograph in which a class is most probable to a network that was trained on tiles.

    None where it sees the photograph whole.
    """
    if model.tile is None:
        return None
    found = examine(model, photo, label, model.tile, heat=False)
    return max(zip(found.chances, found.tiles, strict=True))[1] if found.tiles else None


def mask_of(image: int | None, pairs: Sequence[tuple[Path, Path]]) -> Path | None:
    """The mask that a sweep used for an image of the project, among its photographs with masks."""
    whole = ((photo, mask) for photo, mask in pairs if not is_tile(photo))
    return next((mask for photo, mask in whole if image is not None and image_id(photo) == image), None)
