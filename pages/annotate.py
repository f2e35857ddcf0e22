"""Annotate: draw what is wrong with a wall, stroke by stroke."""

from contextlib import suppress

import streamlit as st

from studio import ui
from studio.annotation import cleanup, log
from studio.canvas import tab_state
from studio.canvas.adapter import pens
from studio.canvas.event_order import hold
from studio.canvas.overlay import overlay
from studio.canvas.unsent import unsent
from studio.canvas.zoom_buttons import looks
from studio.collaboration.assignment import blind
from studio.images.library import count_images, find_images, give_class
from studio.projects.classes import classes_of
from studio.store.tables import Image
from studio.ui import save_button
from studio.ui.annotate import assists, comments, threshold
from studio.ui.annotate.header import asked, do, head


def _give_class(project_id: int, user_id: int, image: Image, menu: str) -> None:
    """Give the image the class that was chosen in its menu."""
    do(give_class, project_id, user_id, image.id, image.class_id, st.session_state[menu])


here = user, project, role, who = ui.here()
if not count_images(project.id):
    st.title("Annotate")
    ui.empty("No photographs yet", "Upload some on the Images page, then draw here.", ":material/photo_library:")
    st.page_link(ui.page_file("images"), label="Images", icon=":material/photo_library:")
    ui.stop()
image = asked(project.id, find_images(project.id, count=1)[0])
classes = classes_of(project.id)
by_number = {one.number: one for one in classes}
alone = blind(project, role)
whose = user.id if alone else None
editable = image.state != "accepted" and project.archived_at is None
head(here, image)

way = (
    st.segmented_control("Way", ["Draw", "Threshold", "Assist"], default="Draw", label_visibility="collapsed") or "Draw"
)
st.html(
    "<style>.st-key-side button { min-height: 2.2rem; padding: 0.2rem 0.55rem }"
    "[data-testid=stColumn]:has(.st-key-side) { flex: 0 0 11.5rem; min-width: 0 }"
    "[data-testid=stColumn]:has(.st-key-side) + [data-testid=stColumn] { flex: 1 1 0; min-width: 0 }</style>"
)
left, middle = st.columns([1, 4.2], gap="medium")
side = left.container(key="side")
with side:
    numbers = list(by_number)
    number = st.session_state.setdefault("pen", numbers[0])
    if number not in by_number:
        number = numbers[0]
    if way == "Draw":
        for one in classes:
            st.button(
                ui.plain(one.name) if one.number < 10 else f"{one.number} · {ui.plain(one.name)}",
                key=f"class-{one.number}",
                type="primary" if one.number == number else "secondary",
                width="stretch",
                shortcut=str(one.number) if one.number < 10 else None,
                on_click=st.session_state.__setitem__,
                args=("pen", one.number),
            )
        ui.colour_buttons({f"class-{one.number}": one.colour for one in classes})
        tools = st.container(horizontal=True, gap="xsmall")
        tool = st.session_state.setdefault("tool", "brush")
        for name, icon, key in (("brush", "brush", "b"), ("eraser", "ink_eraser", "e"),
                                ("polygon", "polyline", "g"), ("rectangle", "rectangle", "t"),
                                ("pin", "push_pin", "p")):  # fmt: skip
            tools.button(
                "", icon=f":material/{icon}:", key=f"tool-{name}", help=name.capitalize(), shortcut=key,
                type="primary" if name == tool else "secondary",
                on_click=st.session_state.__setitem__, args=("tool", name),
            )  # fmt: skip
        longest = max(image.width, image.height)
        width = st.slider("Size in image pixels", 1, max(20, longest // 8), max(2, longest // 80), key="width")
        back = st.container(horizontal=True, gap="xsmall")
        for kind, key in (("undo", "ctrl+z"), ("redo", "ctrl+y")):
            back.button(
                "", icon=f":material/{kind}:", help=kind.capitalize(), key=f"{kind}-{image.id}", shortcut=key,
                disabled=not editable,
                on_click=do, args=(tab_state.step_back, image, who, kind),
            )  # fmt: skip
    with st.expander("View"):
        shown = st.pills("Classes", numbers, default=numbers, selection_mode="multi", key="shown",
                         format_func=lambda one: ui.plain(by_number[one].name))  # fmt: skip
        opacity = st.slider("Overlay", 0.0, 1.0, 0.5, 0.1)
        brightness = st.slider("Brightness", -0.5, 0.5, 0.0, 0.05)
        contrast = st.slider("Contrast", 0.5, 3.0, 1.0, 0.1)
    with st.expander("Image and mask"):
        names = {None: "No class"} | {one.id: one.name for one in classes}
        # a menu, whose choice is sent once: a select box's state may come again when the page has moved on, and its
        # change then be stored unasked. Its key names the image and the class that its user saw.
        menu = f"image-class-{image.id}-{image.class_id}"
        st.menu_button(
            f"Class of the image: {ui.plain(names[image.class_id])}", list(names), key=menu, width="stretch",
            format_func=lambda choice: ui.plain(names[choice]),
            on_click=_give_class, args=(project.id, who, image, menu),
        )  # fmt: skip
        least = st.number_input("Specks smaller than, in pixels", 2, 100_000, 20)
        tidying = st.container(horizontal=True)
        if tidying.button("Drop specks", key=f"specks-{image.id}", disabled=not editable):
            with ui.told():
                tab_state.add(image, who, cleanup.specks(log.mask(image, author_id=whose), int(least)))
        if tidying.button("Fill holes", key=f"holes-{image.id}", disabled=not editable):
            with ui.told():
                tab_state.add(image, who, cleanup.holes(log.mask(image, author_id=whose)))
        name = f"{image.name.rpartition('.')[0] or image.name}.png"
        save_button.button("Mask as PNG", f"/files/{project.id}/images/{image.id}/mask.png", name, f"mask-{image.id}")
    with st.expander("Keys"):
        st.markdown(
            "`1`-`9` class · `B` brush · `E` eraser · `G` polygon · `T` rectangle · `P` pin a comment · "
            "`Ctrl+Z` undo · `Ctrl+Y` redo · `I` closer · `O` farther · `F` whole · arrows move · `A` previous · "
            "`D` next · `U` next unlabelled · `M` next for me. Close a polygon at its first corner."
        )
    hold()

colours = {one.number: one.colour for one in classes if one.number in shown}
with middle:
    if way != "Draw":
        do(tab_state.put_away, image, who)
        unsent(image, user)
        if way == "Threshold":
            threshold.page(image, who, classes, editable=editable)
        else:
            assists.page(image, who, classes, whose, editable=editable)
        ui.stop()
    looks(image)
    drawn_by = pens({one.number: one.colour for one in classes})
    mounted = tab_state.mount(image, who, drawn_by, colours, opacity, brightness, contrast, whose)

    @st.fragment  # and none that ends before the canvas: whoever is signed out draws on until they have read it
    def drawing() -> None:
        """The canvas alone runs again at a stroke; who draws is asked anew each time."""
        objects = tab_state.canvas(mounted, tool, number, width, editable=editable)
        tab_state.keep(image, mounted, objects)
        me = ui.here().who
        if not editable:
            st.caption(":material/lock: This image is accepted. A reviewer can reopen it.")
            return
        if tool == "pin":
            comments.pin(image, me, mounted, objects)
        with suppress(*ui.ERRORS):  # the browser sends them again, and tells why they are not taken
            tab_state.save(image, me, mounted, objects)

    with st.container(key=f"stage-{image.id}"):
        overlay(image, mounted, opacity, lambda: do(tab_state.put_away, image, who))
        drawing()
    unsent(image, user, mounted)
    comments.comments(image, here, own_only=alone)
    comments.history(image, here, classes, editable=editable, own_only=alone)
