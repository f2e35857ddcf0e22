"""How the steps of a project look."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from studio import ui
from studio.images.library import Filter, find_images
from studio.projects.classes import classes_of
from studio.ui import state
from studio.ui.home.steps import DONE, NEXT, Step

_MARKS = {DONE: ":green[:material/check_circle:]", NEXT: ":primary[:material/arrow_circle_right:]"}
_LATER = ":gray[:material/radio_button_unchecked:]"


def show(project_id: int, steps: Sequence[Step]) -> None:
    """Draw a row for each step, with its button; that of the next one stands out."""
    with st.container(border=True, gap=None):
        for number, step in enumerate(steps, 1):
            if number > 1:
                st.html('<hr style="margin: 0.7rem 0; border: 0; border-top: 1px solid rgba(128, 128, 128, 0.25)">')
            row = st.container(horizontal=True, vertical_alignment="center", key=f"step-{number}")
            row.markdown(_MARKS.get(step.state, _LATER), width="content")
            with row.container(width="stretch", gap=None):
                st.markdown(f"**{number} · {step.title}**")
                st.markdown(f":gray[{ui.plain(step.text)}]" if step.state != NEXT else ui.plain(step.text))
            if step.button and row.button(
                step.button, key=f"go-{number}", type="primary" if step.state == NEXT else "secondary",
                icon=f":material/{step.icon}:", width=200,
            ):  # fmt: skip
                _go(project_id, step)


def _go(project_id: int, step: Step) -> None:
    """Open a step's page; Annotate with a photograph that has no mask yet."""
    if step.page == "annotate":
        state.of(state.Tab).image_id = _to_draw(project_id)
    st.switch_page(ui.page_file(step.page))


def _to_draw(project_id: int) -> int | None:
    """The first photograph without strokes: one of cracks, if there are some."""
    cracks = [one.id for one in classes_of(project_id) if one.name == "Crack"]
    for class_id in (*cracks, None):
        for image in find_images(project_id, Filter(class_id=class_id, drawn=False), count=1):
            return image.id
    return None
