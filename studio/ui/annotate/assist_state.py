"""The state of an assist in a browser tab: what was marked, what came of it, and whether it is taken.

As on the drawing desk, the canvas is mounted anew only when its user does something that changes what lies under it.
Marks then move from the canvas to the state, in image pixels, so that a crack can be followed while the view moves.
"""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from studio.annotation import log
from studio.annotation.strokes import Region, Shape
from studio.canvas import tab_state
from studio.canvas.assist_marks import PEN, Click, marks, outcome
from studio.canvas.event_order import room
from studio.canvas.picture import encode, photograph, render
from studio.canvas.viewport import Viewport, look
from studio.errors import StudioError
from studio.store.tables import Image

_PREVIEW = 255  # in the picture's index mask; a project's classes end at 254


class Wish(NamedTuple):
    """What an assist is asked for; `over`: also over other classes."""

    assist: str
    width: float | None
    offset: float
    over: bool


def bench(image: Image, assist: str, whose: int | None = None) -> dict[str, Any]:
    """This tab's state for an image, cleared when another assist is chosen; moved to where the desk looks now.

    `whose`: the author whose strokes are seen and spared, None for everybody's.
    """
    at = tab_state.place(image)
    looks = (at["zoom"], at["centre"], (room(), 600))
    state: dict[str, Any] = st.session_state.setdefault(f"assist-{image.id}", {"assist": None})
    state["whose"] = whose
    if state["assist"] != assist:
        state |= {"assist": assist, "looks": looks, "asked": None}
        clear(state)
    elif state["looks"] != looks:
        state["kept"] = drawn(image, state)
        state |= {"looks": looks, "key": _key()}
    return state


def _key() -> str:
    return f"canvas-assist-{secrets.token_hex(6)}"


def clear(state: dict[str, Any]) -> None:
    """Forget the marks, with a canvas of their own for the next ones."""
    state |= {"key": _key(), "run": secrets.token_hex(6), "kept": [], "made": None, "preview": None, "told": None}


def view(image: Image, state: dict[str, Any]) -> Viewport:
    """What the canvas shows."""
    return look(image.width, image.height, *state["looks"])


def drawn(image: Image, state: dict[str, Any]) -> list[Click | Shape]:
    """All marks: of earlier views, then of the canvas as it is now."""
    reply = (st.session_state.get(state["key"]) or {}).get("drawing") or {}
    objects = (reply.get("raw") or {}).get("objects", [])
    return [*state["kept"], *marks(objects, view(image, state), image.width, image.height)]


def work(image: Image, state: dict[str, Any], wish: Wish) -> None:
    """Make the preview, if anything it comes from has changed."""
    given = drawn(image, state)
    made = (wish, log.position(image.id), given)
    if state["made"] == made:
        return
    preview, told = np.zeros((image.height, image.width), bool), None
    if given:
        try:
            preview = outcome(wish.assist, photograph(image.sha256), given, wish.width, wish.offset)
        except StudioError as error:
            told = str(error)
        if not wish.over:
            preview &= log.mask(image, author_id=state["whose"]) == 0
        if told is None and not preview.any() and (wish.assist != "trace" or len(given) > 1):
            told = "nothing was found there that is not marked yet"
    state |= {"made": made, "preview": preview, "told": told}


def take(image: Image, author_id: int, state: dict[str, Any], wish: Wish, number: int) -> None:
    """Add the preview, as it was shown, to the log: one stroke of the class. Raises `StudioError` when it cannot be."""
    if state["made"] is None or state["made"][0] != wish or state["made"][2] != drawn(image, state):
        raise StudioError("look at the new result, then take it")
    if not state["preview"].any():
        return
    # one canvas' marks are taken once, however often the button's click arrives
    stroke = Region.of(state["preview"], number, f"assist-{state['run']}", over=wish.over)
    try:
        tab_state.add(image, author_id, [stroke])
    except SQLAlchemyError as error:
        raise StudioError("the studio's disk did not take it; try again") from error
    clear(state)


def background(image: Image, state: dict[str, Any], colours: dict[int, str]) -> bytes:
    """JPEG bytes of the photograph with the mask so far, the preview, and the marks of earlier views."""
    mask = log.mask(image, author_id=state["whose"])
    if state["preview"] is not None:
        mask[state["preview"]] = _PREVIEW
    on = view(image, state)
    picture = render(photograph(image.sha256), mask, on, colours | {_PREVIEW: PEN}, opacity=0.6)
    clicks = [mark for mark in state["kept"] if isinstance(mark, Click)]
    for x, y in on.to_canvas(np.array(clicks, float).reshape(-1, 2)):
        if 0 <= x < on.width and 0 <= y < on.height:
            picture[max(0, int(y) - 2) : int(y) + 3, max(0, int(x) - 2) : int(x) + 3] = (255, 43, 214)
    return encode(picture)
