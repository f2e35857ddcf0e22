"""Shapes of other programs as pixels, each by the rule of the program that usually reads it.

COCO's and CVAT's polygons are pixels as pycocotools has them, Labelme's shapes as Labelme draws them (with Pillow), and
YOLO's outlines as supervision and Ultralytics do (with `cv2.fillPoly`).

Each function takes a shape and the image's height and width, and gives a part of the image and which of its pixels
(bool) the shape covers. It raises `StudioError` for a shape that has no area or another size, and for a damaged one
whatever its values lead to.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw
from pycocotools import mask as coco_mask

from studio.annotation.pixels import Box, decode
from studio.errors import StudioError

Covered = tuple[Box, np.ndarray]


def coco_shape(segmentation: Any, height: int, width: int) -> Covered:
    """A COCO segmentation: polygons or run lengths."""
    if isinstance(segmentation, dict):
        return _whole(_runs(segmentation, height, width))
    if len(segmentation) == 1:
        return _polygon(segmentation[0], height, width)
    where = np.zeros((height, width), bool)
    for points in segmentation:
        box, part = _polygon(points, height, width)
        where[box] |= part
    return _whole(where)


def labelme_shape(shape: Any, height: int, width: int) -> Covered:
    """A Labelme shape: polygon, rectangle, circle or mask."""
    kind, points = shape.get("shape_type") or "polygon", shape["points"]
    if kind not in ("polygon", "rectangle", "circle", "mask"):
        raise StudioError(_no_area(kind))
    if kind == "polygon":
        corners = _corners(points, height, width)
        return _drawn(lambda draw: draw.polygon(list(map(tuple, corners)), fill=1, outline=1), height, width)
    (x0, y0), (x1, y1) = np.asarray(points, float)
    if kind == "mask":
        return _pasted(shape["mask"], round(x0), round(y0), height, width)
    radius = float(np.hypot(x1 - x0, y1 - y0))
    ends = [(x0 - radius, y0 - radius), (x0 + radius, y0 + radius)]  # of a circle: its centre and a point on it
    if kind == "rectangle":
        ends = [(min(x0, x1), min(y0, y1)), (max(x0, x1), max(y0, y1))]
    box = [tuple(end) for end in _near(np.array(ends), height, width).tolist()]
    if kind == "rectangle":
        return _drawn(lambda draw: draw.rectangle(box, fill=1, outline=1), height, width)
    return _drawn(lambda draw: draw.ellipse(box, fill=1, outline=1), height, width)


def cvat_shape(shape: dict[str, str], height: int, width: int) -> Covered:
    """A CVAT shape as its attributes, with its kind under "": mask, polygon, box or ellipse."""
    kind = shape[""]
    if kind == "polygon":
        return _polygon([pair.split(",") for pair in shape["points"].split(";")], height, width)
    if kind not in ("mask", "box", "ellipse"):
        raise StudioError(_no_area(kind))
    if kind != "mask" and float(shape.get("rotation", 0)):
        raise StudioError(f"it is a turned {kind}: draw it as a polygon")
    if kind == "box":
        x0, y0, x1, y1 = (float(shape[one]) for one in ("xtl", "ytl", "xbr", "ybr"))
        return _rectangle(x0, y0, x1, y1, height, width)
    if kind == "ellipse":
        x, y, wide, high = (float(shape[one]) for one in ("cx", "cy", "rx", "ry"))
        return _ellipse(x, y, wide, high, height, width)
    return _boxed(shape, height, width)


def yolo_shape(parts: list[str], height: int, width: int) -> Covered:
    """The corners of a YOLO outline, in parts of the image's width and height."""
    corners = np.array(parts, np.float32).reshape(-1, 2) * np.array([width, height], np.float32)
    where = np.zeros((height, width), np.uint8)
    cv2.fillPoly(where, [np.round(_corners(corners, height, width)).astype(np.int32)], 1)
    return _whole(where > 0)


def _no_area(kind: object) -> str:
    return f"it is a {str(kind)[:20]}, which has no area: draw it as a polygon"


def _whole(where: np.ndarray) -> Covered:
    return (slice(0, where.shape[0]), slice(0, where.shape[1])), where


def _runs(segmentation: Any, height: int, width: int) -> np.ndarray:
    if tuple(segmentation["size"]) != (height, width):
        raise StudioError("a run length has another size than its image")
    counts = segmentation["counts"]
    counts = _unpacked(counts) if isinstance(counts, str) else counts
    if not all(type(one) is int and one >= 0 for one in counts) or sum(counts) != height * width:
        raise StudioError("its run lengths are damaged: they are not those of its image")
    return decode(counts, height, width)


def _unpacked(text: str) -> list[int]:
    """Run lengths of COCO's packed form: six bits a letter, lowest first, and from the third on as differences.

    As `rleFrString` of pycocotools' maskApi.c, which reads on behind the end of a damaged text.
    """
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 30:
            raise StudioError("its packed run lengths are damaged")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            value -= (1 << shift) if bits & 16 else 0
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    if shift:
        raise StudioError("its packed run lengths are cut off")
    return counts


def _rectangle(x0: float, y0: float, x1: float, y1: float, height: int, width: int) -> Covered:
    return _polygon([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], height, width)


def _ellipse(x: float, y: float, wide: float, high: float, height: int, width: int) -> Covered:
    """Pixels whose centre is within the half axes `wide` and `high`."""
    if not (wide > 0 and high > 0):
        raise StudioError("it has no area")
    right, down = (np.arange(width) + 0.5 - x) * high, ((np.arange(height) + 0.5 - y) * wide)[:, None]
    return _whole(right * right + down * down <= (wide * high) ** 2)


def _boxed(shape: dict[str, str], height: int, width: int) -> Covered:
    """Run lengths of a box, row by row, beginning with the pixels outside."""
    left, top, wide, high = (int(float(shape[one])) for one in ("left", "top", "width", "height"))
    if left < 0 or top < 0 or wide < 1 or high < 1 or left + wide > width or top + high > height:
        raise StudioError("its mask reaches out of the image")
    counts = [int(one) for one in shape["rle"].split(",")]
    if min(counts) < 0 or sum(counts) != wide * high:
        raise StudioError("its run lengths are not those of its box")
    return (slice(top, top + high), slice(left, left + wide)), decode(counts, wide, high).T


def _pasted(encoded: str, left: int, top: int, height: int, width: int) -> Covered:
    """A small PNG in base64, laid on the image at its top left corner."""
    with Image.open(io.BytesIO(base64.b64decode(encoded)), formats=["PNG"]) as image:
        if left < 0 or top < 0 or left + image.width > width + 1 or top + image.height > height + 1:
            raise StudioError("its mask reaches out of the image")
        part = np.asarray(image.convert("L"))[: height - top, : width - left] > 0
    return (slice(top, top + part.shape[0]), slice(left, left + part.shape[1])), part


def _polygon(points: Any, height: int, width: int) -> Covered:
    """The pixels of a polygon as pycocotools has them, in the part of the image that it reaches.

    Its grid of fifths of a pixel is laid here, where the polygon is still in its place on the image.
    """
    corners = _corners(points, height, width)
    fifths = np.trunc(5 * corners + 0.5)
    size = np.array([width, height])
    low = np.clip(np.floor(corners.min(0)).astype(int) - 1, 0, size - 1)
    high = np.clip(np.ceil(corners.max(0)).astype(int) + 2, low + 1, size)
    own = fifths - 5 * low
    own = (own + np.where(own < 0, -0.75, -0.25)) / 5  # which it turns into the same fifths again
    packed = coco_mask.frPyObjects([own.ravel().tolist()], int(high[1] - low[1]), int(high[0] - low[0]))
    box = slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
    return box, coco_mask.decode(packed[0]).astype(bool)


def _drawn(draw: Callable[[ImageDraw.ImageDraw], None], height: int, width: int) -> Covered:
    """What is drawn with Pillow in ones."""
    image = Image.new("L", (width, height))
    draw(ImageDraw.Draw(image))
    return _whole(np.asarray(image) > 0)


def _corners(points: Any, height: int, width: int) -> np.ndarray:
    """A polygon's corners, float (n, 2). Raises `StudioError` for one that reaches far out of the image."""
    corners = np.asarray(points, float).reshape(-1, 2)
    if len(corners) < 3:
        raise ValueError("a polygon has three corners at least")
    return _near(corners, height, width)


def _near(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """The points, if none is farther out of the image than twice its longer side: they are drawn at that cost."""
    if not np.isfinite(points).all():
        raise ValueError("a corner is no number")
    most = 3 * max(height, width)
    if np.abs(points).max() > most:
        raise StudioError(f"it reaches far out of the image: corners are from 0, 0 to {width}, {height}")
    return points
