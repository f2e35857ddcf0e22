"""Annotate: draw the defects of a photograph, alone or together."""

import streamlit as st

from studio import ui
from studio.annotation import log
from studio.canvas.surface import surface
from studio.collaboration.assignment import blind
from studio.images.library import count_images, find_images
from studio.projects.classes import classes_of
from studio.ui import state
from studio.ui.annotate import comments, image_menu, practice
from studio.ui.annotate.header import asked, follow, head, neighbours

here = user, project, role, who = ui.here()
if not count_images(project.id):
    st.title("Annotate")
    with ui.empty("No photographs yet", "Upload some on the Images page, then draw here.", ":material/photo_library:"):
        st.page_link(ui.page_file("images"), label="Images", icon=":material/photo_library:")
    ui.stop()
image = asked(project.id, find_images(project.id, count=1)[0])
classes = classes_of(project.id)
own_only = blind(project, role)
archived = project.archived_at is not None
editable = log.closed(image, archived) is None
bar = head(here, image)
with bar:
    comments.comments(image, here, own_only=own_only)
    comments.history(image, here, classes, editable=editable, own_only=own_only)
    image_menu.popover(image, here, classes, editable=editable, own_only=own_only)
    practice.popover(image, here, classes, own_only=own_only)


def _event() -> None:
    """What the surface says of itself: its user went to the next image, or something else on the page has changed."""
    follow(here, image, state.SURFACE.value.get("event"))


previous, following = neighbours(project.id, image)
surface(
    image, user, classes, previous=previous, following=following, archived=archived,
    heard=state.of(state.Annotate).heard, on_event=_event,
)  # fmt: skip
