"""Charts over what is left of a network, a line for each kind of candidate: first the numbers as columns, then drawn.

Candidates of several kinds have nearly the same sizes, so that one line through all would jump up and down between
them. Those searched within a budget differ in shape, not only in size: they are points without a line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from ftl.evaluation.candidate import Candidate, base_of
from ftl.evaluation.charts import ACCENT, BASE_COLOUR, INK, PLAIN, shown_accuracy, titled
from ftl.evaluation.decision import Choice
from ftl.formatting import fixed
from ftl.models.layout import HEADS, LINEAR, RECALIBRATED, TUNED

SYMBOLS = {LINEAR: "circle", RECALIBRATED: "diamond", TUNED: "triangle-up"}
"""How candidates are told apart by their kind, in all charts."""

_DASHES = {LINEAR: "solid", RECALIBRATED: "dash", TUNED: "dot"}
_WORDS = {LINEAR: "linear classifier", RECALIBRATED: "recalibrated", TUNED: "fine-tuned"}


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
        return _WORDS[self.head] + (", within a budget" if self.searched else "")


def series(candidates: Sequence[Candidate]) -> list[Series]:
    """Columns for the charts, for each kind that there is; without the base. Accuracy is the test set's if known."""
    base, found = base_of(candidates), []
    for head, searched in ((head, searched) for searched in (False, True) for head in HEADS):
        own = [one for one in candidates if (one.head, one.budget is not None) == (head, searched) and not one.is_base]
        own.sort(key=lambda one: one.parameters)
        if own:
            found.append(
                Series(
                    head=head,
                    searched=searched,
                    names=[one.name for one in own],
                    parameters_left=[100 * one.parameters / base.parameters for one in own],
                    filters_left=[_filters_left(one, base) for one in own],
                    accuracy=[100 * shown_accuracy(one) for one in own],
                    size_mb=[one.size_mb for one in own],
                    time_ms=[one.time_ms for one in own],
                )
            )
    return found


def _filters_left(candidate: Candidate, base: Candidate) -> float | None:
    """Filters kept over all layers, in per cent; where the table has no channels, the keep fraction."""
    if candidate.channels and base.channels:
        return 100 * sum(candidate.channels) / sum(base.channels)
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
    """Accuracy over the share of parameters left, the base as a line."""
    base = 100 * shown_accuracy(base_of(candidates))
    figure = titled("Accuracy of the pruned networks", "parameters left [%], log", "accuracy [%]")
    _draw(figure, candidates, _left, lambda data: data.accuracy, "pruned networks")
    told = f"unpruned network {fixed(base, 1)} %"
    figure.add_hline(base, line={"color": BASE_COLOUR}, annotation_text=told, annotation_position="bottom right")
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
    """How the parameters shrink with the filters."""
    figure = titled("Filters left and parameters left", "filters left [%]", "parameters left [%]")
    _draw(figure, candidates, lambda data: data.filters_left, _left, "pruned networks")
    return figure


def decision_scores(candidates: Sequence[Candidate], choice: Choice) -> go.Figure:
    """The decision score over the share of parameters left; a pruned network that is recommended is marked."""
    figure = titled("Decision score", "parameters left [%], log", "score")
    _draw(figure, candidates, _left, lambda data: [choice.scores[name] for name in data.names], "candidates")
    if choice.pick is not None and not choice.pick.is_base:
        figure.add_scatter(
            x=[100 * choice.pick.parameters / base_of(candidates).parameters],
            y=[choice.scores[choice.pick.name]],
            name="recommended",
            mode="markers",
            marker={"size": 18, "symbol": "star", "color": ACCENT},
        )
    figure.update_xaxes(type="log")
    return figure
