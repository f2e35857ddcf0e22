"""What lies under the canvas: the photograph as the viewport shows it, with the mask over it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import cv2
import numpy as np

from studio.canvas.viewport import Viewport
from studio.store import files


@lru_cache(maxsize=4)
def photograph(sha256: str) -> np.ndarray:
    """A photograph, decoded once: RGB uint8 (height, width, 3)."""
    return files.array(sha256)


def render(
    image: np.ndarray,
    mask: np.ndarray,
    view: Viewport,
    colours: Mapping[int, str],
    *,
    opacity: float = 0.5,
    brightness: float = 0.0,
    contrast: float = 1.0,
) -> np.ndarray:
    """The viewport's picture, RGB uint8 (view.height, view.width, 3).

    `mask`: index mask of the image's size; classes without an entry in `colours` ("#rrggbb") are not shown.
    `brightness`: added, -1..1; `contrast`: factor about the middle grey.
    """
    rows = slice(view.top, view.top + view.crop_height)
    columns = slice(view.left, view.left + view.crop_width)
    size = (view.width, view.height)
    shrinks = view.scale[0] < 1
    shown = cv2.resize(image[rows, columns], size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST)
    if brightness or contrast != 1:
        shown = cv2.convertScaleAbs(shown, alpha=contrast, beta=127.5 * (1 - contrast) + 255 * brightness)
    index = cv2.resize(mask[rows, columns], size, interpolation=cv2.INTER_NEAREST)
    result = np.array(shown)
    for number, colour in colours.items():
        where = index == number
        if where.any():
            paint = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)])
            result[where] = (result[where] * (1 - opacity) + paint * opacity).astype(np.uint8)
    return result


def encode(picture: np.ndarray) -> bytes:
    """JPEG bytes of an RGB picture, good enough to draw on."""
    return cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
