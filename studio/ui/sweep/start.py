"""The network that a sweep starts from: which is recommended and why, how large it is, and files that are added."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from ftl.formatting import counted, megabytes, milliseconds, short
from ftl.models.imagenet import ANSWER_SECONDS, address, answers
from ftl.models.registry import architecture
from studio import ui
from studio.accounts.rights import SignedIn
from studio.jobs import backbones
from studio.jobs.presets import Numbers
from studio.jobs.starts import Start, recommend, starts
from studio.ui import state, trash
from studio.ui.sweep.cost import busy, size_of

_ANSWERED_SECONDS = 60
"""How long it counts whether the internet was reached."""


def choose(project_id: int, who: SignedIn, numbers: Numbers, copied: Start | None) -> Start:
    """Draw the choice of a network, at first the recommended or that of a sweep that is `copied`. Returns it."""
    known = starts(project_id)
    learnt_from = (numbers.masks, "mask") if numbers.only_masks else (numbers.images, _piece(numbers))
    best = recommend(known, *learnt_from)
    again = (start for start in known if copied and (start.source, start.name) == (copied.source, copied.name))
    at_first = next(again, best.start)
    ordered = [best.start, *(start for start in known if start != best.start)]
    start = st.selectbox(
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
    if slow := busy(project_id, start):
        st.caption(f":orange[:material/speed:] {slow}")
    if start.download and not _reached(url := address(architecture(start.name))):
        _unreached(start, url)
    with st.container(horizontal=True):
        _add(project_id, who)
        if start.source == "file":
            trash.backbone_menu(project_id, who, start.name)
    return start


def _piece(numbers: Numbers) -> str:
    return "tile" if numbers.large.cut else "photograph"


@st.cache_data(ttl=_ANSWERED_SECONDS, show_spinner="Checking whether its weights can be downloaded")
def _reached(url: str) -> bool:
    return answers(url)


def _unreached(start: Start, url: str) -> None:
    """Say that weights are not here and can perhaps not be downloaded, and what to do."""
    parts = urlsplit(url)
    st.warning(
        f"The weights of {ui.plain(start.name)} are not on this machine, and {parts.netloc} did not answer within "
        f"{ANSWER_SECONDS} seconds: a sweep may fail. "
        "Choose a network that need not be downloaded, such as one trained from scratch; or fetch "
        f"[{parts.path.rsplit('/', 1)[-1]}]({url}) ({megabytes(start.download)}) where there is internet, and add it "
        "below.",
        icon=":material/cloud_off:",
    )


def _add(project_id: int, who: SignedIn) -> None:
    """Draw the form that adds a file; behind each that was added it is closed and empty."""
    page = state.of(state.Sweep)
    with st.popover("Add a network file", icon=":material/upload_file:", key=f"add-network-{page.turns}"):
        given = st.file_uploader(
            "Add a file", key=f"network-file-{page.turns}",
            help="Keras .h5, .safetensors, .pt or .pth with a state dict, or .pt2. Pickles are never loaded.",
        )  # fmt: skip
        if given is None:
            return
        with ui.showing_errors(), st.spinner("Reading the network"):
            name = backbones.add(project_id, given.name, given, who)
            page.turns += 1
            ui.toast_next(f"{ui.plain(name)} was added.", icon=":material/check:")
            st.rerun()
