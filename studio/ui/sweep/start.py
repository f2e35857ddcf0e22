"""The network that a sweep starts from: which is recommended and why, how large it is, and files that are added."""

from __future__ import annotations

import streamlit as st

from ftl.formatting import counted, milliseconds, short
from studio import ui
from studio.accounts.rights import SignedIn
from studio.jobs import backbones
from studio.jobs.presets import Numbers
from studio.jobs.starts import Start, recommend, starts
from studio.ui import state, trash
from studio.ui.sweep.cost import size_of


def choose(project_id: int, who: SignedIn, numbers: Numbers, copied: Start | None) -> Start:
    """Draw the choice of a network, at first the recommended or that of a sweep that is `copied`. Returns it."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    with row.container(width="stretch"):
        place = st.empty()
    with row.popover("Add a network file", icon=":material/upload_file:"):
        _add(project_id, who)
    known = starts(project_id, only_masks=numbers.only_masks)
    best = recommend(known, numbers.images, "tiles" if numbers.large.cut else "photographs")
    again = (start for start in known if copied and (start.source, start.name) == (copied.source, copied.name))
    at_first = next(again, best.start)
    ordered = [best.start, *(start for start in known if start != best.start)]
    start = place.selectbox(
        "Network to start from",
        ordered,
        index=ordered.index(at_first),
        format_func=lambda one: f"{one.title} (recommended)" if one == best.start else one.title,
        help="A sweep prunes this network to several sizes, and trains each of them. The recommended one comes first.",
    )
    size = size_of(project_id, start)
    figures = (
        f"{counted(size.parameters, 'parameter')}, {short(size.macs)} MACs, about "
        f"{milliseconds(1000 * size.seconds)} a photograph on this machine before it is pruned."
    )
    st.caption(f"{figures} {best.why}" if start == best.start else figures)
    if start.source == "file":
        with st.container(horizontal=True):
            trash.backbone_menu(project_id, who, start.name)
    return start


def _add(project_id: int, who: SignedIn) -> None:
    given = st.file_uploader(
        "Add a file", help="Keras .h5, .safetensors, .pt with a state dict, or .pt2. Pickles are never loaded."
    )
    page = state.of(state.Sweep)
    if given is not None and page.added != given.file_id:
        with ui.showing_errors(), st.spinner("Reading the network"):
            name = backbones.add(project_id, given.name, given, who)
            page.added = given.file_id
            st.success(f"{ui.plain(name)} was added.")
