"""Charts of a sweep's candidates one by one: accuracy over time, filters layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from ftl.evaluation.candidate import Candidate, base_of, in_runtime, runtimes_of
from ftl.evaluation.decision import Choice, pareto
from ftl.evaluation.runtimes import TITLES
from ftl.evaluation.warnings import warnings
from ftl.formatting import count, megabytes, milliseconds, percent

INK, MUTED, ACCENT, BASE_COLOUR, SECOND = "#1f2937", "#9ca3af", "#d9480f", "#1c7ed6", "#2b8a3e"

WARNING = "#dc2626"
PLAIN: dict[str, Any] = {"exponentformat": "none", "separatethousands": True}
"""Ticks of an axis without exponents."""


def shown_accuracy(candidate: Candidate) -> float:
    """Accuracy on the test set, or on the validation images where nothing was tested; 0..1."""
    return candidate.accuracy if candidate.test_accuracy is None else candidate.test_accuracy


def hover_text(candidate: Candidate, *more: str) -> str:
    """What is told of a candidate where the mouse points: its figures, and what is suspicious of it.

    `more`: lines behind its name, which may be empty.
    """
    lines = [
        f"<b>{escape(candidate.name)}</b>",
        *(escape(line) for line in more if line),
        f"test {percent(candidate.test_accuracy)}, validation {percent(candidate.accuracy)}",
        f"{milliseconds(candidate.time_ms)}, {megabytes(candidate.size_mb)}, {count(candidate.parameters)} parameters",
        *([escape(candidate.time_mark)] if candidate.unstable else []),
        *(f"⚠ {warning}" for warning in warnings(candidate)),
    ]
    return "<br>".join(lines)


def titled(title: str, x: str, y: str) -> go.Figure:
    """An empty chart with the titles of its axes, as all of a sweep look."""
    figure = go.Figure()
    figure.update_layout(
        title=title,
        xaxis_title=x,
        yaxis_title=y,
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "color": INK},
        legend={"orientation": "h", "y": -0.2},
        margin={"t": 60, "l": 60, "r": 60, "b": 60},
    )
    figure.update_xaxes(**PLAIN)
    figure.update_yaxes(**PLAIN)
    return figure


def accuracy_over_time(candidates: Sequence[Candidate], choice: Choice) -> go.Figure:
    """Test accuracy with its 95 % interval over latency with quartiles; the recommended large, off the front dimmed.

    What looks as if it did not work (`ftl.evaluation.warnings`) is ringed.
    """
    front = {one.name for one in choice.front.candidates}
    warned = [one for one in candidates if warnings(one)]
    groups: list[tuple[str, list[Candidate], str, int, str]] = [
        ("other candidates", [one for one in candidates if one.name not in front], MUTED, 9, "circle"),
        ("on the Pareto front (by validation)", [one for one in candidates if one.name in front], INK, 11, "circle"),
        ("unpruned network", [base_of(candidates)], BASE_COLOUR, 14, "square"),
        *([("knee", [choice.knee], SECOND, 18, "diamond-open")] if choice.knee else []),
        *([("recommended", [choice.pick], ACCENT, 20, "star")] if choice.pick else []),
        *([("with a warning", warned, WARNING, 20, "circle-open")] if warned else []),
    ]
    figure = titled("Accuracy over latency", "latency, one image [ms], log", "accuracy [%]")
    for name, members, colour, size, symbol in groups:
        accuracy = [100 * shown_accuracy(one) for one in members]
        highs = [
            100 * one.test_accuracy_high - a if one.test_accuracy_high else 0
            for one, a in zip(members, accuracy, strict=True)
        ]
        lows = [
            a - 100 * one.test_accuracy_low if one.test_accuracy_low else 0
            for one, a in zip(members, accuracy, strict=True)
        ]
        slow = [(one.time_q3_ms or one.time_ms) - one.time_ms for one in members]
        fast = [one.time_ms - (one.time_q1_ms or one.time_ms) for one in members]
        figure.add_scatter(
            x=[one.time_ms for one in members],
            y=accuracy,
            error_y={"array": highs, "arrayminus": lows, "thickness": 1},
            error_x={"array": slow, "arrayminus": fast, "thickness": 1},
            text=[one.name for one in members],
            customdata=[[hover_text(one)] for one in members],
            hovertemplate="%{customdata[0]}<extra></extra>",
            mode="markers",
            name=name,
            marker={"color": colour, "size": size, "symbol": symbol},
        )
    figure.update_xaxes(type="log")
    return figure


def accuracy_over_time_by_runtime(candidates: Sequence[Candidate], choice: Choice) -> go.Figure:
    """`accuracy_over_time`, with a button for each runtime that all candidates were timed in.

    The recommended network stays the same. `candidates` and `choice` are PyTorch's.
    """
    figure, buttons = accuracy_over_time(candidates, choice), []
    counts = [len(figure.data)]
    for runtime in runtimes_of(candidates)[1:]:
        there = in_runtime(candidates, runtime)
        named = {one.name: one for one in there}
        front = pareto(there)
        pick = choice.pick and named[choice.pick.name]
        drawn = accuracy_over_time(there, choice._replace(pick=pick, front=front, knee=front.knee()))
        figure.add_traces([trace.update(visible=False) for trace in drawn.data])
        counts.append(len(drawn.data))
    if len(counts) == 1:
        return figure
    for number, runtime in enumerate(runtimes_of(candidates)):
        visible = [which == number for which, count in enumerate(counts) for _ in range(count)]
        buttons.append({"label": TITLES[runtime], "method": "update", "args": [{"visible": visible}]})
    place = {"x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"}
    figure.update_layout(updatemenus=[{"type": "buttons", "direction": "right", "buttons": buttons, **place}])
    return figure


def kept_per_layer(candidates: Sequence[Candidate], layers: Sequence[str]) -> go.Figure:
    """The share of filters that each candidate keeps in each layer."""
    base = base_of(candidates)
    rows = [one for one in candidates if not one.is_base and one.channels]
    shares = [[100 * kept / all_ for kept, all_ in zip(one.channels, base.channels, strict=True)] for one in rows]
    counts = [[str(kept) for kept in one.channels] for one in rows]
    figure = titled("Filters kept per layer", "layer", "candidate")
    figure.add_heatmap(
        z=shares,
        x=[escape(layer) for layer in layers],  # they are named in a file of somebody's
        y=[one.name for one in rows],
        text=counts,
        texttemplate="%{text}",
        colorscale="Oranges",
        colorbar={"title": "kept [%]"},
        zmin=0,
        zmax=100,
    )
    return figure
