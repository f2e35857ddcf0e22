"""The drawing desk's state in a browser tab: where it looks, with what pen, and which canvas is mounted.

A canvas is mounted anew only when its user does something that changes what lies under it; never because of a stroke.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

import streamlit as st

from studio.annotation import log
from studio.annotation.canvas import ERASER, reconcile, strokes, toggle
from studio.annotation.fold import Drawn
from studio.annotation.picture import encode, photograph, render
from studio.annotation.viewport import Viewport, look
from studio.errors import StudioError
from studio.store.models import Image

TOOLS = {"brush": "freedraw", "eraser": "freedraw", "polygon": "polygon", "rectangle": "rect"}
"""The canvas' mode for each tool."""

_PAN = 0.25  # of what is seen


class Mount(NamedTuple):
    """A canvas: `token` is part of its strokes' ids; `background` JPEG bytes of what is under it."""

    token: str
    signature: tuple[Any, ...]
    view: Viewport
    background: bytes


def place(image: Image) -> dict[str, Any]:
    """Where this tab looks at the image: zoom and centre; and how often it asked for a new canvas."""
    state: dict[str, Any] = st.session_state.setdefault(f"desk-{image.id}", {"zoom": 1.0, "centre": None, "turn": 0})
    return state


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


def renew(image: Image) -> None:
    """Ask for a canvas whose background holds all that is saved."""
    place(image)["turn"] += 1


def mount(image: Image, colours: Mapping[int, str], opacity: float, brightness: float, contrast: float) -> Mount:
    """The canvas that is mounted, or a new one if something under it changed."""
    at = place(image)
    signature = (at["zoom"], at["centre"], at["turn"], tuple(colours.items()), opacity, brightness, contrast)
    current: Mount | None = at.get("mount")
    if current is None or current.signature != signature:
        view = look(image.width, image.height, at["zoom"], at["centre"])
        picture = render(
            photograph(image.sha256),
            log.mask(image),
            view,
            colours,
            opacity=opacity,
            brightness=brightness,
            contrast=contrast,
        )
        current = at["mount"] = Mount(secrets.token_hex(6), signature, view, encode(picture))
    return current


def canvas(
    image: Image, on: Mount, tool: str, pen: str, width: float, *, editable: bool
) -> list[Mapping[str, Any]] | None:
    """Draw the canvas; its objects, or None as long as it has not answered."""
    from streamlit_drawable_canvas import st_canvas  # cannot be imported outside of a Streamlit run

    eraser = tool == "eraser"
    result = st_canvas(
        fill_color=f"{pen}80",
        stroke_width=max(1, round(width * sum(on.view.scale) / 2)) if TOOLS[tool] == "freedraw" else 1,
        stroke_color=f"{ERASER}cc" if eraser else f"{pen}b3",
        background_image=on.background,
        width=on.view.width,
        height=on.view.height,
        drawing_mode=TOOLS[tool],
        disabled=not editable,
        key=f"canvas-{image.id}-{on.token}",
    )
    return None if result.json_data is None else result.json_data.get("objects", [])


def save(image: Image, author_id: int, on: Mount, objects: list[Mapping[str, Any]], drawn_by: Mapping[int, str]) -> int:
    """Bring the log up to what the canvas shows; the number of the mount's strokes, all of them saved then.

    Raises `StudioError` when they could not be saved; the canvas keeps them, and the next reply tries again.
    """
    reply = strokes(objects, on.token, on.view, drawn_by)
    at = place(image)
    ids = frozenset(stroke.id for stroke in reply)
    if at.get("saved") != (on.token, ids):
        rows = [log.drawn(row) for row in log.read(image.id)]
        new = reconcile(reply, rows, on.token, author_id)
        if new:
            log.append(image.id, author_id, new)
        at["saved"] = (on.token, ids)
    return len(reply)


def step_back(image: Image, author_id: int, kind: str) -> None:
    """Undo or redo the author's last stroke, and show it. Raises `StudioError` when there is none."""
    target = log.toggle(image.id, author_id, kind)
    if target is None:
        raise StudioError(f"there is nothing of yours to {kind}")
    rows = [log.drawn(row) for row in log.read(image.id)]
    add(image, author_id, [toggle(kind, target["stroke"], rows, author_id)])


def add(image: Image, author_id: int, new: list[Drawn]) -> None:
    """Add strokes that do not come from the canvas, and show them."""
    log.append(image.id, author_id, new)
    renew(image)
