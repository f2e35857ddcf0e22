"""Sweeps with the latencies of another machine, as the kit of `ftl bench-kit` brings them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import streamlit as st

from ftl.sweeping.other_machine import read_times
from studio import ui
from studio.ui.choose.read_sweep import Sweep
from studio.ui.masks.mask_sweep import MaskSweep

_Swept = TypeVar("_Swept", Sweep, MaskSweep)


def on_chosen_machine(shown: Sequence[_Swept]) -> list[_Swept]:
    """The sweeps as they are on the machine whose times are given, or on the one that measured them."""
    with st.popover("Another machine", icon=":material/developer_board:"):
        st.caption(
            "`ftl bench-kit OUT kit.zip` packs a sweep's networks with a script that times them on any machine with "
            "Python and ONNX Runtime or OpenVINO. Put its times.json here, and all latencies are that machine's."
        )
        given = st.file_uploader("times.json", "json", key="other-machine")
    if given is None:
        return list(shown)
    with ui.showing_errors():
        other = read_times(given.getvalue())
        return [sweep.on(other) for sweep in shown]
    return list(shown)
