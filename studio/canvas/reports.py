"""What a browser sends of a canvas: checked as what a stranger sent, and made into strokes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from studio.annotation.strokes import Shape
from studio.canvas.adapter import strokes
from studio.canvas.viewport import Viewport
from studio.errors import StudioError
from studio.store.tables import Image

_MOST_OBJECTS = 20_000
_MOST_SIDE = 10_000  # of a canvas, in CSS pixels


def reported(given: Any, image: Image) -> list[Shape]:
    """The strokes of a report {mount, view, pens, objects} of a canvas on the image, in image pixels.

    `mount`: the canvas' key, `view`: as `Viewport`, `pens`: "#rrggbb" by class number, `objects`: all that was drawn
    on it, as Fabric tells them. Ids are those that the page itself would give. Raises `StudioError` for anything else.
    """
    if not isinstance(given, Mapping):
        raise StudioError("a report of a canvas is a JSON object")
    mount, view, pens, objects = (given.get(key) for key in ("mount", "view", "pens", "objects"))
    if not isinstance(mount, str) or not re.fullmatch(rf"canvas-{image.id}-[0-9a-f]{{12}}", mount):
        raise StudioError("the report is of no canvas on this image")
    if not isinstance(objects, list) or len(objects) > _MOST_OBJECTS:
        raise StudioError("the report has no list of what was drawn")
    found = strokes([one for one in objects if isinstance(one, dict)], mount, _view(view, image), _pens(pens))
    if len(found) < len(objects):
        raise StudioError("the report holds what is no stroke")
    return found


def _view(given: Any, image: Image) -> Viewport:
    if isinstance(given, list) and len(given) == len(Viewport._fields) and all(type(value) is int for value in given):
        view = Viewport(*given)
        inside = 0 <= view.left <= image.width - view.crop_width and 0 <= view.top <= image.height - view.crop_height
        if inside and min(given[2:]) > 0 and max(view.width, view.height) <= _MOST_SIDE:
            return view
    raise StudioError("the report does not say what of the image its canvas showed")


def _pens(given: Any) -> dict[int, str]:
    if isinstance(given, dict) and all(
        re.fullmatch("[0-9]{1,3}", str(number)) and isinstance(pen, str) and re.fullmatch("#[0-9a-f]{6}", pen)
        for number, pen in given.items()
    ):
        return {int(number): pen for number, pen in given.items()}
    raise StudioError("the report does not say which pen draws which class")
