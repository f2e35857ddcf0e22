"""The controls of the Choose page: limits, and what recommends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from ftl.evaluation.decision import PRESETS, Weights
from ftl.evaluation.recommend import Limits
from ftl.formatting import number
from studio.ui import state
from studio.ui.choose.axes import round_steps
from studio.ui.choose.read_sweep import Sweep

_FIGURES = ("time", "size", "balanced_accuracy", "recall", "accuracy", "precision", "f1")
_TESTS, _OWN = "Tests", "Own"
_PRESETS = {"Balanced": "balanced", "Published": "published"}
_TERMS = {
    "quality": ("Quality", "F1, against the unpruned network's"),
    "parameters": ("Smallness", "the share of parameters saved"),
    "time": ("Speed", "the share of latency saved"),
}


def clear_limits(project_id: int) -> None:
    """Allow any network."""
    for figure in _FIGURES:
        state.limit(project_id, figure).value = None


def limits(project_id: int, sweeps: Sequence[Sweep]) -> Limits:
    """The limits, behind a button that says how many are set."""
    count = sum(state.limit(project_id, figure).value is not None for figure in _FIGURES)
    label = f"Limits: {count} set" if count else "Limits"
    with st.popover(label, icon=":material/tune:", key="limits"):
        found = _limits(project_id, sweeps)
        st.button("Clear all limits", on_click=clear_limits, args=(project_id,), disabled=not count)
    return found


def _limits(project_id: int, sweeps: Sequence[Sweep]) -> Limits:
    """Sliders for latency, size and the shares of the validation images; at the loose end each allows any."""
    networks = [one for sweep in sweeps for one in sweep.candidates]
    pruned = [one for one in networks if not one.is_unpruned] or networks
    times, sizes = [one.time_ms for one in pruned], [one.size_mb for one in pruned]

    def share(label: str, figure: str) -> float | None:
        """The least share 0..1, in steps of a point between those that there are; nothing where one is unknown."""
        values = [getattr(one, figure) for one in pruned]
        if None in values:
            return None
        steps = range(math.ceil(100 * min(values)), math.floor(100 * max(values)) + 1)
        percent = _slider(label, [None, *map(float, steps)], "%", state.limit(project_id, figure))
        return None if percent is None else percent / 100

    time, size = (state.limit(project_id, figure) for figure in ("time", "size"))
    found: dict[str, float | None] = {
        "max_ms": _slider("Longest latency", [*round_steps(min(times), max(times)), None], "ms", time),
        "min_balanced_accuracy": share("Least balanced accuracy", "balanced_accuracy"),
        "min_recall": share("Least recall", "recall"),
        "max_mb": _slider("Largest size", [*round_steps(min(sizes), max(sizes)), None], "MB", size),
    }
    for figure, label in (("accuracy", "Least accuracy"), ("precision", "Least precision"), ("f1", "Least F1")):
        found[f"min_{figure}"] = share(label, figure)
    return Limits(**found)


def _slider(label: str, steps: list[float | None], unit: str, widget: state.Widget[float | None]) -> float | None:
    if widget.value not in steps:
        widget.value = None  # other sweeps, other steps
    if len(steps) < 2:
        st.caption(f"{label}: all networks have the same value")
        return None
    chosen: float | None = st.select_slider(
        label, steps, key=widget.key, format_func=lambda one: "any" if one is None else f"{number(one)} {unit}"
    )
    return chosen


class Rule(NamedTuple):
    """What recommends: `weights` of the decision score, or None for tests with a `margin` of accuracy, 0..1."""

    weights: Weights | None
    margin: float = 0.0


def rule() -> Rule:
    """What recommends, behind a button that says which it is."""
    now = state.PRESET.value or _TESTS
    with st.popover(f"Recommend by: {now}", icon=":material/star:", key="rule",
                    help="Tests on the validation images, or a decision score as the original's."):  # fmt: skip
        return _rule()


def _rule() -> Rule:
    """Tests and their margin, or a decision score: its presets, and sliders for its terms."""

    def take() -> None:
        if weights := PRESETS.get(_PRESETS.get(state.PRESET.value, "")):
            for term, value in zip(_TERMS, weights, strict=True):
                state.weight(term).value = value

    def leave() -> None:
        values = tuple(state.weight(term).value for term in _TERMS)
        state.PRESET.value = next((n for n, p in _PRESETS.items() if PRESETS[p] == values), _OWN)

    by = st.segmented_control("Recommend by", [_TESTS, *_PRESETS, _OWN], default=_TESTS, key=state.PRESET.key,
                              on_change=take, label_visibility="collapsed", width="stretch", required=True)  # fmt: skip
    if by == _TESTS:
        points = st.slider(
            "Margin: accuracy to give up for speed [points]", 0.0, 5.0, 0.0, 0.5, key="margin",
            help="A network that is significantly worse than the best, but by no more than this, can still be "
            "recommended.",
        )  # fmt: skip
        st.caption(
            "The fastest network that beats the most frequent class and is not significantly worse than the best; the "
            "most accurate of those that take as long: up to a tenth longer, or one network under two heads."
        )
        return Rule(None, points / 100)
    values = []
    for (term, (label, what)), usual in zip(_TERMS.items(), PRESETS["balanced"], strict=True):
        widget = state.weight(term)
        if widget.value is None:
            widget.value = usual
        values.append(st.slider(label, 0.0, 5.0, step=0.25, key=widget.key, on_change=leave, help=f"Weight of {what}"))
    st.caption("The decision score is the weighted sum. It does not test whether a network is useful."
               if any(values) else "All weights are 0, so all networks are equal: give one term a weight.")  # fmt: skip
    return Rule(Weights(*values))
