"""A browser's side of the drawing surface, in a few lines: the mask that it shows after each answer of the studio."""

from __future__ import annotations

from typing import Any

import numpy as np

from studio.annotation.rasterise import paint
from studio.annotation.strokes import Painted, parse


class Browser:
    """`position`: of the log, None before the first answer; `mask`: uint8 (height, width), of all classes."""

    def __init__(self, height: int, width: int) -> None:
        self.position: int | None = None
        self.mask = np.zeros((height, width), np.uint8)

    def receive(self, told: dict[str, Any]) -> None:
        """Take an answer {position, rows, patch}: paint the rows, then put the patch over them."""
        for row in told["rows"]:
            stroke = parse(row["id"], row["kind"], row["class_number"], row["geometry"], row["author"])
            assert isinstance(stroke, Painted)
            paint(self.mask, [stroke])
        if told["patch"]:
            left, top, width, height = told["patch"]["box"]
            values = np.repeat(np.array(told["patch"]["values"], np.uint8), told["patch"]["counts"])
            self.mask[top : top + height, left : left + width] = values.reshape((height, width), order="F")
        self.position = told["position"]
