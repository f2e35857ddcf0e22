"""A photograph with its mask over it, as a small picture."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np


def fitted(photo: np.ndarray, most: tuple[int, int]) -> tuple[int, int]:
    """Width and height of a photograph (height, width, ...) once it fits `most` (width, height)."""
    height, width = photo.shape[:2]
    factor = min(most[0] / width, most[1] / height)
    return max(1, round(width * factor)), max(1, round(height * factor))


def masked(
    photo: np.ndarray, mask: np.ndarray, colours: Mapping[int, str], most: tuple[int, int], opacity: float = 0.5
) -> np.ndarray:
    """The picture, RGB uint8 (height, width, 3), as large as fits `most` (width, height).

    `photo`: RGB uint8 (height, width, 3); `mask`: index mask of its size. Classes without an entry in `colours`
    ("#rrggbb") are not shown.
    """
    size = fitted(photo, most)
    shrinks = size[0] < photo.shape[1]
    shown = cv2.resize(photo, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST)
    index = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
    result = np.array(shown)
    for number, colour in colours.items():
        where = index == number
        if where.any():
            paint = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)])
            result[where] = (result[where] * (1 - opacity) + paint * opacity).astype(np.uint8)
    return result


def encode(picture: np.ndarray) -> bytes:
    """JPEG bytes of an RGB picture."""
    return cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
