"""The grid of thumbnails, with masks over them, a larger picture on hover, and what a reviewer may say of each.

The browser keeps the pictures: a page of it costs a few kilobytes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import streamlit as st

from studio import ui
from studio.annotation import mask_picture
from studio.collaboration.assignment import blind
from studio.collaboration.presence import BEAT_SECONDS
from studio.images.addresses import mask_address, photograph_address, present_address
from studio.images.library import image_in
from studio.images.work import JUDGES, own_among
from studio.store.tables import Image, ImageClass
from studio.ui import component, state, verdicts


class Label(NamedTuple):
    """What stands below an image's name: a text, after a dot of a colour ("#rrggbb") if there is one; and badges."""

    text: str
    colour: str | None = None
    badges: tuple[str, ...] = ()


class Ticks(NamedTuple):
    """How tiles are chosen.

    `chosen`: ids with a tick; the browser takes them up when `turn` is another than before, and else goes on with its
    own. `choose(shown, ticked)` is called with the ids shown and those of them that the user ticked.
    """

    chosen: Collection[int]
    turn: str
    choose: Callable[[set[int], set[int]], None]


_HTML = '<div class="gallery"></div><div class="preview" popover="manual"></div>'


def show(
    here: ui.Here,
    images: Sequence[Image],
    classes: Sequence[ImageClass],
    label: Callable[[Image], Label],
    *,
    page: str,
    masks: bool,
    ticks: Ticks | None = None,
) -> int | None:
    """Draw the grid. Returns the id of an image whose tile was clicked in this run.

    `page`: where a tile leads, by its address. `masks`: whether they are shown over the thumbnails. Reviewers accept
    and return what is submitted; that is done here.
    """

    def changed() -> None:
        if ticks is not None and (value := state.GALLERY.value.get("chosen")):
            ticks.choose(set(value["shown"]), set(value["ticked"]))

    alone = blind(here.project, here.role)
    author = here.user.id if alone else None
    tiles = [_tile(image, label(image), page, mask_picture.version(image, classes, author)) for image in images]
    if here.role in JUDGES:
        waiting = [image.id for image in images if image.state == "submitted"]
        own = own_among(here.project.id, waiting, here.user.id)
        for tile in tiles:
            tile["verdicts"] = ("own" if tile["id"] in own else "free") if tile["id"] in waiting else None
    chosen = ticks.chosen if ticks else ()
    result = component.beside(__file__, _HTML)(
        key=state.GALLERY.key,
        data={
            "tiles": tiles,
            "masks": masks,
            "present": None if alone else present_address(here.project.id),
            "seconds": BEAT_SECONDS,
            "turn": ticks.turn if ticks else None,
            "chosen": [image.id for image in images if image.id in chosen],
        },
        on_chosen_change=changed,
        on_open_change=lambda: None,
        on_verdict_change=lambda: None,
    )
    if result.verdict:
        _judge(here, result.verdict)
    return result.open


def _tile(image: Image, label: Label, page: str, version: str) -> dict[str, Any]:
    """One image as its tile shows it. The script sets names as text, never as HTML."""
    drawn = image.strokes > 0
    return {
        "id": image.id,
        "name": image.name,
        "width": image.width,
        "height": image.height,
        "thumbnail": photograph_address(image.project_id, image.id, image.sha256),
        "preview": photograph_address(image.project_id, image.id, image.sha256, "preview"),
        "mask": mask_address(image.project_id, image.id, version) if drawn else None,
        "maskPreview": mask_address(image.project_id, image.id, version, "preview") if drawn else None,
        "link": f"/{page}?project={image.project_id}&image={image.id}",
        "about": label.text,
        "colour": label.colour,
        "badges": label.badges,
        "state": image.state,
        "strokes": image.strokes,
    }


def _judge(here: ui.Here, verdict: dict[str, Any]) -> None:
    """Do what a reviewer said of a tile: `what` of image `id`, which had so many `strokes`."""
    with ui.showing_errors():
        image = image_in(here.project.id, int(verdict["id"]))
        if verdict["what"] == "return":
            verdicts.give_back(here, image)
        else:
            verdicts.accept(here, image, int(verdict["strokes"]))
            st.rerun()
