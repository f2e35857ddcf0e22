"""Images: bring photographs in, sort them, find them again."""

from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ftl.formatting import counted
from studio import ui
from studio.annotation.proposals import TO_DO, waiting_among
from studio.collaboration.assignment import assign, blind
from studio.images.library import (
    Filter,
    count_by_class,
    count_by_state,
    count_images,
    find_ids,
    find_images,
    set_class,
    set_split,
    set_state,
)
from studio.jobs.label_job import launch_labelling
from studio.jobs.segmenters import MaskNetwork, mask_networks
from studio.projects.classes import classes_of
from studio.projects.members import members_of
from studio.store.tables import STATES, Image
from studio.ui import state, trash
from studio.ui.images import counts, drawing_order, export, gallery, upload
from studio.ui.images.selection import Selection, selection_of

here = user, project, role, who = ui.here()
st.title("Images")
classes = classes_of(project.id)
PAGE = 48
KEEP, PROPOSED = "leave as it is", "proposed"
SORTS = {"oldest": "Oldest first", "newest": "Newest first", "name": "Name", "class": "Image class", "state": "State"}
V = TypeVar("V")


def label_ahead(networks: list[MaskNetwork]) -> None:
    """Let a network propose areas on the photographs that nobody has drawn on."""
    states = count_by_state(project.id, Filter(drawn=False))
    count = sum(states.get(to_do, 0) for to_do in TO_DO)
    st.markdown(
        f"A network proposes areas on the {counted(count, 'photograph')} without strokes. They count for nothing until "
        "somebody accepts them: the tool Proposals of Annotate shows them."
    )
    row = st.container(horizontal=True, vertical_alignment="bottom")
    network = row.selectbox("Network that proposes", networks, format_func=lambda known: known.title)
    if row.button("Label ahead", type="primary", icon=":material/auto_fix_high:", disabled=not count):
        with ui.showing_errors():
            launch_labelling(project.id, who, network.job_id, network.name)
            st.switch_page(ui.page_file("jobs"))


def choose(place: DeltaGenerator, label: str, words: dict[V, str], anything: str = "any") -> V | None:
    """One of the values, chosen by their words and kept while the user is on other pages; None for anything."""
    values = {word: value for value, word in words.items()}
    key = f"images {label} {project.id}"
    return values.get(place.selectbox(label, [anything, *values], key=key, persist_state="session"))


def asked(names: dict[int, str]) -> Filter:
    """The filter."""
    people = ui.unique_labels({member.id: member.name for member, _ in members_of(project.id)})
    row = st.container(horizontal=True, key="fields")
    by_class = choose(row, "Image class", {0: "none yet"} | names)
    by_state = choose(row, "State", {one: one for one in STATES})
    mask = choose(row, "Mask", {"drawn": "drawn", "none": "none yet", PROPOSED: "proposed by a network"})
    by = choose(row, "Drawn on by", people, "anyone")
    text = row.text_input(
        "Name contains", placeholder="part of a name", key=f"images name {project.id}", persist_state="session"
    )
    drawn = None if mask in (None, PROPOSED) else mask == "drawn"
    return Filter(by_class, by_state, by, drawn, text.strip(), proposed=True if mask == PROPOSED else None)


def change(selection: Selection, names: dict[int, str]) -> None:
    """Give the chosen images an image class, a use or a state."""
    ids = selection.ids()
    menu = st.popover(
        f"Change {len(ids):,}" if ids else "Change", icon=":material/edit:", disabled=not ids,
        type="primary" if ids else "secondary", key="change",
    )  # fmt: skip
    # cleared: what was given once must not be given to the next ones unseen
    with menu, st.form("change-form", clear_on_submit=True, border=False):
        to_class = st.selectbox(
            "Image class to give", [None, 0, *names],
            format_func=lambda one: KEEP if one is None else names.get(one, "none"),
        )  # fmt: skip
        uses = {KEEP: KEEP} | upload.SPLITS
        to_split = st.selectbox("Use for", list(uses), format_func=uses.__getitem__)
        # only those who judge may say where the work stands
        to_state = st.selectbox("State to give", [KEEP, *STATES]) if role != "annotator" else KEEP
        people = {one.id: one.name for one, _ in members_of(project.id)} if role != "annotator" else {}
        to_user = None
        if people:
            to_user = st.selectbox("Give to", [None, *people], format_func=lambda one: people.get(one, KEEP))
        if not st.form_submit_button(f"Change {counted(len(ids), 'image')}", type="primary"):
            return
    with ui.showing_errors():
        if to_class is not None:
            set_class(project.id, who, ids, to_class or None)
        if to_split != KEEP:
            set_split(project.id, who, ids, to_split)
        if to_state != KEEP:
            set_state(project.id, who, ids, to_state)
        if to_user is not None:
            assign(project.id, ids, to_user, who)
        selection.put([])
        ui.toast_next(f"{counted(len(ids), 'image')} changed.", icon=":material/check:")
        st.rerun(scope="fragment")


@ui.fragment
def find() -> None:
    """The filter, the grid and what is done with the chosen ones; a tick reruns only this."""
    classes = classes_of(project.id)  # an upload may have made some
    by_id = {one.id: one for one in classes}
    own_names = {key: one.name for key, one in by_id.items()}
    chosen = asked(own_names)
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container():
            counts.line(classes, count_by_class(project.id, chosen), count_by_state(project.id, chosen))
        order = st.selectbox(
            "Sort", list(SORTS), format_func=SORTS.__getitem__, key=f"images sort {project.id}",
            persist_state="session", label_visibility="collapsed", width=150,
        )  # fmt: skip
        masks = st.toggle("Show masks", value=True, key="images masks", persist_state="session")
    total = count_images(project.id, chosen)
    if not total:
        ui.empty("None match", "Widen the filter above.", ":material/filter_alt_off:")
        return
    selection = selection_of(f"{project.id} {chosen}")
    pages, page = -(-total // PAGE), state.gallery_page(project.id, f"{chosen} {order}")
    if page.value > pages:  # somebody gave the last ones another class
        page.value = pages
    images = find_images(project.id, chosen, (page.value - 1) * PAGE, PAGE, order)

    def deleted() -> None:
        selection.put([])
        st.rerun(scope="fragment")

    bar = st.container(horizontal=True, vertical_alignment="center")
    with bar:
        ticked = len(selection.ids())
        st.markdown(
            f"**{counted(total, 'photograph')}**" + (f" · **{ticked:,}** selected" if ticked else ""),
            width="stretch",
        )
        st.button("Select this page", on_click=selection.add, args=([one.id for one in images],))
        if pages > 1:
            st.button(f"Select all {total:,}", on_click=lambda: selection.put(find_ids(project.id, chosen)))
        if ticked:
            st.button("Select none", on_click=selection.put, args=([],))
        change(selection, own_names)
        if role != "annotator":
            chosen_ids = selection.ids()
            if len(chosen_ids) == 1:
                trash.rename_image(project.id, who, chosen_ids[0], lambda: st.rerun(scope="fragment"))
            trash.delete_images(project.id, who, chosen_ids, deleted)

    proposed = waiting_among([image.id for image in images])

    def label(image: Image) -> gallery.Label:
        own, badges = by_id.get(image.class_id or 0), (PROPOSED,) * (image.id in proposed)
        return gallery.Label(own.name, own.colour, badges) if own else gallery.Label("no image class", "", badges)

    opened = gallery.show(
        here, images, classes, label, page="annotate", masks=masks,
        ticks=gallery.Ticks(selection.ids(), selection.turn, selection.replace),
    )  # fmt: skip
    if pages > 1:
        st.pagination(pages, key=page.key, persist_state="session")
    if opened is not None:
        state.of(state.Tab).image_id = opened
        st.switch_page(ui.page_file("annotate"), query_params={"project": str(project.id), "image": str(opened)})


with st.container():  # there in any case: what comes and goes would close all that is open below it
    upload.tell(project.id)
drawers = st.container(key="drawers")
with drawers.expander("Upload photographs", icon=":material/upload:", expanded=not count_images(project.id)):
    upload.photographs(project.id, who, classes)
if not count_images(project.id):
    ui.empty("No photographs yet", "Upload some above: a few dozen of each class are a start.", ":material/image:")
    ui.stop()
with drawers.expander("Import existing masks", icon=":material/layers:"):
    upload.masks(project.id, who, classes)
if not blind(project, role):
    with drawers.expander("Export photographs and masks", icon=":material/download:"):
        export.panel(project.id)
if role == "admin":
    drawing = mask_networks(project.id)
    if drawing:
        with drawers.expander("Label ahead by a network", icon=":material/auto_fix_high:"):
            label_ahead(drawing)
    with drawers.expander("What to draw next", icon=":material/low_priority:"):
        drawing_order.panel(project.id, who, drawing)
find()
