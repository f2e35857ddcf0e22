"""The threshold way as Streamlit shows it: find dark areas, cover what is none, class one after the other.

The second half, area after area, serves whatever else proposes areas.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from studio import ui
from studio.annotation.strokes import Region
from studio.annotation.threshold import START, Component, components, dark
from studio.canvas import tab_state
from studio.canvas.adapter import pens, strokes
from studio.canvas.event_order import room
from studio.canvas.picture import encode, photograph, render
from studio.canvas.viewport import look
from studio.store.tables import Image, ImageClass

_SHOWN = "#ff2bd6"  # a colour that no wall has


def page(image: Image, author_id: int, classes: Sequence[ImageClass], *, editable: bool) -> None:
    """Threshold and covers first; then the areas, one by one."""
    state: dict[str, Any] = st.session_state.setdefault(f"sorting-{image.id}", {"threshold": START, "areas": None})
    if state["areas"] is None:
        _find(image, state)
    else:
        sort(image, author_id, classes, state, editable=editable, over=True,
             nothing="Nothing is darker than the threshold: raise it.", back="Back to the threshold")  # fmt: skip


def _shift(state: dict[str, Any], by: int) -> None:
    state["threshold"] = min(max(state["threshold"] + by, 1), 255)


def _find(image: Image, state: dict[str, Any]) -> None:
    from streamlit_drawable_canvas import st_canvas

    bar = st.container(horizontal=True, vertical_alignment="center")
    for by in (-10, -1, 1, 10):
        bar.button(f"{by:+d}", on_click=_shift, args=(state, by), key=f"threshold{by:+d}")
    bar.markdown(
        f"Pixels whose channels are all below **{state['threshold']}**. Draw rectangles over what is no defect."
    )
    view = look(image.width, image.height, most=(room(), 600))
    pixels = photograph(image.sha256)
    where = dark(pixels, state["threshold"])
    picture = render(pixels, where.astype(np.uint8), view, {1: _SHOWN}, opacity=0.6)
    pen = pens({1: "#4f46e5"})
    result = st_canvas(
        fill_color="#4f46e580", stroke_color=pen[1], stroke_width=1, background_image=encode(picture), width=view.width,
        height=view.height, drawing_mode="rect", key=f"covers-{image.id}",
    )  # fmt: skip
    covers = [
        cover.geometry["box"] for cover in strokes((result.json_data or {}).get("objects", []), "cover", view, pen)
    ]
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    least = left.number_input("Smallest area, in pixels", 1, 1_000_000, max(20, image.width * image.height // 5000))
    fill = middle.checkbox("Fill holes, as the original labeler did")
    if right.button("Sort the areas", type="primary", icon=":material/category:"):
        state["areas"] = components(dark(pixels, state["threshold"], covers), int(least), fill)
        state |= {"next": 0, "run": secrets.token_hex(6)}  # an area that was undone can be classed anew in another run
        st.rerun()


def sort(
    image: Image,
    author_id: int,
    classes: Sequence[ImageClass],
    state: dict[str, Any],
    *,
    editable: bool,
    over: bool,
    nothing: str,
    back: str,
) -> None:
    """Show areas one by one, each to be given a class or left out.

    `state`: `areas`, the `next` one's index, and `run`, a part of their strokes' ids; its `areas` are None once the
    user wants back. `over`: whether an area also takes pixels of other classes. `nothing`: what to say where there are
    no areas. `back`: the way back's label.
    """
    areas: list[Component] = state["areas"]

    def put(seen: int, number: int | None) -> None:
        """Give the area that was seen a class, or with None leave it out; then on to the next."""
        if seen != state["next"] or state["areas"] is not areas:
            return
        area = areas[seen]
        if number is not None:
            where = area.on(image.height, image.width)
            name = f"area-{state['run']}-{seen}"
            try:
                tab_state.add(image, author_id, [Region.of(where, number, name, over=over)])
            except ui.ERRORS as error:
                st.toast(ui.sentence(error), icon=":material/error:")
                return
        state["next"] += 1

    if state["next"] >= len(areas):
        text = "All areas are sorted." if areas else nothing
        ui.empty("Done" if areas else "No areas", text, ":material/done_all:")
        if st.button(back):
            state["areas"] = None
            st.rerun()
        return
    area = areas[state["next"]]
    x, y, w, h = area.box
    bar = st.container(horizontal=True, vertical_alignment="center")
    bar.markdown(f"Area **{state['next'] + 1}** of {len(areas)}, {area.area:,} pixels. What is it?")
    for one in classes:
        # its key names the area that its user saw: a second click is not one for the next area
        bar.button(ui.plain(one.name), key=f"put-{state['run']}-{state['next']}-{one.number}", on_click=put,
                   args=(state["next"], one.number), disabled=not editable,
                   shortcut=str(one.number) if one.number < 10 else None)  # fmt: skip
    bar.button("Skip", icon=":material/skip_next:", key=f"skip-{state['run']}-{state['next']}",
               on_click=put, args=(state["next"], None), shortcut="s")  # fmt: skip
    bar.button("Stop", on_click=state.__setitem__, args=("areas", None))
    pixels = photograph(image.sha256)
    near = max(w, h) * 3
    zoom = max(1.0, min(image.width / near, image.height / near, 8.0))
    mark = area.on(image.height, image.width).astype(np.uint8)
    left, right = st.columns([2, 1])
    close = look(image.width, image.height, zoom, (x + w / 2, y + h / 2), (620, 560))
    left.image(render(pixels, mark, close, {1: _SHOWN}, opacity=0.55))
    right.image(render(pixels, mark, look(image.width, image.height, most=(320, 320)), {1: _SHOWN}, opacity=0.8))
