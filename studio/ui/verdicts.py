"""What a reviewer says of submitted work, from a list or beside the image: accepted, or returned with a reason."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from studio import ui
from studio.collaboration import review
from studio.collaboration.assignment import works_on
from studio.store.tables import Image, Work


def accept(here: ui.Here, image: Image, seen: int) -> None:
    """Accept an image that had `seen` strokes when it was looked at; a toast says why that cannot be."""
    with ui.showing_errors(ui.toast_next):
        review.accept(image.id, here.who, seen)
        ui.toast_next(f"{ui.plain(image.name)} is accepted.", icon=":material/check:")


@st.dialog("Return the image")
def give_back(here: ui.Here, image: Image) -> None:
    """Show the form that returns the image, over the page."""
    st.markdown(f"**{ui.plain(image.name)}**")
    return_form(here, image, works_on(image.id))


def return_form(here: ui.Here, image: Image, works: Sequence[Work]) -> None:
    """Ask what should be changed, and by whom, and return the image with that. `works`: all people's on the image."""
    handed_in = {work.user_id: work.user.name for work in works if work.state == "submitted"}
    with st.form(f"return-{image.id}", border=False):
        to = st.selectbox("To", [*handed_in, None], format_func=lambda key: handed_in.get(key, "everybody"))
        why = st.text_area("What should be changed", max_chars=2000)
        if st.form_submit_button("Return the image", type="primary"):
            with ui.showing_errors():
                review.give_back(image.id, here.who, to, why)
                st.rerun()
