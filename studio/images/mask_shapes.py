"""Shapes of COCO and Labelme as pixels, by the same rules as what is drawn here."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from studio.annotation.fold import Drawn, cover
from studio.errors import StudioError


def coco_shape(segmentation: Any, height: int, width: int) -> np.ndarray:
    """A COCO segmentation, polygons or run lengths, as a bool mask (height, width).

    Raises `StudioError` for one of another size; for a damaged one whatever its values lead to.
    """
    if not isinstance(segmentation, dict):
        where = np.zeros((height, width), bool)
        for points in segmentation:
            where |= _polygon(points, height, width)
        return where
    if tuple(segmentation["size"]) != (height, width):
        raise StudioError("a run length has another size than its image")
    plain = isinstance(segmentation["counts"], list)
    packed = coco_mask.frPyObjects(segmentation, height, width) if plain else segmentation
    return coco_mask.decode(packed).astype(bool)


def labelme_shape(shape: Any, height: int, width: int) -> np.ndarray:
    """A Labelme shape, polygon, rectangle, circle or mask, as a bool mask (height, width).

    Raises `StudioError` for one without an area; for a damaged one whatever its values lead to.
    """
    kind, points = shape.get("shape_type") or "polygon", shape["points"]
    if kind == "polygon":
        return _polygon(points, height, width)
    if kind not in ("rectangle", "circle", "mask"):
        raise StudioError(f"it is a {str(kind)[:20]}, which has no area: draw it as a polygon")
    (x0, y0), (x1, y1) = np.asarray(points, float)
    if kind == "rectangle":
        return _polygon([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], height, width)
    if kind == "circle":  # its centre, and a point on it
        x, y = np.arange(width) + 0.5 - x0, (np.arange(height) + 0.5 - y0)[:, None]
        return x * x + y * y <= (x1 - x0) ** 2 + (y1 - y0) ** 2
    return _pasted(shape["mask"], round(x0), round(y0), height, width)


def _pasted(encoded: str, left: int, top: int, height: int, width: int) -> np.ndarray:
    """A small PNG in base64, laid on the image at its top left corner."""
    with Image.open(io.BytesIO(base64.b64decode(encoded)), formats=["PNG"]) as image:
        if left < 0 or top < 0 or left + image.width > width + 1 or top + image.height > height + 1:
            raise StudioError("its mask reaches out of the image")
        part = np.asarray(image.convert("L"))[: height - top, : width - left] > 0
    where = np.zeros((height, width), bool)
    where[top : top + part.shape[0], left : left + part.shape[1]] = part
    return where


def _polygon(points: Any, height: int, width: int) -> np.ndarray:
    corners = np.asarray(points, float).reshape(-1, 2)
    if len(corners) < 3 or not np.isfinite(corners).all():
        raise ValueError("a polygon has three corners at least")
    where = np.zeros((height, width), bool)
    box, part = cover(Drawn("", "polygon", 1, {"points": corners.tolist()}, 0), height, width)
    where[box] = part
    return where
