"""Sweeps with the latencies of another machine, as the kit of `ftl bench-kit` brings them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import streamlit as st

from ftl.sweeping.other_machine import read_times
from studio import ui
from studio.ui import save_button
from studio.ui.choose.read_sweep import Sweep
from studio.ui.masks.mask_sweep import MaskSweep

_Swept = TypeVar("_Swept", Sweep, MaskSweep)


def on_chosen_machine(project_id: int, shown: Sequence[_Swept]) -> list[_Swept]:
    """The sweeps as they are on the machine whose times are given, or on the one that measured them."""
    with st.popover("Another machine", icon=":material/developer_board:"):
        st.caption(
            "The kit holds this sweep's networks and a script that times them on any machine with Python and ONNX "
            "Runtime or OpenVINO. Run it there, then upload the times.json that it writes: all latencies here are "
            "then that machine's."
        )
        for sweep in shown:
            if len(shown) > 1:
                st.caption(f"{ui.plain(sweep.name)} · {sweep.job_id}")
            save_button.button(
                "Download the kit",
                f"/api/projects/{project_id}/jobs/{sweep.job_id}/kit.zip",
                f"kit-{sweep.job_id}.zip",
                f"kit-{sweep.job_id}",
                "A zip; README.txt in it says how to run the script. It takes some seconds to make.",
            )
        given = st.file_uploader("times.json", "json", key="other-machine")
    if given is None:
        return list(shown)
    with ui.showing_errors():
        other = read_times(given.getvalue())
        return [sweep.on(other) for sweep in shown]
    return list(shown)
