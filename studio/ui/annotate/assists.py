"""The assists as Streamlit shows them: choose one, mark, look at what it found, take it or not."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import streamlit as st

from studio import ui
from studio.annotation.assists import propose
from studio.canvas import tab_state
from studio.canvas.assist_marks import PEN
from studio.canvas.picture import photograph
from studio.canvas.zoom_buttons import looks
from studio.store.tables import Image, ImageClass
from studio.ui.annotate import assist_state, threshold

_ASSISTS = {
    "trace": ("Trace", "Click the two ends of a crack, and points between them where it branches or bends off."),
    "gate": ("Gated brush", "Brush over a crack with a wide pen: only the dark pixels under it are marked."),
    "propose": ("Proposals", "The studio looks for cracks on the whole photograph; you accept or refuse each."),
    "grab": ("Cut out", "Draw a rectangle about a pore or stain, with a little of the wall on every side."),
}
_MODES = {"trace": "point", "gate": "freedraw", "grab": "rect"}


def page(image: Image, author_id: int, classes: Sequence[ImageClass], whose: int | None, *, editable: bool) -> None:
    """Which assist, which class, what it needs to know; then the canvas, or the proposals one by one.

    `whose`: the author whose strokes are seen and spared, None for everybody's.
    """
    chosen = st.segmented_control(
        "Assist", list(_ASSISTS), default="trace", format_func=lambda one: _ASSISTS[one][0], key="assist",
        label_visibility="collapsed",
    ) or "trace"  # fmt: skip
    st.caption(_ASSISTS[chosen][1])
    if chosen == "propose":
        _proposals(image, author_id, classes, editable)
        return
    number = _class(classes)
    wish = _needs(image, chosen)
    _looks(image, author_id, editable)
    state = assist_state.bench(image, chosen, whose)

    @ui.fragment
    def marking() -> None:
        """The canvas alone runs again at a click; who draws is asked anew each time."""
        me = ui.here().who
        asked, state["asked"] = state["asked"], None
        with ui.told():
            if asked == "take" and editable:
                assist_state.take(image, me, state, wish, number)
        if asked == "discard":
            assist_state.clear(state)
        with st.spinner("Looking …"):
            assist_state.work(image, state, wish)
        _canvas(image, state, wish, classes, editable)

    marking()


def _class(classes: Sequence[ImageClass]) -> int:
    """Buttons for the classes, as on the desk, and with the same one chosen; its number."""
    numbers = [one.number for one in classes]
    number = int(st.session_state.get("pen", numbers[0]))
    number = number if number in numbers else numbers[0]
    row = st.container(horizontal=True, gap="small")
    for one in classes:
        row.button(
            ui.plain(one.name), key=f"class-{one.number}", type="primary" if one.number == number else "secondary",
            shortcut=str(one.number) if one.number < 10 else None,
            on_click=st.session_state.__setitem__, args=("pen", one.number),
        )  # fmt: skip
    ui.colour_buttons({f"class-{one.number}": one.colour for one in classes})
    return number


def _needs(image: Image, assist: str) -> assist_state.Wish:
    """What the assist needs to know, asked for."""
    width, offset = None, 0.0
    longest = max(image.width, image.height)
    row = st.container(horizontal=True, vertical_alignment="bottom")
    if assist == "trace":
        ways = ("From the photograph", "As given")
        if row.segmented_control("Width of the crack", ways, default=ways[0], key="assist-method") == ways[1]:
            width = float(row.slider("Width in image pixels", 1, max(20, longest // 40), 3, key="assist-width"))
    elif assist == "gate":
        row.slider("Size in image pixels", 2, max(40, longest // 8), max(10, longest // 30), key="assist-size")
        offset = float(row.slider("More or fewer pixels", -40, 40, 0, key="assist-offset"))
    over = row.checkbox("Paint over other classes", key="assist-over")
    return assist_state.Wish(assist, width, offset, over)


def _looks(image: Image, author_id: int, editable: bool) -> None:
    """Zoom and move, the same view as on the desk; and undo."""
    bar = looks(image)
    bar.button("", icon=":material/undo:", help="Undo", key="assist-undo", shortcut="ctrl+z", disabled=not editable,
               on_click=_undo, args=(image, author_id))  # fmt: skip


def _undo(image: Image, author_id: int) -> None:
    try:
        tab_state.step_back(image, author_id, "undo")
    except ui.ERRORS as error:
        st.toast(ui.sentence(error), icon=":material/error:")


def _canvas(
    image: Image, state: dict[str, Any], wish: assist_state.Wish, classes: Sequence[ImageClass], editable: bool
) -> None:
    from streamlit_drawable_canvas import st_canvas  # cannot be imported outside of a Streamlit run

    found = state["preview"] is not None and bool(state["preview"].any())
    row = st.container(horizontal=True, vertical_alignment="center")
    row.button("Take it", icon=":material/check:", type="primary", key="assist-take", shortcut="y",
               disabled=not (editable and found), on_click=state.__setitem__, args=("asked", "take"))  # fmt: skip
    row.button("Discard", icon=":material/close:", key="assist-discard", shortcut="n",
               disabled=not (state["made"] and state["made"][2]),
               on_click=state.__setitem__, args=("asked", "discard"))  # fmt: skip
    if not editable:
        row.caption(":material/lock: This image is accepted. A reviewer can reopen it.")
    elif state["told"]:
        row.caption(f":material/info: {ui.sentence(state['told'])}")
    elif found:
        row.caption(f"{int(state['preview'].sum()):,} pixels found")
    # the canvas' own toolbar would lie over ours
    st.html("<style>[class*=st-key-canvas-] { overflow: clip }</style>")
    on = assist_state.view(image, state)
    size = float(st.session_state.get("assist-size", 10))
    brush = wish.assist == "gate"
    st_canvas(
        fill_color=f"{PEN}60" if wish.assist == "trace" else f"{PEN}10",
        stroke_color=f"{PEN}30" if brush else PEN,
        stroke_width=max(1, round(size * sum(on.scale) / 2)) if brush else 1,
        background_image=assist_state.background(image, state, {one.number: one.colour for one in classes}),
        width=on.width,
        height=on.height,
        drawing_mode=_MODES[wish.assist],
        disabled=not editable,
        key=state["key"],
    )


def _proposals(image: Image, author_id: int, classes: Sequence[ImageClass], editable: bool) -> None:
    """Look for cracks on the whole photograph; then the found ones, one by one."""
    state: dict[str, Any] = st.session_state.setdefault(f"proposals-{image.id}", {"areas": None})
    if state["areas"] is not None:
        over = st.checkbox("Paint over other classes", key="assist-over")
        threshold.sort(image, author_id, classes, state, editable=editable, over=over,
                     nothing="Nothing on this photograph looks like such a crack.", back="Look again")  # fmt: skip
        return
    kinds = {"Thin cracks": propose.thin, "Wide cracks": propose.wide}
    row = st.container(horizontal=True, vertical_alignment="bottom")
    kind = row.segmented_control("Look for", list(kinds), default="Thin cracks", key="assist-kind") or "Thin cracks"
    longest = max(image.width, image.height)
    if kind == "Thin cracks":
        least = row.number_input("Shortest, in image pixels", 2, 100_000, max(10, longest // 15), key="assist-shortest")
    else:
        least = row.number_input("Smallest area, in image pixels", 1, 10_000_000, max(20, longest**2 // 1000),
                                 key="assist-least")  # fmt: skip
    if row.button("Look for cracks", type="primary", icon=":material/search:", disabled=not editable):
        with st.spinner("Looking …"):
            state |= {"areas": kinds[kind](photograph(image.sha256), int(least)), "next": 0}
        state["run"] = secrets.token_hex(6)
        st.rerun()
