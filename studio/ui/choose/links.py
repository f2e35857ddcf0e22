"""Links to networks on the Choose page, in its address: made, followed, and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from studio import ui
from studio.errors import Forbidden, Missing
from studio.jobs import sweeps
from studio.ui import copy_field, state
from studio.ui.choose.read_sweep import Network

_KEY = "network"
_ELSEWHERE = (
    "This link's sweep is not in this project: it was deleted (for 30 days an admin can restore it from the trash), or "
    "the link is of another project."
)


def link_to(project_id: int, network: Network) -> str:
    """The path that opens a network, for everybody in its project."""
    return f"/choose?{urlencode({'project': project_id, _KEY: network.key})}"


def followed(project_id: int) -> list[Network]:
    """The networks that a link asks for, once; those that are not there are a sentence on the page."""
    page, asked = state.of(state.Choose, project_id), st.query_params.get_all(_KEY)
    if asked in ([], page.link):
        return []
    page.link, found = asked, list[Network]()
    for text in asked:
        network = Network.asked(text)
        if why := "This link names no network: ask for a new one." if network is None else lost(project_id, network):
            st.warning(ui.plain(why), icon=":material/link_off:")
        elif network is not None:
            found.append(network)
    return found


def lost(project_id: int, network: Network) -> str:
    """Why a link to a network leads nowhere, in a sentence that tells nothing of other projects; empty if it does."""
    try:
        sweeps.network(project_id, *network)
    except Forbidden:
        return _ELSEWHERE
    except Missing as error:
        return f"{network.name}: {error}."
    return ""


def keep_true(opened: Sequence[str]) -> None:
    """Take the link out of the page's address once others are open than it names. `opened`: each by `Network.key`."""
    if st.query_params.get_all(_KEY) not in ([], list(opened)):
        del st.query_params[_KEY]


def button(project_id: int, network: Network, place: str) -> None:
    """Draw what shows the link to a network. `place`: of the button on the page."""
    with st.popover("Link", icon=":material/link:", key=f"link-{place}-{network.key}"):
        st.caption("Opens this network for everybody in this project, and for nobody else.")
        copy_field.link(link_to(project_id, network), f"link-of-{place}-{network.key}")
