"""The part of a photograph that the canvas shows, and how canvas pixels become image pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MOST_ZOOM = 32.0


class Viewport(NamedTuple):
    """A whole-pixel crop of the image (left, top, crop width, crop height), shown on a canvas of width x height."""

    left: int
    top: int
    crop_width: int
    crop_height: int
    width: int
    height: int

    @property
    def scale(self) -> tuple[float, float]:
        """Canvas pixels per image pixel, across and down."""
        return self.width / self.crop_width, self.height / self.crop_height

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Canvas points (n, 2) to image points (n, 2); both count from the corner of their first pixel."""
        return np.asarray(points, float) / self.scale + (self.left, self.top)

    def to_canvas(self, points: np.ndarray) -> np.ndarray:
        """Image points (n, 2) to canvas points (n, 2)."""
        return (np.asarray(points, float) - (self.left, self.top)) * self.scale

    def length(self, pixels: float) -> float:
        """A length on the canvas in image pixels."""
        return pixels / float(np.mean(self.scale))


def look(
    image_width: int,
    image_height: int,
    zoom: float = 1.0,
    centre: tuple[float, float] | None = None,
    most: tuple[int, int] = (780, 600),
) -> Viewport:
    """The viewport at a zoom (1: the whole image) about a centre in image pixels, kept inside the image.

    The canvas is as large as `most` (width, height) lets it be at the image's shape.
    """
    fit = min(most[0] / image_width, most[1] / image_height)
    width, height = max(1, round(image_width * fit)), max(1, round(image_height * fit))
    zoom = min(max(zoom, 1.0), max(1.0, min(image_width, image_height) / 4), MOST_ZOOM)
    crop_width, crop_height = max(1, round(image_width / zoom)), max(1, round(image_height / zoom))
    x, y = centre or (image_width / 2, image_height / 2)
    left = min(max(0, round(x - crop_width / 2)), image_width - crop_width)
    top = min(max(0, round(y - crop_height / 2)), image_height - crop_height)
    return Viewport(left, top, crop_width, crop_height, width, height)
