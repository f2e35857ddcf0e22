"""Random crops of photographs with their masks: turned, mirrored, scaled, and lit differently."""

from __future__ import annotations

import cv2
import numpy as np

from ftl.data.masks import NOT_JUDGED

SCALES = (0.7, 1.5)
"""How far crops are made smaller or larger."""

_ON_DEFECT = 0.7  # share of the crops that lie around a defect, where there is one; the others lie anywhere
_CONTRAST, _BRIGHTNESS, _TINT = 0.3, 30.0, 0.1  # shares, but for grey levels
_GAMMA, _SOMETIMES = 0.4, 0.25
_BLUR, _NOISE = (0.5, 1.2), (2.0, 10.0)  # deviations in pixels and grey levels


def random_crop(
    image: np.ndarray, mask: np.ndarray, size: int, rng: np.random.Generator, *, exact: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """A square crop of `size` pixels: image float32 (size, size, 3), 0..255, and mask uint8 (size, size).

    `image`: RGB uint8 (H, W, 3); `mask`: class numbers uint8 (H, W). Beyond an edge, the photograph is mirrored.
    `exact`: pixels and their mask as they are, only mirrored and turned by quarters.
    """
    height, width = mask.shape
    scale = 1.0 if exact else float(np.exp(rng.uniform(*np.log(SCALES))))
    reach = size / (2 * scale)
    if rng.random() < _ON_DEFECT and (inside := np.flatnonzero((mask > 0) & (mask != NOT_JUDGED))).size:
        row, column = np.unravel_index(inside[rng.integers(inside.size)], mask.shape)
        y, x = row + 0.8 * reach * rng.uniform(-1, 1), column + 0.8 * reach * rng.uniform(-1, 1)
    else:
        y, x = rng.uniform(0, height), rng.uniform(0, width)
    centre = np.array([_within(float(x), width, reach), _within(float(y), height, reach)])
    angle, mirrored = rng.uniform(0, 2 * np.pi), rng.choice([-1.0, 1.0])
    if exact:
        angle = np.pi / 2 * np.floor(angle / (np.pi / 2))
        centre = np.floor(centre) + size % 2 / 2  # so that pixels of the photograph are pixels of the crop
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = scale * turn @ np.diag([mirrored, 1.0])
    to_crop = np.column_stack([matrix, (size - 1) / 2 - matrix @ (centre - 0.5)])
    square = (size, size)
    pixels = cv2.warpAffine(image, to_crop, square, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    numbers = cv2.warpAffine(mask, to_crop, square, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
    return pixels.astype(np.float32) if exact else relit(pixels, rng), numbers


def _within(position: float, length: int, reach: float) -> float:
    """A centre from which a crop reaches no further over an edge than it has to."""
    low, high = min(reach, length / 2), max(length - reach, length / 2)
    return min(max(position, low), high)


def relit(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """RGB uint8 (H, W, 3) with other contrast, brightness and tint, and sometimes gamma, blur or noise; float32."""
    values: np.ndarray = image.astype(np.float32) - 128
    values *= rng.uniform(1 - _CONTRAST, 1 + _CONTRAST)
    values += 128 + rng.uniform(-_BRIGHTNESS, _BRIGHTNESS)
    values *= rng.uniform(1 - _TINT, 1 + _TINT, 3).astype(np.float32)
    if rng.random() < _SOMETIMES:
        values = 255 * (values.clip(0, 255) / 255) ** np.float32(np.exp(rng.uniform(-_GAMMA, _GAMMA)))
    if rng.random() < _SOMETIMES:
        values = cv2.GaussianBlur(values, (0, 0), rng.uniform(*_BLUR))
    if rng.random() < _SOMETIMES:
        values += rng.normal(0, rng.uniform(*_NOISE), values.shape).astype(np.float32)
    return values.clip(0, 255)
