"""Images: bring photographs in, sort them, find them again."""

import streamlit as st

from studio import ui
from studio.images import gallery
from studio.images.import_masks import import_masks
from studio.images.library import (
    Filter,
    count_images,
    find_ids,
    find_images,
    set_class,
    set_split,
    set_state,
)
from studio.images.uploads import receive
from studio.projects import classes_of, members_of
from studio.store.models import STATES

user, project, role = ui.here()
st.title("Images")
classes = classes_of(project.id)
names = {one.id: one.name for one in classes}
PAGE = 48


def tell(problems: list[str]) -> None:
    """All problems of an upload or import, together."""
    if problems:
        with st.expander(f"{len(problems)} not taken", icon=":material/error:", expanded=True):
            for one in problems[:100]:
                st.markdown(f"- {ui.plain(ui.sentence(one))}")
            if len(problems) > 100:
                st.markdown(f"and {len(problems) - 100} more")


with st.expander("Upload photographs", icon=":material/upload:", expanded=not count_images(project.id)):
    with st.form("upload", clear_on_submit=True, border=False):
        whole = st.session_state.get("whole-folder", False)
        files = st.file_uploader(
            "Photographs, or a zip of them; folders inside give their class",
            accept_multiple_files="directory" if whole else True,
        )
        left, right = st.columns(2)
        given = left.selectbox(
            "Class", [None, *names], format_func=lambda one: names.get(one, "as their folders say, else none yet")
        )
        split = right.selectbox(
            "For", [None, "train", "test"],
            format_func=lambda one: {None: "training and reporting, drawn at each sweep", "train": "training",
                                     "test": "reporting only"}[one],
        )  # fmt: skip
        sent = st.form_submit_button("Add to the project", type="primary")
    st.toggle("Choose a whole folder with class folders in it", key="whole-folder")
    if sent and files:
        bar = st.progress(0.0, "Adding photographs")
        with ui.told():
            got = receive(
                project.id, user.id, [(one.name, one) for one in files], class_id=given, split=split,
                report=lambda done, total, _: bar.progress(done / max(1, total), f"Adding {done} of {total}"),
            )  # fmt: skip
            told = [f"{len(got.added)} added"] + [f"{len(got.known)} were here already"] * bool(got.known)
            st.success(f"{', '.join(told)}.", icon=":material/check:")
            tell(got.problems)
        bar.empty()
    elif sent:
        st.info("Choose some files first.", icon=":material/info:")

if not count_images(project.id):
    ui.empty("No photographs yet", "Upload some above: a few dozen of each class are a start.", ":material/image:")
    st.stop()

with st.expander("Import masks that exist", icon=":material/layers:"):
    with st.form("masks", clear_on_submit=True, border=False):
        files = st.file_uploader(
            "PNG masks named as their images, COCO or Labelme files", type=["png", "bmp", "tif", "tiff", "json"],
            accept_multiple_files=True,
        )  # fmt: skip
        number = st.selectbox(
            "Class of masks that hold only one", [one.number for one in classes],
            format_func=lambda one: next(c.name for c in classes if c.number == one),
        )  # fmt: skip
        sent = st.form_submit_button("Import")
    if sent and files:
        with ui.told(), st.spinner("Reading masks"):
            done = import_masks(project.id, user.id, [(one.name, one) for one in files], class_number=number)
            st.success(f"{done.images} images have masks from these files, {done.regions} areas are new.")
            tell(done.problems)

people = {member.id: member.name for member, _ in members_of(project.id)}
with st.container(border=True):
    columns = st.columns([1.2, 1, 1, 1.2, 1.6])
    by_class = columns[0].selectbox(
        "Class", [None, 0, *names], format_func=lambda one: {None: "any", 0: "none yet"}.get(one) or names[one]
    )
    by_state = columns[1].selectbox("State", [None, *STATES], format_func=lambda one: one or "any")
    masks = {None: "any", True: "drawn", False: "none yet"}
    drawn = columns[2].selectbox("Mask", list(masks), format_func=lambda one: masks[one])
    by = columns[3].selectbox("Drawn on by", [None, *people], format_func=lambda one: people.get(one, "anyone"))
    text = columns[4].text_input("Name holds", placeholder="part of a name")
chosen = Filter(by_class, by_state, by, drawn, text)
total = count_images(project.id, chosen)
if not total:
    ui.empty("None match", "Widen the filter above.", ":material/filter_alt_off:")
    st.stop()
pages = -(-total // PAGE)
page = min(int(st.session_state.get("gallery-page") or 1), pages)
images = find_images(project.id, chosen, (page - 1) * PAGE, PAGE)
gallery.show(project.id, images, {one.id: one for one in classes})

foot = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
foot.caption(f"{total:,} photographs")
if pages > 1:
    with foot:
        st.pagination(pages, key="gallery-page")

with st.container(border=True):
    st.subheader("Change several at once")
    whom = st.radio(
        "Which", ["chosen", "page", "all"], horizontal=True,
        format_func=lambda one: {"chosen": "the chosen ones", "page": f"this page ({len(images)})",
                                 "all": f"all that match ({total:,})"}[one],
    )  # fmt: skip
    ids = [one.id for one in images]
    if whom == "chosen":
        labels = ui.unique_labels({one.id: one.name for one in images})
        ids = st.multiselect("Chosen", ids, format_func=labels.__getitem__)
    elif whom == "all":
        ids = find_ids(project.id, chosen)
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    to_class = left.selectbox("Class to give", [None, *names], format_func=lambda one: names.get(one, "none"))
    if left.button("Set class", disabled=not ids):
        with ui.told():
            set_class(project.id, ids, to_class)
            st.rerun()
    to_split = middle.selectbox("Use for", [None, "train", "test"], format_func=lambda one: one or "drawn")
    if middle.button("Set use", disabled=not ids):
        set_split(project.id, ids, to_split)
        st.rerun()
    if role != "annotator":
        to_state = right.selectbox("State to give", STATES)
        if right.button("Set state", disabled=not ids):
            set_state(project.id, ids, to_state)
            st.rerun()
