"""Rows of the annotation log as a browser sends them: checked as what a stranger sent, and made into strokes."""

from __future__ import annotations

import re
from typing import Any

from studio.annotation.strokes import FARTHEST, KINDS, Drawn, Eraser, Shape, Toggle, parse
from studio.errors import StudioError
from studio.store.tables import Stroke

_KINDS = {kind: drawn for kind, drawn in KINDS.items() if issubclass(drawn, (Shape, Toggle))}
_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")


def parsed(given: Any) -> Drawn:
    """The stroke of a row {id, kind, class_number, geometry}, with nothing in its geometry but what its kind knows.

    Raises `StudioError` for what is no row; whether the geometry can be drawn, `Drawn.check` tells.
    """
    if not isinstance(given, dict):
        raise StudioError("a stroke comes as a JSON object")
    id, kind, number, geometry = (given.get(key) for key in ("id", "kind", "class_number", "geometry"))
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise StudioError("a stroke has an id of 1 to 100 letters, digits, dots, dashes, colons or underscores")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise StudioError(f"a stroke is of no known kind: choose one of {', '.join(_KINDS)}")
    if type(number) is not int or not 0 <= number <= 254:
        raise StudioError("a stroke has the number of its class, 0 for none")
    if not isinstance(geometry, dict):
        raise StudioError("a stroke has no usable geometry")
    known = {field: geometry[field] for field in _KINDS[kind].fields if field in geometry}
    if issubclass(_KINDS[kind], Shape) and geometry.get("over") is False:
        known["over"] = False
    return parse(id, kind, 0 if issubclass(_KINDS[kind], (Toggle, Eraser)) else number, known)


def as_json(row: Stroke) -> dict[str, Any]:
    """A row of the log as a browser takes it."""
    return {"id": row.id, "kind": row.kind, "class_number": row.class_number, "geometry": row.geometry,
            "author": row.author_id}  # fmt: skip


def place(x: Any, y: Any) -> tuple[float, float]:
    """A place in image pixels. Raises `StudioError` for what is none, or far off every image."""
    numbers = [float(value) for value in (x, y) if type(value) in (int, float) and abs(value) <= FARTHEST]
    if len(numbers) < 2:
        raise StudioError("x and y are a place in image pixels")
    return numbers[0], numbers[1]
