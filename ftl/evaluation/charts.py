"""Charts of a sweep's candidates: accuracy over latency, figures over what is left, filters kept in each layer.

Of each chart first come its numbers, as plain tuples, then the drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any, NamedTuple

import plotly.graph_objects as go

from ftl.evaluation.candidate import Candidate, unpruned_of, warnings
from ftl.evaluation.decision import Choice
from ftl.formatting import count, fixed, megabytes, milliseconds, percent
from ftl.models.layout import HEADS, LINEAR, RECALIBRATED, TUNED

INK, MUTED, ACCENT, UNPRUNED_COLOUR, SECOND = "#1f2937", "#9ca3af", "#d9480f", "#1c7ed6", "#2b8a3e"

WARNING = "#dc2626"
PLAIN: dict[str, Any] = {"exponentformat": "none", "separatethousands": True}
"""Ticks of an axis without exponents."""

SYMBOLS = {LINEAR: "circle", RECALIBRATED: "diamond", TUNED: "triangle-up"}
"""How each kind of candidate is drawn, in all charts."""

_DASHES = {LINEAR: "solid", RECALIBRATED: "dash", TUNED: "dot"}
WORDS = {LINEAR: "linear classifier", RECALIBRATED: "recalibrated", TUNED: "fine-tuned"}
"""What each kind of candidate is called."""


def shown_accuracy(candidate: Candidate) -> float:
    """Accuracy on the test set, or on the validation images where nothing was tested; 0..1."""
    return candidate.accuracy if candidate.test_accuracy is None else candidate.test_accuracy


def hover_text(candidate: Candidate, *more: str) -> str:
    """HTML that a candidate's point shows under the mouse: its figures, and what is suspicious of it.

    `more`: lines behind its name, which may be empty.
    """
    lines = [
        f"<b>{escape(candidate.name)}</b>",
        *(escape(line) for line in more if line),
        f"test {percent(candidate.test_accuracy)}, validation {percent(candidate.accuracy)}",
        f"{milliseconds(candidate.time_ms)}, {megabytes(candidate.size_mb)}, {count(candidate.parameters)} parameters",
        *([escape(candidate.latency_mark)] if candidate.unstable else []),
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


# Accuracy over latency.


class Points(NamedTuple):
    """Some candidates as columns: latency in ms, accuracy in per cent, and how far their intervals reach from these.

    `slower`, `faster`: to the quartiles of the latency. `above`, `below`: to the ends of the 95 % interval; 0 where the
    test set was not looked at. `title`: what the legend calls them.
    """

    title: str
    names: list[str]
    time_ms: list[float]
    slower: list[float]
    faster: list[float]
    accuracy: list[float]
    above: list[float]
    below: list[float]


def points(title: str, members: Sequence[Candidate]) -> Points:
    """Columns of candidates for the chart of accuracy over latency."""
    accuracy = [100 * shown_accuracy(member) for member in members]
    highs, lows = [member.test_accuracy_high for member in members], [member.test_accuracy_low for member in members]
    return Points(
        title=title,
        names=[member.name for member in members],
        time_ms=[member.time_ms for member in members],
        slower=[(member.time_q3_ms or member.time_ms) - member.time_ms for member in members],
        faster=[member.time_ms - (member.time_q1_ms or member.time_ms) for member in members],
        accuracy=accuracy,
        above=[100 * high - share if high else 0 for high, share in zip(highs, accuracy, strict=True)],
        below=[share - 100 * low if low else 0 for low, share in zip(lows, accuracy, strict=True)],
    )


def points_over_time(candidates: Sequence[Candidate], choice: Choice) -> list[Points]:
    """The points of accuracy over latency, those drawn on top last; a candidate may be in several groups."""
    front = {member.name for member in choice.front.candidates}
    warned = [candidate for candidate in candidates if warnings(candidate)]
    groups = {
        "other candidates": [candidate for candidate in candidates if candidate.name not in front],
        "on the Pareto front (by validation)": [candidate for candidate in candidates if candidate.name in front],
        "unpruned network": [unpruned_of(candidates)],
        **({"knee": [choice.knee]} if choice.knee else {}),
        **({"recommended": [choice.pick]} if choice.pick else {}),
        **({"with a warning": warned} if warned else {}),
    }
    return [points(title, members) for title, members in groups.items()]


# Figures over what is left, a line for each kind of candidate: kinds have nearly the same sizes, so that one line
# through all would jump up and down between them. Networks searched within a budget differ in shape, not only in size:
# they are points without a line.


class Series(NamedTuple):
    """Candidates of one kind as columns, by rising parameters; shares in per cent.

    `searched`: within a budget.
    """

    head: str
    searched: bool
    names: list[str]
    parameters_left: list[float]
    filters_left: list[float | None]
    accuracy: list[float]
    size_mb: list[float]
    time_ms: list[float]

    @property
    def kind(self) -> str:
        """What the legend calls them."""
        return WORDS[self.head] + (", within a budget" if self.searched else "")


def series(candidates: Sequence[Candidate]) -> list[Series]:
    """A series for each kind of pruned network that there is. Accuracy is the test set's if known."""
    unpruned, found = unpruned_of(candidates), []
    pruned = sorted((one for one in candidates if not one.is_unpruned), key=lambda one: one.parameters)
    for head, searched in ((head, searched) for searched in (False, True) for head in HEADS):
        if own := [one for one in pruned if (one.head, one.budget is not None) == (head, searched)]:
            found.append(
                Series(
                    head=head,
                    searched=searched,
                    names=[one.name for one in own],
                    parameters_left=[100 * one.parameters / unpruned.parameters for one in own],
                    filters_left=[filters_left(one, unpruned) for one in own],
                    accuracy=[100 * shown_accuracy(one) for one in own],
                    size_mb=[one.size_mb for one in own],
                    time_ms=[one.time_ms for one in own],
                )
            )
    return found


def filters_left(candidate: Candidate, unpruned: Candidate) -> float | None:
    """Filters kept over all layers, in per cent; where the table has no channels, the keep fraction."""
    if candidate.channels and unpruned.channels:
        return 100 * sum(candidate.channels) / sum(unpruned.channels)
    return None if candidate.keep is None else 100 * candidate.keep


Column = Callable[[Series], Sequence[float | None]]
"""A column of a series."""


def _left(data: Series) -> list[float]:
    return data.parameters_left


def _draw(
    figure: go.Figure,
    candidates: Sequence[Candidate],
    x: Column,
    y: Column,
    name: str,
    colour: str = INK,
    **more: Any,
) -> None:
    """A trace for each kind; `name`: what the legend calls them, to which the kind is added if there are several."""
    kinds = series(candidates)
    for data in kinds:
        figure.add_scatter(
            x=x(data),
            y=y(data),
            text=data.names,
            name=f"{name}, {data.kind}" if len(kinds) > 1 else name,
            line={"color": colour, "dash": _DASHES[data.head]},
            marker={"symbol": SYMBOLS[data.head] + ("-open" if data.searched else "")},
            mode="markers" if data.searched else "lines+markers",
            **more,
        )


def accuracy_over_parameters(candidates: Sequence[Candidate]) -> go.Figure:
    """Accuracy over the share of parameters left, the unpruned network's as a line across."""
    unpruned = 100 * shown_accuracy(unpruned_of(candidates))
    figure = titled("Accuracy of the pruned networks", "parameters left [%], log", "accuracy [%]")
    _draw(figure, candidates, _left, lambda data: data.accuracy, "pruned networks")
    note = f"unpruned network {fixed(unpruned, 1)} %"
    figure.add_hline(
        unpruned, line={"color": UNPRUNED_COLOUR}, annotation_text=note, annotation_position="bottom right"
    )
    figure.update_xaxes(type="log")
    return figure


def size_and_time(candidates: Sequence[Candidate]) -> go.Figure:
    """File size and latency over the share of parameters left."""
    figure = titled("Size and latency", "parameters left [%]", "size [MB]")
    _draw(figure, candidates, _left, lambda data: data.size_mb, "size")
    _draw(figure, candidates, _left, lambda data: data.time_ms, "latency", ACCENT, yaxis="y2")
    right = {"title": "latency [ms]", "overlaying": "y", "side": "right", "showgrid": False}
    figure.update_layout(yaxis2=right | PLAIN)
    return figure


def filters_and_parameters(candidates: Sequence[Candidate]) -> go.Figure:
    """The share of parameters left over the share of filters left."""
    figure = titled("Filters left and parameters left", "filters left [%]", "parameters left [%]")
    _draw(figure, candidates, lambda data: data.filters_left, _left, "pruned networks")
    return figure


def decision_scores(candidates: Sequence[Candidate], choice: Choice) -> go.Figure:
    """The decision score over the share of parameters left; a pruned network that is recommended is marked."""
    figure = titled("Decision score", "parameters left [%], log", "score")
    _draw(figure, candidates, _left, lambda data: [choice.scores[name] for name in data.names], "candidates")
    if choice.pick is not None and not choice.pick.is_unpruned:
        figure.add_scatter(
            x=[100 * choice.pick.parameters / unpruned_of(candidates).parameters],
            y=[choice.scores[choice.pick.name]],
            name="recommended",
            mode="markers",
            marker={"size": 18, "symbol": "star", "color": ACCENT},
        )
    figure.update_xaxes(type="log")
    return figure


# Filters kept in each layer.


class Kept(NamedTuple):
    """Filters that candidates keep: a row of `counts`, and of `shares` in per cent, for each of `names`."""

    names: list[str]
    counts: list[tuple[int, ...]]
    shares: list[list[float]]


def kept(candidates: Sequence[Candidate]) -> Kept:
    """The filters that the pruned networks keep in each layer, of those whose layers are known."""
    unpruned = unpruned_of(candidates)
    rows = [candidate for candidate in candidates if not candidate.is_unpruned and candidate.channels]
    return Kept(
        names=[row.name for row in rows],
        counts=[row.channels for row in rows],
        shares=[
            [100 * left / all_ for left, all_ in zip(row.channels, unpruned.channels, strict=True)] for row in rows
        ],
    )


def kept_per_layer(candidates: Sequence[Candidate], layers: Sequence[str]) -> go.Figure:
    """The share of filters that each candidate keeps in each layer."""
    data = kept(candidates)
    figure = titled("Filters kept per layer", "layer", "candidate")
    figure.add_heatmap(
        z=data.shares,
        x=[escape(layer) for layer in layers],  # they are named in a file of somebody's
        y=data.names,
        text=[[str(left) for left in row] for row in data.counts],
        texttemplate="%{text}",
        colorscale="Oranges",
        colorbar={"title": "kept [%]"},
        zmin=0,
        zmax=100,
    )
    return figure
