"""The bar above the surface: from image to image, and where the work on this one stands."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from studio import ui
from studio.annotation.proposals import waiting_on
from studio.collaboration import drawing_order, review
from studio.collaboration.assignment import blind, give_next, works_on
from studio.collaboration.undrawn import doubt
from studio.errors import Forbidden
from studio.images import work as own_work
from studio.images.library import Filter, image_in, neighbour
from studio.images.work import JUDGES
from studio.projects import audit
from studio.projects.members import members_of
from studio.store.tables import Image, Work
from studio.ui import history, state, verdicts
from studio.ui.annotate import enough

TWICE = 0.8
"""Seconds in which a second click on Submit is one of a double click, not meant for the next image."""

_LATE = 3.0  # s in which a message that the browser sent before it knew the new address may arrive
_ALONE = "This image is done: on to the next. Masks count as soon as they are drawn."
_TOGETHER = "Hand this image in for review, and on to the next. Masks count as soon as they are drawn, accepted or not."


def head(here: ui.Here, image: Image) -> Any:
    """Draw the bar; it, for more. The page then has little else than that and the surface."""
    bar = st.container(key="head", horizontal=True, gap="small", vertical_alignment="center")
    bar.button("Previous image", key="sign-previous", icon=":material/chevron_left:", help="Previous image (A)",
               on_click=step, args=(here, image, -1))  # fmt: skip
    bar.button("Next image", key="sign-next", icon=":material/chevron_right:", help="Next image (D)",
               on_click=step, args=(here, image, 1))  # fmt: skip
    bar.button("Next unlabelled", key="next-unlabelled", icon=":material/skip_next:", shortcut="u", on_click=step,
               args=(here, image, 1, Filter(drawn=False)), help="Next unlabelled image")  # fmt: skip
    bar.button("Next for me", key="next-mine", icon=":material/assignment_ind:", shortcut="m", on_click=_mine,
               args=(here, image), help="What was returned or given to you, else an image that nobody has")  # fmt: skip
    bar.container(key="image-name").markdown(f"**{ui.plain(image.name)}** · {image.width} × {image.height}")
    works, alone = works_on(image.id), len(members_of(here.project.id)) == 1
    own = next((one.state for one in works if one.user_id == here.user.id), "open")
    bar.badge(image.state, color=ui.STATE_COLOURS[image.state])
    if here.project.overlap > 1 and own != image.state:
        bar.badge(f"yours: {own}", color=ui.STATE_COLOURS[own])
    if image.state in ("open", "returned") and own in ("open", "returned"):
        bar.button("Submit", key=f"submit-{image.id}-{image.state}", type="primary", on_click=_submit,
                   args=(here, image), help=_ALONE if alone else _TOGETHER)  # fmt: skip
    elif here.role in JUDGES:  # nothing else may come to stand where it was: a second click would do that
        bar.button("Submit", key=f"submitted-{image.id}", disabled=True)
    if here.role in JUDGES and not (alone and image.state in ("open", "returned", "submitted")):
        _verdicts(bar, here, image, works)
    if own == "returned":
        _tell_return(image)
    enough.tell(here)
    return bar


def _action(
    bar: Any, here: ui.Here, image: Image, label: str, action: Callable[[int, int], None], *, first: bool = False
) -> None:
    # its key names the image and the state that its user saw: a click that comes late is of those
    key = f"{label}-{image.id}-{image.state}"
    kind = "primary" if first else "secondary"
    bar.button(label, key=key, type=kind, on_click=_act, args=(action, image.id, here.who))


def _act(action: Callable[[int, int], None], image_id: int, who: int) -> None:
    with ui.showing_errors(ui.toast_next):
        action(image_id, who)


def _verdicts(bar: Any, here: ui.Here, image: Image, works: Sequence[Work]) -> None:
    """What those who judge may do, each button always in its place."""
    waits = image.state == "submitted"
    refused = own_work.refusal(here.project.id, image.id, here.user.id) if waits else ""
    if waits and not refused:
        _action(bar, here, image, "Accept image", review.accept, first=True)
    else:
        why = ui.sentence(refused) if refused else None
        bar.button("Accept image", key=f"accept-{image.id}", disabled=True, help=why)
    with bar.popover("Return", disabled=not waits):
        if waits:
            verdicts.return_form(here, image, works)
    if image.state == "accepted":
        _action(bar, here, image, "Reopen", review.reopen)
    if refused:
        bar.caption(f":material/info: {ui.sentence(refused)}")


def _tell_return(image: Image) -> None:
    """Who returned the work, and why, before all else."""
    line = next((line for line in audit.history(image.project_id, image_id=image.id) if line.what == "returned"), None)
    if line is not None:
        why = ui.plain(line.details.get("why", "")) or "without a comment."
        st.warning(f"Returned by **{ui.plain(line.user.name)}**: {why}", icon=":material/undo:")


def _submit(here: ui.Here, image: Image) -> None:
    """Hand the image in, and go on to the next one for this person."""
    tab, annotate, project_id = state.of(state.Tab), state.of(state.Annotate), here.project.id
    if time.monotonic() - max(annotate.submitted, annotate.doubted_at) < TWICE:
        return
    with ui.showing_errors(ui.toast_next):
        text = _doubt(here, image)
        if text and annotate.doubted != (image.id, text):  # each question once a visit
            annotate.doubted, annotate.doubted_at = (image.id, text), time.monotonic()
            tab.toasts.append(state.Toast(ui.plain(text), ":material/help:", "long"))
            return
        found, masks = give_next(project_id, here.who, image.id), enough.first_masks(project_id)
        why = drawing_order.reason(found) if found is not None else ""
        review.submit(image.id, here.who)  # the surface soon has word of it, which begins another run
        annotate.submitted = time.monotonic()
        if found is not None:
            text = f"{ui.plain(image.name)} is submitted.{enough.standing(masks)} This is the next image for you. {why}"
            tab.toasts.append(state.Toast(text, ":material/check:"))
            _go(tab, annotate, image, found)
        enough.note(annotate, project_id, masks)


def _doubt(here: ui.Here, image: Image) -> str:
    """Why the image may not be ready to submit, and how to submit it nevertheless; empty where it is ready."""
    if state.SURFACE.value.get("undecided") == image.id or waiting_on(image.id):
        return ("Areas that were proposed here are not decided yet: accept or refuse them with Proposals (O). "
                "Submit again to hand the image in without them.")  # fmt: skip
    text = doubt(image, here.user.id if blind(here.project, here.role) else None)
    return f"{text} Submit again to hand it in empty." if text else ""


def step(here: ui.Here, image: Image, step: int, chosen: Filter | None = None) -> None:
    """Open the next or previous image that the filter lets through."""
    found = neighbour(here.project.id, image.id, step, chosen)
    if found is None:
        ui.toast_next("There is no further one in this direction.", icon=":material/last_page:")
    else:
        open_image(image, found)


def _mine(here: ui.Here, image: Image) -> None:
    found = give_next(here.project.id, here.who, image.id)
    if found is None:
        ui.toast_next("No image is left to draw: all are assigned or done.", icon=":material/done_all:")
        return
    if why := drawing_order.reason(found):
        ui.toast_next(why, icon=":material/low_priority:")
    open_image(image, found)


def follow(here: ui.Here, image: Image, event: Any) -> None:
    """Follow the surface, whose user has gone on to another image by a key: {kind: "step", image: id, at: a number}."""
    match event:
        case {"kind": "step", "image": int(other), "at": int(at)}:
            state.of(state.Annotate).heard = at
            with ui.showing_errors(ui.toast_next):
                open_image(image, image_in(here.project.id, other))


def neighbours(project_id: int, image: Image) -> tuple[Image | None, Image | None]:
    """The images before and behind this one."""
    return neighbour(project_id, image.id, -1), neighbour(project_id, image.id, 1)


def open_image(image: Image, other: Image) -> None:
    """Go from an image to another."""
    _go(state.of(state.Tab), state.of(state.Annotate), image, other)


def _go(tab: state.Tab, annotate: state.Annotate, image: Image, other: Image) -> None:
    tab.image_id = other.id  # `asked` tells the address
    annotate.left, annotate.since, annotate.doubted = image.id, time.monotonic(), None
    if image.project_id in annotate.enough:
        annotate.enough[image.project_id] = False  # it was said


def asked(project_id: int, first: Image) -> Image:
    """The image that the address or this session asks for; the first where that is none of the project's.

    Every message of the browser carries its address. One that was under way when its user went on to the next image
    still names the one before, and must not take them back; the browser's Back and Forward do.
    """
    wanted, tab, annotate = st.query_params.get("image", ""), state.of(state.Tab), state.of(state.Annotate)
    if wanted and history.went_back():
        if wanted != str(tab.image_id):
            annotate.left, annotate.since = tab.image_id, time.monotonic()
    elif not wanted or (wanted == str(annotate.left) and time.monotonic() - annotate.since < _LATE):
        wanted = str(tab.image_id)
    try:
        found = image_in(project_id, int(wanted))
    except (ValueError, OverflowError, Forbidden):
        found = first
    tab.image_id = found.id
    st.query_params["image"] = str(found.id)
    return found
