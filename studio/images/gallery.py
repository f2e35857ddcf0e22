"""The grid of thumbnails, whose pictures the browser keeps: a page of it costs a few kilobytes. Tiles can be chosen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from studio.store.models import Image, ImageClass
from studio.web.files import address

_KEY = "gallery"


@cache
def _component() -> Callable[..., Any]:
    here = Path(__file__).parent
    return st.components.v2.component(
        "gallery",
        html='<div class="gallery"></div>',
        css=(here / "gallery.css").read_text(encoding="utf-8"),
        js=(here / "gallery.js").read_text(encoding="utf-8"),
    )


def tile(project_id: int, image: Image, own: ImageClass | None) -> dict[str, Any]:
    """One image as its tile shows it. The script sets its name as text, never as HTML."""
    return {
        "id": image.id,
        "name": image.name,
        "picture": address(project_id, image.id, image.sha256),
        "link": f"/annotate?project={project_id}&image={image.id}",
        "class": own.name if own else None,
        "colour": own.colour if own else None,
        "state": image.state,
        "mask": image.strokes > 0,
    }


def show(
    project_id: int,
    images: Sequence[Image],
    classes: Mapping[int, ImageClass],
    chosen: Collection[int],
    turn: str,
    choose: Callable[[set[int], set[int]], None],
) -> int | None:
    """Draw the grid. Returns the id of an image whose tile was clicked in this run.

    `chosen`: ids of images with a tick; the browser takes them up when `turn` is another than before, and else goes on
    with its own. `choose(shown, ticked)` is called with the ids shown and those of them that the user ticked.
    """

    def changed() -> None:
        value = st.session_state[_KEY].get("chosen")
        if value:
            choose(set(value["shown"]), set(value["ticked"]))

    tiles = [tile(project_id, image, classes.get(image.class_id or 0)) for image in images]
    result = _component()(
        key=_KEY,
        data={"tiles": tiles, "turn": turn, "chosen": [image.id for image in images if image.id in chosen]},
        on_chosen_change=changed,
        on_open_change=lambda: None,
    )
    return result.open
