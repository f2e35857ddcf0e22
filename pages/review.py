"""Review: what was handed in, how far its annotators agree, and what becomes of it."""

import streamlit as st

from studio import ui
from studio.annotation import log
from studio.errors import Forbidden
from studio.images.library import Filter, count_images, find_images, image_in
from studio.projects.classes import classes_of
from studio.store.tables import Image
from studio.ui import state
from studio.ui.images import gallery
from studio.ui.review import panel, suspicious

PAGE = 24
here = user, project, role, _ = ui.here("reviewer")
st.title("Review")
classes = panel.classes_key(classes_of(project.id))


def asked() -> Image | None:
    """The image that the address asks for, if it is this project's."""
    try:
        return image_in(project.id, int(st.query_params.get("image", "")))
    except (ValueError, OverflowError, Forbidden):
        return None


def queue() -> None:
    """What waits for a reviewer, a tile each."""
    every = st.toggle("All images with strokes", key="review-all", persist_state="session")
    chosen = Filter(drawn=True) if every else Filter(state="submitted")
    total = count_images(project.id, chosen)
    if not total:
        text = "An image appears here once its annotators press Submit on the Annotate page."
        with ui.empty("No image to review", text, ":material/task_alt:"):
            st.page_link(ui.page_file("annotate"), label="Annotate", icon=":material/brush:")
        return
    pages, page = -(-total // PAGE), state.review_page(project.id, every=every)
    at = page.value = min(page.value, pages)
    images = find_images(project.id, chosen, (at - 1) * PAGE, PAGE)
    opened = gallery.show(here, images, classes_of(project.id), by_whom, page="review", masks=True)
    if opened is not None:
        st.query_params["image"] = str(opened)
        st.rerun()
    if pages > 1:
        st.pagination(pages, key=page.key, persist_state="session")


def by_whom(image: Image) -> gallery.Label:
    """Who drew on an image, and whether their masks are settled."""
    people, settled = panel.who(image.id, log.position(image.id))
    return gallery.Label(", ".join(people.values()) or "nobody has drawn", badges=("settled",) if settled else ())


def tolerance() -> int:
    """The tolerance of F1, kept from image to image."""
    return int(st.slider("Tolerance of F1 in pixels", 0, 10, 2, key="review-tolerance", persist_state="session"))


def leave() -> None:
    """Go back to the queue."""
    st.query_params.pop("image", None)


def one(image: Image) -> None:
    """One image, and all who drew on it."""
    st.button("All images", icon=":material/arrow_back:", on_click=leave)
    position = log.position(image.id)
    people, settled = panel.who(image.id, position)
    panel.judge(here, image)
    if not people:
        with ui.empty("Nobody has drawn on this image", "There is no mask to review yet.", ":material/brush:"):
            st.page_link(ui.page_file("annotate"), label="Annotate", icon=":material/brush:")
        return
    panel.compare(image, classes, position, people)
    if len(people) < 2:
        st.info("Only one person drew on this image, so there is nothing to compare.", icon=":material/person:")
        return
    if not settled:
        st.caption(":material/info: No consensus yet: where the annotators differ, the mask is what was drawn last.")
    left, right = st.columns([1.2, 1], gap="large")
    with left:
        st.header("Agreement")
        panel.table(image, classes, position, tolerance())
    with right:
        st.header("Settle")
        panel.settle(here, image, classes, position, len(people))


opened = asked()
if opened is None:
    queue()
    suspicious.section(here, classes)
    st.header("Agreement in the project")
    if st.toggle("Compare all images on which several drew", key="review-mean", persist_state="session"):
        panel.project_mean(project.id, classes, tolerance())
else:
    one(opened)
