"""The switch between runtimes, over sweeps of networks that classify or of networks that draw masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import streamlit as st

from ftl.evaluation.candidate import runtimes_of
from ftl.evaluation.runtimes import TITLES
from studio.ui.choose.read_sweep import Sweep
from studio.ui.masks.mask_sweep import MaskSweep

_Swept = TypeVar("_Swept", Sweep, MaskSweep)


def in_chosen_runtime(shown: Sequence[_Swept]) -> list[_Swept]:
    """The sweeps as they are in the runtime that is chosen, where all of their networks were timed in several."""
    runtimes = [title for title in TITLES if all(title in runtimes_of(sweep.candidates) for sweep in shown)]
    if len(runtimes) < 2:
        return list(shown)
    runtime = st.segmented_control(
        "Runtime", runtimes, default=runtimes[0], required=True, format_func=TITLES.__getitem__,
        label_visibility="collapsed",
    )  # fmt: skip
    return [sweep.within(runtime) for sweep in shown]
