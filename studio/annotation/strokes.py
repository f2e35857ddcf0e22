"""The kinds of strokes, a class each: what its geometry means, whether it is sound, and which pixels it covers.

Geometry is in pixels of the upright image, (0, 0) the corner of the first pixel. That of any stroke that paints may
carry "over": false: the stroke then leaves pixels of other classes alone.
"""
# ruff: noqa: D102 - what a kind overrides is documented in the class above it

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from studio.annotation.pixels import Box, box_within, decode, encode, in_polygon, runs, size_of, under_pen
from studio.errors import StudioError

FARTHEST = 10_000_000
"""Pixels from the corner of the image: what lies farther away is no place that anybody can point at."""
LONGEST_NAME = 250
"""Letters of the name of a network that proposed a stroke."""


@dataclass(frozen=True)
class Drawn:
    """A stroke, as its row in the log has it.

    `class_number`: 0 for those that paint no class. `geometry`: JSON, described by each kind, whose `fields` are all
    that it has. `author_id`: a user's id, which the log sets.
    """

    kind: ClassVar[str]
    fields: ClassVar[tuple[str, ...]] = ()

    id: str
    class_number: int
    geometry: dict[str, Any]
    author_id: int = 0

    def row(self) -> dict[str, Any]:
        """The columns of its row, from which `parse` makes it again."""
        return {
            "id": self.id, "kind": self.kind, "class_number": self.class_number, "geometry": self.geometry,
            "author_id": self.author_id,
        }  # fmt: skip

    def check(self, numbers: Set[int], height: int, width: int) -> None:
        """Raise `StudioError` if it is malformed, or of a class that is not among these `numbers`."""
        if not 1 <= len(self.id) <= 100:
            raise StudioError("a stroke has an id of 1 to 100 letters")
        if not self._has_class(numbers):
            raise StudioError("a stroke is of a class that this project has not")
        try:
            fits = self._fits(numbers, height, width)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise StudioError("a stroke has no usable geometry") from error
        if not fits:
            raise StudioError("a stroke has no usable geometry")

    def _has_class(self, numbers: Set[int]) -> bool:
        return True

    def _fits(self, numbers: Set[int], height: int, width: int) -> bool:
        """Whether its geometry can be drawn; any of the errors that `check` catches says that it cannot."""
        raise NotImplementedError


class Painted(Drawn):
    """A stroke that changes pixels."""

    @property
    def over(self) -> bool:
        """Whether it paints over other classes."""
        return bool(self.geometry.get("over", True))

    def extent(self, height: int, width: int) -> Box:
        """A box of the image that holds all that it covers."""
        raise NotImplementedError

    def cover(self, height: int, width: int) -> tuple[Box, np.ndarray]:
        """The pixels that it covers: a box of the image, and which of its pixels, bool."""
        raise NotImplementedError

    def values(self, height: int, width: int) -> np.ndarray:
        """What it makes them, uint8: one value for all, or that of each pixel of the image (height, width)."""
        raise NotImplementedError


class Shape(Painted):
    """A stroke that gives an area to its class, or takes it from all classes."""

    @property
    def erases(self) -> bool:
        """Whether it uncovers."""
        return False

    def values(self, height: int, width: int) -> np.ndarray:
        return np.asarray(0 if self.erases else self.class_number, np.uint8)

    def _has_class(self, numbers: Set[int]) -> bool:
        return self.erases or self.class_number in numbers


class Pen(Shape):
    """A round pen of w pixels along points: {"points": [[x, y], ...], "width": w}.

    With "widths", one a point and none above "width", a segment is as wide as the mean of those at its ends.
    """

    fields: ClassVar[tuple[str, ...]] = ("points", "width", "widths")

    def extent(self, height: int, width: int) -> Box:
        return _around(self._points(), _radius(self.geometry["width"]), height, width)

    def cover(self, height: int, width: int) -> tuple[Box, np.ndarray]:
        box = self.extent(height, width)
        return box, under_pen(size_of(box), self._points() - (box[1].start, box[0].start), self._radii())

    def _points(self) -> np.ndarray:
        return np.asarray(self.geometry["points"], float).reshape(-1, 2)

    def _radii(self) -> Any:
        """Of all segments, or of each."""
        if "widths" not in self.geometry:
            return _radius(self.geometry["width"])
        widths = np.asarray(self.geometry["widths"], float)
        return _radius((widths[:-1] + widths[1:]) / 2 if len(widths) > 1 else widths)

    def _fits(self, numbers: Set[int], height: int, width: int) -> bool:
        points, most = self.geometry["points"], self.geometry["width"]
        widths = self.geometry.get("widths", [most] * len(points))
        thin = len(widths) == len(points) and all(0 < width <= most for width in widths)
        return _are_points(points) and 0 < most <= 10_000 and thin


@dataclass(frozen=True)
class Brush(Pen):
    """A pen of its class."""

    kind = "brush"


@dataclass(frozen=True)
class Eraser(Pen):
    """A pen that uncovers."""

    kind = "erase"

    @property
    def erases(self) -> bool:
        return True


@dataclass(frozen=True)
class Polyline(Pen):
    """A pen of its class, led from corner to corner."""

    kind = "polyline"
    fields = ("points", "width")


@dataclass(frozen=True)
class Polygon(Shape):
    """What lies inside of corners, even-odd: {"points": [[x, y], ...]}."""

    kind = "polygon"
    fields = ("points",)

    def extent(self, height: int, width: int) -> Box:
        return _around(self._points(), 0.5, height, width)

    def cover(self, height: int, width: int) -> tuple[Box, np.ndarray]:
        box = self.extent(height, width)
        return box, in_polygon(size_of(box), self._points() - (box[1].start, box[0].start))

    def _points(self) -> np.ndarray:
        return np.asarray(self.geometry["points"], float).reshape(-1, 2)

    def _fits(self, numbers: Set[int], height: int, width: int) -> bool:
        return _are_points(self.geometry["points"])


@dataclass(frozen=True)
class Rectangle(Shape):
    """A filled box: {"box": [x, y, width, height]}."""

    kind = "rectangle"
    fields = ("box",)

    def extent(self, height: int, width: int) -> Box:
        x, y, w, h = self.geometry["box"]
        return box_within(round(x), round(y), round(x + w), round(y + h), height, width)

    def cover(self, height: int, width: int) -> tuple[Box, np.ndarray]:
        box = self.extent(height, width)
        return box, np.ones(size_of(box), bool)

    def _fits(self, numbers: Set[int], height: int, width: int) -> bool:
        box = self.geometry["box"]
        return len(box) == 4 and all(map(_is_near, box)) and min(box[2:]) >= 0


@dataclass(frozen=True)
class Region(Shape):
    """Any pixels: {"counts": [...], "size": [h, w]}, run lengths by `encode` (COCO's). With class 0 it uncovers.

    "proposed_by": the name of the network that found them, where its author only accepted what that proposed.
    """

    kind = "region"
    fields = ("counts", "size", "proposed_by")

    @classmethod
    def of(cls, where: np.ndarray, number: int, id: str, *, over: bool = True) -> Region:
        """The stroke that gives pixels, bool (height, width), to a class, or with 0 takes them from all."""
        geometry: dict[str, Any] = {"counts": encode(where), "size": list(where.shape)}
        return cls(id, number, geometry if over else geometry | {"over": False})

    @property
    def erases(self) -> bool:
        return self.class_number == 0

    def extent(self, height: int, width: int) -> Box:
        ends = np.cumsum(self.geometry["counts"])
        if len(ends) < 2:
            return slice(0, 0), slice(0, 0)
        first, last = int(ends[0]), int(ends[1::2][-1])
        return slice(0, height), slice(first // height, -(-last // height))

    def cover(self, height: int, width: int) -> tuple[Box, np.ndarray]:
        box = self.extent(height, width)
        start, stop = box[1].start * height, box[1].stop * height
        ends = np.concatenate([[0], np.cumsum(self.geometry["counts"])])
        return box, decode(np.diff(np.clip(ends, start, stop) - start), *size_of(box))

    def _fits(self, numbers: Set[int], height: int, width: int) -> bool:
        counts, proposed_by = self.geometry["counts"], self.geometry.get("proposed_by", "-")
        sized = self.geometry.get("size", [height, width]) == [height, width]
        named = isinstance(proposed_by, str) and 1 <= len(proposed_by) <= LONGEST_NAME
        return (
            named
            and sized
            and all(type(count) is int and count >= 0 for count in counts)
            and sum(counts) == height * width
        )


@dataclass(frozen=True)
class Revision(Painted):
    """The whole mask: {"counts": [...], "values": [...]}, run lengths column by column, each with its class."""

    kind = "revision"
    fields = ("counts", "values")

    @classmethod
    def of(cls, mask: np.ndarray, id: str) -> Revision:
        """The stroke that sets a mask, uint8 (height, width)."""
        return cls(id, 0, runs(mask))

    def extent(self, height: int, width: int) -> Box:
        return slice(0, height), slice(0, width)

    def cover(self, height: int, width: int) -> tuple[Box, np.ndarray]:
        return self.extent(height, width), np.ones((height, width), bool)

    def values(self, height: int, width: int) -> np.ndarray:
        values = np.array(self.geometry["values"], np.uint8)
        return np.repeat(values, self.geometry["counts"]).reshape((height, width), order="F")

    def _fits(self, numbers: Set[int], height: int, width: int) -> bool:
        counts, values = self.geometry["counts"], self.geometry["values"]
        whole = all(isinstance(count, int) and count > 0 for count in counts) and sum(counts) == height * width
        return whole and len(counts) == len(values) and set(values) <= numbers | {0}


class Toggle(Drawn):
    """Whether a stroke of the same author counts: {"stroke": id}.

    With {} the log finds the stroke as it takes the row: the author's last one.
    """

    fields = ("stroke",)
    hides: ClassVar[bool]

    @property
    def target(self) -> str:
        """The id of that stroke; empty where there was none."""
        return str(self.geometry.get("stroke", ""))

    def _fits(self, numbers: Set[int], height: int, width: int) -> bool:
        return isinstance(self.geometry.get("stroke", ""), str)


@dataclass(frozen=True)
class Undo(Toggle):
    """It counts no more."""

    kind = "undo"
    hides = True


@dataclass(frozen=True)
class Redo(Toggle):
    """It counts again."""

    kind = "redo"
    hides = False


KINDS: dict[str, type[Drawn]] = {
    drawn.kind: drawn for drawn in (Brush, Eraser, Polyline, Polygon, Rectangle, Region, Revision, Undo, Redo)
}


def kinds_of(base: type[Drawn]) -> list[str]:
    """The names of the kinds below a class, as for a query of the log."""
    return [kind for kind, drawn in KINDS.items() if issubclass(drawn, base)]


def parse(id: str, kind: str, class_number: int, geometry: dict[str, Any], author_id: int = 0) -> Drawn:
    """The stroke of a row; `Drawn.check` tells whether it is sound.

    Raises `StudioError` for a kind that there is not.
    """
    try:
        drawn = KINDS[kind]
    except (KeyError, TypeError) as error:
        raise StudioError(f"a stroke is of no known kind: choose one of {', '.join(KINDS)}") from error
    return drawn(id, class_number, geometry, author_id)


def _around(points: np.ndarray, reach: float, height: int, width: int) -> Box:
    (left, top), (right, bottom) = points.min(0) - reach, points.max(0) + reach
    return box_within(int(left) - 1, int(top) - 1, int(right) + 2, int(bottom) + 2, height, width)


def _radius(width: Any) -> Any:
    return np.maximum(width, 1.0) / 2


def _are_points(points: Any) -> bool:
    return 1 <= len(points) <= 100_000 and all(len(point) == 2 and all(map(_is_near, point)) for point in points)


def _is_near(value: Any) -> bool:
    """Whether a coordinate is a number that can be reckoned with."""
    return bool(abs(value) <= FARTHEST)
