"""The cost of a sweep as its page has it set, with this machine's speed measured once per network."""

from __future__ import annotations

import streamlit as st

from ftl.models.backbone import Backbone
from studio.jobs.cost import network_of, parts
from studio.jobs.estimate import speed
from studio.jobs.request import SweepRequest


def estimate(project_id: int, request: SweepRequest, masks: int, images: int) -> float:
    """Seconds that a sweep will take here, about.

    Raises `FtlError` when its backbone cannot be read, or what is asked for cannot be had of it.
    """
    network, macs_per_second = _measured(project_id, request.architecture, request.file)
    return sum(parts(network, macs_per_second, request, masks, images).values())


@st.cache_resource(max_entries=8, show_spinner=False)
def _measured(project_id: int, name: str | None, file: str | None) -> tuple[Backbone, float]:
    network = network_of(project_id, name, file)
    return network, speed(network)
