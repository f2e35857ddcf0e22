"""Masks that a network disagrees with, a picture each: to open, or to leave as they are."""

from __future__ import annotations

import cv2
import numpy as np
import streamlit as st

from ftl.evaluation.suspicious import UNDRAWN, UNSEEN
from ftl.formatting import counted
from studio import ui
from studio.annotation import log
from studio.collaboration import suspicious
from studio.jobs.segmenters import mask_networks
from studio.jobs.suspect_job import launch_suspecting
from studio.store import files
from studio.store.tables import Image, SuspiciousArea
from studio.ui import pictures, state
from studio.ui.review.panel import Classes, act

PAGE = 12
_COLUMNS = 4
_MARGIN, _MOST = 40, (340, 240)
_FRAME = (255, 0, 200)
TEXTS = {
    UNDRAWN: "The network sees a defect here, and nothing is drawn.",
    UNSEEN: "The network sees nothing here, and something is drawn.",
}


def section(here: ui.Here, classes: Classes) -> None:
    """The queue and, for admins, what looks for more."""
    st.header("Suspicious masks")
    total = suspicious.count_waiting(here.project.id)
    if total:
        st.markdown(
            f"{counted(total, 'place')} where a network that was not trained on the photograph disagrees with its "
            "mask, the largest first. Nothing is changed unless you change it."
        )
        shown = suspicious.waiting(here.project.id, count=PAGE)
        for start in range(0, len(shown), _COLUMNS):
            for column, (area, image) in zip(st.columns(_COLUMNS), shown[start : start + _COLUMNS], strict=False):
                with column, st.container(border=True):
                    _place(here, area, image, classes)
        if total > PAGE:
            st.caption(f"{total - PAGE:,} more come once these are seen to.")
    else:
        st.caption("No suspicious masks to look at.")
    if here.role == "admin":
        _look(here)


def _place(here: ui.Here, area: SuspiciousArea, image: Image, classes: Classes) -> None:
    st.image(_picture(area.id, area.strokes, classes, area, image), width="stretch")
    st.markdown(f"**{ui.plain(image.name)}** · {area.pixels:,} px")
    st.caption(TEXTS[area.kind])
    bar = st.container(horizontal=True)
    if bar.button("Open", key=f"open-{area.id}", icon=":material/brush:"):
        state.of(state.Tab).image_id = image.id
        query = {"project": str(image.project_id), "image": str(image.id)}
        st.switch_page(ui.page_file("annotate"), query_params=query)
    bar.button("It is right as it is", key=f"right-{area.id}", icon=":material/check:", on_click=act,
               args=(suspicious.set_aside, image.id, here.who, area.id))  # fmt: skip


def _look(here: ui.Here) -> None:
    """Launch the job."""
    networks = mask_networks(here.project.id)
    if not networks:
        st.caption("A network that draws masks is needed to look for them: the page Sweep makes one.")
        return
    row = st.container(horizontal=True, vertical_alignment="bottom")
    known = row.selectbox("Network to train", networks, format_func=lambda one: one.title)
    if row.button("Look for suspicious masks", icon=":material/troubleshoot:"):
        with ui.showing_errors():
            launch_suspecting(here.project.id, here.who, known)
            st.switch_page(ui.page_file("jobs"))


@st.cache_data(max_entries=500, show_spinner=False)
def _picture(area_id: int, strokes: int, classes: Classes, _area: SuspiciousArea, _image: Image) -> bytes:
    """A JPEG of the place with what is drawn there, the area in a frame."""
    left, top = max(0, _area.x - _MARGIN), max(0, _area.y - _MARGIN)
    crop = (
        slice(top, _area.y + _area.height + _MARGIN),
        slice(left, _area.x + _area.width + _MARGIN),
    )
    colours = {number: colour for number, _, colour in classes}
    photo = np.ascontiguousarray(files.photograph(_image.sha256)[crop])
    picture = pictures.masked(photo, np.ascontiguousarray(log.mask(_image)[crop]), colours, _MOST)
    scale = picture.shape[1] / photo.shape[1]
    ends = (_area.x - 2, _area.y - 2), (_area.x + _area.width + 1, _area.y + _area.height + 1)
    first, last = ((round((x - left) * scale), round((y - top) * scale)) for x, y in ends)
    framed = cv2.rectangle(np.ascontiguousarray(picture), first, last, _FRAME, 2)
    return pictures.encode(np.asarray(framed))
