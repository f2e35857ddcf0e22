"""The sliders of the Choose page: limits and what counts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from ftl.choose import PRESETS, Limits, Weights
from studio.choosing.axes import round_steps
from studio.choosing.reading import Sweep

_PRESETS = {"Balanced": "balanced", "Published": "published"}
_TERMS = {
    "quality": ("Quality", "F1, against the base's"),
    "parameters": ("Smallness", "the share of parameters saved"),
    "time": ("Speed", "the share of time saved"),
}


def limits(sweeps: Sequence[Sweep]) -> Limits:
    """Sliders for the longest time, the least recall and the largest size; at the loose end each allows any."""
    pruned = [one for sweep in sweeps for one in sweep.candidates if not one.is_base]
    times, sizes = [one.time_ms for one in pruned], [one.size_mb for one in pruned]
    least = math.ceil(100 * min(one.recall or 0 for one in pruned))
    best = math.floor(100 * max(one.recall or 0 for one in pruned))
    return Limits(
        max_ms=_slider("Longest time", [*round_steps(min(times), max(times)), None], "ms", "limit-time"),
        min_recall=_share(_slider("Least recall", [None, *map(float, range(least, best + 1))], "%", "limit-recall")),
        max_mb=_slider("Largest size", [*round_steps(min(sizes), max(sizes)), None], "MB", "limit-size"),
    )


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _slider(label: str, steps: list[float | None], unit: str, key: str) -> float | None:
    if st.session_state.get(key) not in steps:
        st.session_state[key] = None  # other sweeps, other steps
    if len(steps) < 2:
        st.caption(f"{label}: there is nothing to tell apart")
        return None
    chosen: float | None = st.select_slider(
        label, steps, key=key, format_func=lambda one: "any" if one is None else f"{one:g} {unit}"
    )
    return chosen


def weights() -> Weights:
    """Sliders for the terms of the decision score, and the presets."""

    def take() -> None:
        name = st.session_state["weight-preset"]
        if name in _PRESETS:
            for term, value in zip(_TERMS, PRESETS[_PRESETS[name]], strict=True):
                st.session_state[f"weight-{term}"] = value

    def leave() -> None:
        values = tuple(st.session_state[f"weight-{term}"] for term in _TERMS)
        st.session_state["weight-preset"] = next((n for n, p in _PRESETS.items() if PRESETS[p] == values), None)

    if "weight-preset" not in st.session_state:
        st.session_state["weight-preset"] = "Balanced"
        take()
    st.segmented_control("Weights", list(_PRESETS), key="weight-preset", on_change=take,
                         label_visibility="collapsed", width="stretch")  # fmt: skip
    values = [
        st.slider(label, 0.0, 5.0, step=0.25, key=f"weight-{term}", on_change=leave, help=f"How much counts {what}")
        for term, (label, what) in _TERMS.items()
    ]
    if not any(values):
        st.caption("Nothing counts, so all are equal: give one term some weight.")
    return Weights(*values)
