"""The grid of thumbnails, whose pictures the browser keeps: a page of it costs a few kilobytes. Tiles can be chosen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from studio.collaboration.presence import present
from studio.images.addresses import photograph_address
from studio.store.tables import Image, ImageClass, User
from studio.ui import state


@cache
def _component() -> Callable[..., Any]:
    here = Path(__file__).parent
    return st.components.v2.component(
        "gallery",
        html='<div class="gallery"></div>',
        css=(here / "gallery.css").read_text(encoding="utf-8"),
        js=(here / "gallery.js").read_text(encoding="utf-8"),
    )


def tile(project_id: int, image: Image, own: ImageClass | None, here: Sequence[User] = ()) -> dict[str, Any]:
    """One image as its tile shows it, with who has it open. The script sets names as text, never as HTML."""
    return {
        "id": image.id,
        "name": image.name,
        "picture": photograph_address(project_id, image.id, image.sha256),
        "link": f"/annotate?project={project_id}&image={image.id}",
        "class": own.name if own else None,
        "colour": own.colour if own else None,
        "state": image.state,
        "mask": image.strokes > 0,
        "here": [one.name for one in here],
    }


def show(
    project_id: int,
    images: Sequence[Image],
    classes: Mapping[int, ImageClass],
    chosen: Collection[int],
    turn: str,
    choose: Callable[[set[int], set[int]], None],
    *,
    people: bool,
) -> int | None:
    """Draw the grid. Returns the id of an image whose tile was clicked in this run.

    `chosen`: ids of images with a tick; the browser takes them up when `turn` is another than before, and else goes on
    with its own. `people`: whether to tell who has which image open. `choose(shown, ticked)` is called with the ids
    shown and those of them that the user ticked.
    """

    def changed() -> None:
        if value := state.GALLERY.value.get("chosen"):
            choose(set(value["shown"]), set(value["ticked"]))

    there = present([image.id for image in images]) if people else {}
    tiles = [tile(project_id, one, classes.get(one.class_id or 0), there.get(one.id, [])) for one in images]
    result = _component()(
        key=state.GALLERY.key,
        data={"tiles": tiles, "turn": turn, "chosen": [image.id for image in images if image.id in chosen]},
        on_chosen_change=changed,
        on_open_change=lambda: None,
    )
    return result.open
