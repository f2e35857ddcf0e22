"""The cost of a sweep as its page has it set, with this machine's speed measured once per network."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ftl.models.backbone import Backbone
from studio.jobs.cost import network_of, parts
from studio.jobs.estimate import speed


def estimate(project_id: int, settings: dict[str, Any], masks: int, images: int) -> float:
    """Seconds that a sweep will take here, about.

    Raises `FtlError` when its backbone cannot be read, or what is asked for cannot be had of it.
    """
    network, macs_per_second = _measured(project_id, settings.get("architecture"), settings.get("file"))
    return sum(parts(network, macs_per_second, settings, masks, images).values())


@st.cache_resource(max_entries=8, show_spinner=False)
def _measured(project_id: int, name: str | None, file: str | None) -> tuple[Backbone, float]:
    network = network_of(project_id, {"architecture": name, "file": file})
    return network, speed(network)
