"""Settings of candidates and what comes of them on parallel axes: first their numbers, then the drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import plotly.graph_objects as go

from ftl.evaluation.candidate import Candidate, unpruned_of
from ftl.evaluation.charts import ACCENT, MUTED, UNPRUNED_COLOUR, WORDS, filters_left, shown_accuracy, titled
from ftl.evaluation.decision import Choice
from ftl.formatting import number

STANDINGS = ("dominated", "on the Pareto front", "recommended")
"""How a line of `parallel_coordinates` is drawn, by its candidate's `Lines.standings`."""


class Lines(NamedTuple):
    """Candidates as columns, those drawn on top last: what they were made by, and what they came to.

    `keep`: in per cent; of the unpruned network 100, of one that was searched within a budget its share of filters.
    `macs`: millions, None where one is not known. `standings`: of `STANDINGS`.
    """

    names: list[str]
    criterion: list[str]
    head: list[str]
    keep: list[float]
    macs: list[float | None]
    time_ms: list[float]
    accuracy: list[float]
    standings: list[str]


def lines(swept: Sequence[tuple[str, Sequence[Candidate], Choice]]) -> Lines:
    """The lines of sweeps, each with its criterion and what is recommended of it. Accuracy is the test set's if known.

    Left out are candidates of which neither keep fraction nor channels are known.
    """
    found: list[tuple[int, str, Candidate, float]] = []
    for criterion, candidates, choice in swept:
        unpruned, front = unpruned_of(candidates), {member.name for member in choice.front.candidates}
        for candidate in candidates:
            kept_share = 100 * candidate.keep if candidate.keep is not None else filters_left(candidate, unpruned)
            kept_share = 100.0 if candidate.is_unpruned else kept_share
            if kept_share is not None:
                standing = 2 if candidate is choice.pick else int(candidate.name in front)
                found.append((standing, "none" if candidate.is_unpruned else criterion, candidate, kept_share))
    found.sort(key=lambda line: line[0])
    members = [candidate for _, _, candidate, _ in found]
    return Lines(
        names=[member.name for member in members],
        criterion=[criterion for _, criterion, _, _ in found],
        head=[WORDS[member.head] for member in members],
        keep=[kept_share for *_, kept_share in found],
        macs=[None if member.macs is None else member.macs / 1e6 for member in members],
        time_ms=[member.time_ms for member in members],
        accuracy=[100 * shown_accuracy(member) for member in members],
        standings=[STANDINGS[standing] for standing, *_ in found],
    )


class ParallelAxis(NamedTuple):
    """One of several parallel axes: where each line crosses it, 0..1, and what stands at which places."""

    title: str
    places: list[float]
    ticks: dict[float, str]


def axes_of(data: Lines) -> list[ParallelAxis]:
    """The axes on which lines differ; left out are those on which all are the same, or one is not known."""
    found = [
        _categories("criterion", data.criterion),
        _categories("head", data.head),
        _numbers("keep [%]", data.keep, log=True),
        _numbers("MACs, millions", data.macs, log=True),
        _numbers("latency [ms]", data.time_ms, log=True),
        _numbers("accuracy [%]", data.accuracy, log=False),
    ]
    return [axis for axis in found if axis is not None]


def parallel_coordinates(data: Lines, colours: Sequence[str] = (MUTED, UNPRUNED_COLOUR, ACCENT)) -> go.Figure:
    """Settings and figures of candidates on parallel axes. `colours`: of the lines, as `STANDINGS`.

    Drawn of ordinary lines: Plotly's own parallel coordinates compile code, which the policy of the studio's pages
    forbids, and show nothing where there is no WebGL.
    """
    figure, axes = titled("Settings and figures", "", ""), axes_of(data)
    strokes: tuple[dict[str, Any], ...] = ({"width": 1, "dash": "dot"}, {"width": 2}, {"width": 4})
    for row, (name, standing) in enumerate(zip(data.names, data.standings, strict=True)):
        at = STANDINGS.index(standing)
        figure.add_scatter(
            x=list(range(len(axes))),
            y=[axis.places[row] for axis in axes],
            mode="lines+markers",
            line=strokes[at] | {"color": colours[at]},
            marker={"symbol": ("circle-open", "circle", "star")[at], "size": (5, 7, 13)[at]},
            name=standing,
            showlegend=standing not in data.standings[:row],
            hovertemplate=f"<b>{escape(name)}</b><br>{standing}<extra></extra>",
        )
    for column, axis in enumerate(axes):
        figure.add_scatter(
            x=[column] * len(axis.ticks),
            y=list(axis.ticks),
            text=[f"{escape(text)}  " for text in axis.ticks.values()],
            mode="text",
            textposition="middle left",
            hoverinfo="skip",
            showlegend=False,
        )
    titles = [axis.title for axis in axes]
    figure.update_xaxes(tickvals=list(range(len(axes))), ticktext=titles, side="top", range=[-0.6, len(axes) - 0.7])
    figure.update_yaxes(visible=False)
    return figure


def _categories(title: str, values: Sequence[str]) -> ParallelAxis | None:
    names = sorted({*values})
    if len(names) < 2:
        return None
    places = {name: at / (len(names) - 1) for at, name in enumerate(names)}
    return ParallelAxis(title, [places[value] for value in values], {place: name for name, place in places.items()})


def _numbers(title: str, values: Sequence[float | None], *, log: bool) -> ParallelAxis | None:
    known = [value for value in values if value]
    if len(known) < len(values) or len({*known}) < 2:
        return None
    scale = math.log if log else float
    low, high = scale(min(known)), scale(max(known))
    ends = min(known), max(known)
    middle = math.exp((low + high) / 2) if log else (low + high) / 2
    places = [(scale(value) - low) / (high - low) for value in known]
    return ParallelAxis(title, places, {0.0: number(ends[0]), 0.5: number(middle), 1.0: number(ends[1])})
