"""What concerns the image as a whole: its class, tidying its mask, and the mask as a file."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from studio import ui
from studio.annotation import cleanup, log
from studio.images.library import give_class
from studio.store.tables import Image, ImageClass
from studio.ui import save_button, state


def popover(image: Image, here: ui.Here, classes: Sequence[ImageClass], *, editable: bool, own_only: bool) -> None:
    """Draw it, behind a button."""
    with st.popover("Image and mask", key="sign-image", icon=":material/image:", help="Image and mask"):
        names = {None: "none"} | {known.id: known.name for known in classes}
        # a menu, whose choice is sent once: a select box's state may come again when the page has moved on, and its
        # change then be stored unasked
        menu = state.image_class(image.id, image.class_id)
        st.menu_button(
            f"Image class: {ui.plain(names[image.class_id])}", list(names), key=menu.key,
            format_func=lambda choice: ui.plain(names[choice]),
            on_click=_give_class, args=(here, image, menu),
        )  # fmt: skip
        row = st.container(horizontal=True, vertical_alignment="bottom")
        least = row.number_input("Specks smaller than, in pixels", 2, 100_000, 20, width=220)
        author = here.user.id if own_only else None
        if row.button("Drop specks", key=f"specks-{image.id}", disabled=not editable):
            with ui.showing_errors():
                log.append(image.id, here.who, cleanup.specks(log.mask(image, author_id=author), int(least)))
        if row.button("Fill holes", key=f"holes-{image.id}", disabled=not editable):
            with ui.showing_errors():
                log.append(image.id, here.who, cleanup.holes(log.mask(image, author_id=author)))
        name = f"{image.name.rpartition('.')[0] or image.name}.png"
        address = f"/files/{here.project.id}/images/{image.id}/mask.png"
        with row:
            save_button.button("Mask as PNG", address, name, f"mask-{image.id}")


def _give_class(here: ui.Here, image: Image, menu: state.Widget[int | None]) -> None:
    """Give the image the class that was chosen in its menu."""
    with ui.showing_errors(ui.toast_next):
        give_class(here.project.id, here.user.id, image.id, image.class_id, menu.value)
