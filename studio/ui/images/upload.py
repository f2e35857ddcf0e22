"""Photographs and masks that are brought in: the forms, what they would take, and what they took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ftl.formatting import counted, listed
from ftl.progress import Report
from studio.accounts.rights import SignedIn
from studio.accounts.settings import recent
from studio.formats.import_masks import import_masks
from studio.formats.registry import FORMATS, SUFFIXES
from studio.images.library import Filter, count_classes, count_images
from studio.images.uploads import Chosen, from_browser, look_over, receive
from studio.jobs.readiness import ENOUGH_MASKS
from studio.projects.classes import classes_of
from studio.store.tables import ImageClass
from studio.ui import page_file, showing_errors, state
from studio.ui.markdown import plain

SPLITS = {
    None: "training or test, drawn at random by each sweep",
    "train": "training and validation only",
    "test": "test only",
}
"""What photographs can be used for, in words."""

_MOST_LISTED = 100


def photographs(project_id: int, who: SignedIn, classes: Sequence[ImageClass]) -> None:
    """Take photographs in; before that, say how many there are of each class."""
    page, names = state.of(state.Images, project_id), {one.id: one.name for one in classes}
    whole = st.toggle("Upload a folder that holds a folder for each image class", key=state.WHOLE_FOLDER.key)
    files = st.file_uploader(
        "Photographs, or a zip of them; folders inside give their image class",
        accept_multiple_files="directory" if whole else True,
        help=f"Up to {recent().most_upload_mb:,} MB a file and {recent().most_megapixels:,} megapixels an image.",
        key=f"photographs-{project_id}-{page.turns}-{whole}",
    )
    left, right = st.columns(2)
    # no option is None: Streamlit would offer to clear it
    given = left.selectbox(
        "Image class", [0, *names], format_func=lambda one: names.get(one, "from their folders, otherwise none"),
        key=f"class-{project_id}-{page.turns}",
    )  # fmt: skip
    uses = {text: split for split, text in SPLITS.items()}
    split = uses[right.selectbox("For", list(uses), key=f"split-{project_id}-{page.turns}")]
    named = from_browser(files, {one.lower() for one in names.values()}, whole)
    if named:
        st.markdown(plain(chosen(look_over([name for name, _ in named], names.values(), names.get(given, "")))))
    if st.button("Add to the project", type="primary", disabled=not named):
        bar = st.progress(0.0, "Adding photographs")
        with showing_errors():
            got = receive(project_id, who, named, class_id=given or None, split=split, report=_moving(bar, "Adding"))
            now = {one.id: one.name for one in classes_of(project_id)}  # with those that folders have made
            text = added(
                len(got.added), len(got.known), {now.get(one, ""): n for one, n in count_classes(got.added).items()}
            )
            drawn = count_images(project_id, Filter(drawn=True))
            page.taken = state.Taken(text, bool(got.added or got.known), got.problems, bool(got.added) and not drawn)
            page.turns += 1
            st.rerun()
        bar.empty()


def masks(project_id: int, who: SignedIn, classes: Sequence[ImageClass]) -> None:
    """Take masks in that were drawn elsewhere."""
    page, numbers = state.of(state.Images, project_id), {one.number: one.name for one in classes}
    files = st.file_uploader(
        f"{', '.join(form.name for form in FORMATS)} files, or a zip of them; a PNG is named as its image",
        type=[*SUFFIXES, "zip"],
        accept_multiple_files=True,
        key=f"masks-{project_id}-{page.turns}",
    )
    number = st.selectbox(
        "Mask class of black-and-white masks", list(numbers), format_func=numbers.__getitem__,
        help="A black-and-white mask does not say which mask class it shows, so choose it here. The values of an index "
        "mask are the numbers of the project's classes.", key=f"masks-class-{project_id}-{page.turns}",
    )  # fmt: skip
    if st.button("Import", type="primary", disabled=not files):
        bar = st.progress(0.0, "Reading masks")
        with showing_errors():
            done = import_masks(
                project_id, who, from_browser(files), class_number=number, report=_moving(bar, "Reading")
            )
            text = f"{counted(done.images, 'image')} with masks from these files, {counted(done.regions, 'new area')}."
            page.taken = state.Taken(text, bool(done.images), done.problems)
            page.turns += 1
            st.rerun()
        bar.empty()


def tell(project_id: int) -> None:
    """Say what was taken in just now, what was not, and what comes next."""
    page = state.of(state.Images, project_id)
    taken, page.taken = page.taken, None
    if taken is None:
        return
    show, icon = (st.success, "check") if taken.any else (st.warning, "warning")
    show(plain(taken.text), icon=f":material/{icon}:")
    if taken.follows:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Next: draw masks on {ENOUGH_MASKS} of them.", width="content")
            st.page_link(page_file("annotate"), label="Draw masks", icon=":material/brush:")
    if taken.problems:
        with st.expander(f"{len(taken.problems):,} not taken", icon=":material/error:", expanded=True):
            # with a file's own name in front, as it is written
            st.markdown("\n".join(f"- {plain(one.rstrip('.'))}." for one in taken.problems[:_MOST_LISTED]))
            if len(taken.problems) > _MOST_LISTED:
                st.markdown(f"and {len(taken.problems) - _MOST_LISTED:,} more")


def chosen(files: Chosen) -> str:
    """What would be added, in words: "240 photographs: Crack 120, Background 120"."""
    parts = []
    if files.photographs:
        parts.append(counted(sum(files.photographs.values()), "photograph") + _of_classes(files.photographs))
    if files.zips:
        parts.append(f"{counted(len(files.zips), 'zip')} of photographs, unpacked when added")
    if files.others:
        parts.append(f"{counted(len(files.others), 'file')} of another kind ({listed(files.others, 3)})")
    return "; ".join(parts or ["Nothing here can be added"]) + "."


def added(new: int, known: int, by_class: Mapping[str, int]) -> str:
    """What was added, in words: "240 added: Crack 120, Background 120"; `by_class`: the new ones, "" for none."""
    again = f"{known:,} {'was' if known == 1 else 'were'} here already."
    if not new:
        return again if known else "Nothing was added."
    return f"{new:,} added{_of_classes(by_class)}." + (f" {again[:1].upper()}{again[1:]}" if known else "")


def _of_classes(counts: Mapping[str, int]) -> str:
    """How many each class has; nothing where none of them has one."""
    if not any(counts):
        return ""
    return ": " + ", ".join(f"{name or 'no image class'} {count:,}" for name, count in counts.items())


def _moving(bar: DeltaGenerator, doing: str) -> Report:
    """Moves a bar on, under words as "Adding 3 of 10"."""

    def report(done: int, total: int, _: str) -> None:
        bar.progress(done / max(1, total), f"{doing} {done:,} of {total:,}")

    return report
