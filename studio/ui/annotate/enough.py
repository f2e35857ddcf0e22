"""How near a project is to enough masks for its first networks, and what to do once it has them."""

from __future__ import annotations

import streamlit as st

from ftl.formatting import counted
from studio import ui
from studio.images.library import Filter, count_images
from studio.jobs import queue
from studio.jobs.readiness import ENOUGH_MASKS
from studio.jobs.request import SWEEPS
from studio.jobs.sweeps import finished_sweeps
from studio.ui import state


def first_masks(project_id: int) -> int | None:
    """On how many photographs something is drawn; None where networks are there or being made already."""
    if finished_sweeps(project_id):
        return None
    if any(job.kind in SWEEPS and job.state in queue.UNFINISHED for job in queue.jobs_of(project_id)):
        return None
    return count_images(project_id, Filter(drawn=True))


def standing(count: int | None) -> str:
    """Where the masks stand, of `first_masks`, for the sentence that an image is submitted; empty where enough."""
    return f" {count} of {ENOUGH_MASKS} masks are drawn." if count and count < ENOUGH_MASKS else ""


def note(annotate: state.Annotate, project_id: int, count: int | None) -> None:
    """Have the next run say that there are enough masks, by `first_masks`, once in a tab."""
    if project_id not in annotate.enough and (count or 0) >= ENOUGH_MASKS:
        annotate.enough[project_id] = True


def tell(here: ui.Here) -> None:
    """Say that there are enough masks, and lead whoever may make networks to where that is done."""
    if not state.of(state.Annotate).enough.get(here.project.id):
        return
    count = first_masks(here.project.id)
    if count is None:
        return
    row = st.container(key="enough", horizontal=True, vertical_alignment="center")
    text = f":material/check_circle: {counted(count, 'mask')} drawn: enough to make networks."
    if here.role == "admin":
        row.markdown(f"{text} More make them better.")
        row.page_link(ui.page_file("sweep"), label="Make networks", icon=":material/content_cut:")
    else:
        row.markdown(f"{text} An admin of the project can start.")
