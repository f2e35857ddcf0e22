"""The drawing desk's state in a browser tab: where it looks, with what pen, and which canvas is mounted.

A canvas is mounted anew only when its user does something that changes what lies under it; never because of a stroke.
Its reply is the list of what was drawn on it. Strokes are only ever added from it: a list that lacks one says nothing,
for a canvas that was hidden comes back empty.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from studio.annotation import log
from studio.annotation.strokes import Drawn
from studio.canvas.adapter import ERASER, strokes, toggle
from studio.canvas.event_order import room
from studio.canvas.picture import encode, photograph, render
from studio.canvas.surface import surface
from studio.canvas.viewport import Viewport, look
from studio.errors import StudioError
from studio.store.tables import Image

TOOLS = {"brush": "freedraw", "eraser": "freedraw", "polygon": "polygon", "rectangle": "rect", "pin": "point"}
"""The canvas' mode for each tool."""

_PAN = 0.25  # of what is seen


class Mount(NamedTuple):
    """A canvas: `key` is its widget's and part of its strokes' ids; `background` JPEG bytes of what is under it.

    `pens`: its pen "#rrggbb" by class number. `position`: of the log, up to which strokes are in the background.
    """

    key: str
    signature: tuple[Any, ...]
    view: Viewport
    background: bytes
    pens: dict[int, str]
    position: int


def place(image: Image) -> dict[str, Any]:
    """Where this tab looks at the image, the canvas that is mounted, and which of its strokes are saved or wait."""
    empty: dict[str, Any] = {"zoom": 1.0, "centre": None, "mount": None, "saved": set(), "waiting": []}
    state: dict[str, Any] = st.session_state.setdefault(f"desk-{image.id}", empty)
    return state


def sight(image: Image) -> Viewport:
    """What of the image this tab looks at, on a canvas that fits the window."""
    at = place(image)
    return look(image.width, image.height, at["zoom"], at["centre"], (room(), 600))


def zoom(image: Image, factor: float | None) -> None:
    """Look closer or from farther away; None: at the whole image."""
    at = place(image)
    at["zoom"] = 1.0 if factor is None else min(max(at["zoom"] * factor, 1.0), 32.0)


def pan(image: Image, right: int, down: int) -> None:
    """Move what is seen by a quarter of it."""
    at = place(image)
    view = look(image.width, image.height, at["zoom"], at["centre"])
    x, y = view.left + view.crop_width / 2, view.top + view.crop_height / 2
    moved = look(
        image.width,
        image.height,
        at["zoom"],
        (x + right * _PAN * view.crop_width, y + down * _PAN * view.crop_height),
    )
    at["centre"] = (moved.left + moved.crop_width / 2, moved.top + moved.crop_height / 2)


def put_away(image: Image, author_id: int) -> None:
    """Take the canvas off, once what is on it is saved; the next one's background holds it.

    Raises `StudioError` when it could not be saved; then it waits, see `save`.
    """
    at = place(image)
    current: Mount | None = at["mount"]
    at["mount"] = None
    if current is not None and current.key in st.session_state:
        save(image, author_id, current, _objects((st.session_state[current.key].get("drawing") or {}).get("raw")))


def _objects(drawing: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    return list((drawing or {}).get("objects", []))


def mount(
    image: Image,
    author_id: int,
    pens: dict[int, str],
    colours: Mapping[int, str],
    opacity: float,
    brightness: float,
    contrast: float,
    whose: int | None = None,
) -> Mount:
    """The canvas that is mounted, or a new one if something under it changed or it was hidden meanwhile.

    `whose`: the author whose strokes are shown, None for everybody's.
    """
    at = place(image)
    view = sight(image)
    signature = (
        view,
        tuple(pens.items()),
        tuple(colours.items()),
        opacity,
        brightness,
        contrast,
        whose,
    )
    current: Mount | None = at["mount"]
    if current is None or current.signature != signature or current.key not in st.session_state:
        with suppress(StudioError):  # the drawing tries again, and tells
            put_away(image, author_id)
        position = log.position(image.id)  # what comes while the mask is read is shown twice, not left out
        picture = render(
            photograph(image.sha256),
            log.mask(image, author_id=whose),
            view,
            colours,
            opacity=opacity,
            brightness=brightness,
            contrast=contrast,
        )
        key = f"canvas-{image.id}-{secrets.token_hex(6)}"
        current = at["mount"] = Mount(key, signature, view, encode(picture), pens, position)
    return current


def canvas(on: Mount, tool: str, number: int, width: float, *, editable: bool) -> list[Mapping[str, Any]]:
    """Draw the canvas with the pen of a class; its objects."""
    # the canvas' own toolbar would lie over ours, and its undo knows nothing of the log
    st.html("<style>[class*=st-key-canvas-] { overflow: clip }</style>")
    eraser, pen = tool == "eraser", on.pens[number]
    result = surface(
        fill_color=f"{pen}80",
        stroke_width=max(1, round(width * sum(on.view.scale) / 2)) if TOOLS[tool] == "freedraw" else 1,
        stroke_color=f"{ERASER}cc" if eraser else f"{pen}b3",
        background_image=on.background,
        width=on.view.width,
        height=on.view.height,
        drawing_mode=TOOLS[tool],
        disabled=not editable,
        key=on.key,
    )
    return _objects(result.json_data)


def keep(image: Image, on: Mount, objects: Sequence[Mapping[str, Any]]) -> int:
    """Have what is on the canvas and not saved wait in this tab; the number of the canvas' strokes."""
    at = place(image)
    reply = strokes(objects, on.key, on.view, on.pens)
    waiting = {one.id: one for one in (*at["waiting"], *reply) if one.id not in at["saved"]}
    at["waiting"] = list(waiting.values())
    return len(reply)


def save(image: Image, author_id: int, on: Mount, objects: Sequence[Mapping[str, Any]]) -> int:
    """Add to the log what it lacks of the canvas; the number of the canvas' strokes, all of them saved then.

    Raises `StudioError` when they could not be saved. They wait then in this tab, whatever happens to their canvas,
    and every later call tries again.
    """
    at = place(image)
    count = keep(image, on, objects)
    waiting = {one.id: one for one in at["waiting"]}
    if waiting:
        try:
            log.append(image.id, author_id, at["waiting"])
        except SQLAlchemyError as error:
            raise StudioError("the studio's disk did not take the strokes; they wait here") from error
        at["saved"].update(waiting)
        at["waiting"] = []
    return count


def step_back(image: Image, author_id: int, kind: str) -> None:
    """Undo or redo the author's last stroke, and show it. Raises `StudioError` when there is none."""
    put_away(image, author_id)
    target = log.last(image.id, author_id, kind)
    if target is None:
        raise StudioError(f"there is nothing of yours to {kind}")
    rows = [log.drawn(row) for row in log.read(image.id, author_id=author_id)]
    add(image, author_id, [toggle(kind, target, rows, author_id)])


def add(image: Image, author_id: int, new: Sequence[Drawn]) -> None:
    """Add strokes that do not come from the canvas, and show them."""
    put_away(image, author_id)
    log.append(image.id, author_id, new)
