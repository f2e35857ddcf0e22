"""What the Choose page opens with: the recommended network in one sentence, and what to do with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from studio import ui
from studio.ui import state
from studio.ui.choose import candidate_panel, downloads, links
from studio.ui.choose.read_sweep import Network


class Opening(NamedTuple):
    """A recommended network in words, all of them plain text. `sweep`: its name, where there are several.

    `headline`: what it is worth, in a sentence. `details`: what those figures are of. `notes`: what else to know.
    `warnings`: what is suspicious of it. `why`: why it is recommended.
    """

    network: Network
    sweep: str
    headline: str
    details: Sequence[str]
    notes: Sequence[str]
    warnings: Sequence[str]
    why: Sequence[str]


def show(here: ui.Here, opening: Opening, is_picked: bool, open_it: Callable[[Network], None]) -> None:
    """Draw it. `is_picked`: it is the project's network. `open_it`: opens its panel."""
    network, of = opening.network, f" of {ui.plain(opening.sweep)}" if opening.sweep else ""
    st.html("<style>[class*=st-key-opening-] h2 { padding: 0 0 .5rem }</style>")
    with st.container(border=True, key=f"opening-{network.key}"):
        marks = f" {candidate_panel.PICKED}" if is_picked else ""
        st.markdown(f":orange[★] **{ui.plain(network.name)}**, recommended{of}{marks}")
        st.markdown(f"## {ui.plain(opening.headline)}")
        for warning in opening.warnings:
            st.markdown(f":red[:material/warning: {ui.sentence(warning)}]")
        st.caption("  \n".join(map(ui.plain, (*opening.details, *opening.notes))))  # a line each
        with st.container(horizontal=True):
            candidate_panel.pick_button(here, network, is_picked=is_picked, first=True)
            if st.button("Try it", icon=":material/search:", key=f"try-{network.key}",
                         type="primary" if is_picked else "secondary"):  # fmt: skip
                state.TO_TRY.value = network
                state.of(state.Tab).go = "try_it"
                st.rerun()
            downloads.menu(here.project.id, network, "opening")
            st.button("Show details", icon=":material/arrow_downward:", key=f"show-{network.key}",
                      on_click=open_it, args=(network,))  # fmt: skip
            with st.popover("Why this one?", icon=":material/help:", key=f"why-{network.key}"):
                for sentence in opening.why:
                    st.markdown(ui.plain(sentence))
            links.button(here.project.id, network, "opening")


def none(here: ui.Here, sweep: str, problem: str, clear: Callable[[], None] | None) -> None:
    """Say why no network is recommended, and offer what to do. `clear`: clears limits, where some are set."""
    of = f"**{ui.plain(sweep)}**: " if sweep else ""
    st.warning(of + ui.sentence(problem), icon=":material/block:")
    with st.container(horizontal=True, vertical_alignment="center"):
        if clear is not None:
            st.button("Allow any network", icon=":material/filter_alt_off:", key=f"clear-{sweep}", on_click=clear)
        st.page_link(ui.page_file("images"), label="Add photographs", icon=":material/photo_library:")
        if here.role == "admin":
            st.page_link(ui.page_file("sweep"), label="Sweep again", icon=":material/content_cut:")
