"""The three choices of a sweep side by side, each with what it does, what it costs, and the button that launches it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from ftl.formatting import counted, duration
from studio import ui
from studio.jobs.presets import BALANCED, QUICK, THOROUGH, Preset
from studio.ui.sweep.cost import expected

_CANDIDATES = (
    "Candidates are the networks to choose from at the end: each pruned network once for each way in which it is "
    "trained, and the unpruned network to compare with."
)
_ICONS = {QUICK: "bolt", BALANCED: "balance", THOROUGH: "biotech"}


def show(
    project_id: int, choices: Sequence[Preset], launch: Callable[[Preset], None], adjust: Callable[[Preset], None]
) -> None:
    """Draw the choices. `launch`, or in a callback `adjust`, is called with the one whose button was pressed."""
    with st.container(horizontal=True, gap="medium"):  # one below the other where the window is narrow: style.css
        for choice in choices:
            name, icon = ui.plain(choice.name), _ICONS[choice.name]
            with st.container(border=True, height="stretch", key=f"choice-{choice.name}"):
                st.header(f":material/{icon}: {name}", anchor=False)
                st.markdown(f"**About {duration(choice.seconds)}** · {_networks(choice)}", help=_CANDIDATES)
                st.markdown(ui.plain(choice.text))
                st.caption(f":material/schedule: {expected(project_id, choice.seconds)}")
                st.space("stretch")
                if st.button(
                    f"Launch {name}", type="primary" if choice.name == QUICK else "secondary",
                    icon=":material/rocket_launch:", width="stretch",
                ):  # fmt: skip
                    launch(choice)
                st.button(
                    f"Settings of {name}", type="tertiary", icon=":material/tune:", width="stretch",
                    on_click=adjust, args=(choice,),
                )  # fmt: skip


def _networks(choice: Preset) -> str:
    return counted(len(choice.request.sweep.candidates()), "candidate")
