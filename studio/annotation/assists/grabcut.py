"""GrabCut: the thing in a rectangle, separated from the wall about it by its colours."""

from __future__ import annotations

import cv2
import numpy as np

from studio.errors import StudioError

MOST = 120_000
"""Pixels that are cut; a larger box is made smaller to that."""

_ROUNDS = 5
_LEAST = 3  # pixels of a rectangle's side, and of wall beside it


def grab(image: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """What stands out in a rectangle: bool (height, width); never anything outside of it.

    `image`: RGB, uint8 (height, width, 3). `box`: x, y, width, height in image pixels. Rother, Kolmogorov and Blake,
    "GrabCut", SIGGRAPH 2004, as OpenCV has it, on the rectangle and as much wall about it again: further away the wall
    may be another one. A box of more than `MOST` pixels is made smaller to that.

    Raises `StudioError` for a rectangle that is too small, or leaves no wall outside.
    """
    height, wide = image.shape[:2]
    x, y, w, h = box
    left, right = max(0, round(x)), min(wide, round(x + w))
    top, bottom = max(0, round(y)), min(height, round(y + h))
    if right - left < _LEAST or bottom - top < _LEAST:
        raise StudioError("draw a larger rectangle, about the whole pore or stain")
    over, down = max(_LEAST, (right - left) // 2), max(_LEAST, (bottom - top) // 2)
    outer = slice(max(0, top - down), min(height, bottom + down)), slice(max(0, left - over), min(wide, right + over))
    inside = np.zeros((outer[0].stop - outer[0].start, outer[1].stop - outer[1].start), np.uint8)
    inside[top - outer[0].start : bottom - outer[0].start, left - outer[1].start : right - outer[1].start] = 1
    if inside.size - int(inside.sum()) < _LEAST * _LEAST:
        raise StudioError("leave some of the wall outside of the rectangle")
    where = np.zeros((height, wide), bool)
    pixels = image[outer]
    if (pixels == pixels[0, 0]).all():
        return where  # nothing stands out of a flat wall
    where[outer] = (_cut(pixels, inside) > 0) & (inside > 0)
    return where


def _cut(pixels: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """1 for the thing, else 0, uint8 (height, width). `inside`: 1 where it may be."""
    size = (inside.shape[1], inside.shape[0])
    factor = min(1.0, float(np.sqrt(MOST / inside.size)))
    if factor < 1:
        pixels = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        inside = cv2.resize(inside, pixels.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    labels = np.where(inside > 0, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    if not (inside > 0).any() or (inside > 0).all():
        return np.zeros(size[::-1], np.uint8)
    cv2.setRNGSeed(0)  # its first guess is drawn: the same rectangle must give the same pixels
    try:
        cv2.grabCut(pixels[..., ::-1].copy(), labels, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS,
                    cv2.GC_INIT_WITH_MASK)  # fmt: skip
    except cv2.error as error:
        raise StudioError("nothing stands out here: draw another rectangle") from error
    cut = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    return cv2.resize(cut, size, interpolation=cv2.INTER_NEAREST) if factor < 1 else cut
