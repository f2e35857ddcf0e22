"""What is left of each layer of a pruned network: first as plain tuples, then as a chart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ftl.errors import FtlError
from ftl.evaluation.charts import ACCENT
from ftl.formatting import percent
from ftl.models.backbone import macs_by_layer
from ftl.models.layout import UNPRUNED
from ftl.models.network_folder import read_description

REMOVED = "rgba(148,144,138,.5)"
_NAMED = 16
"""Of more layers the numbers show only under the mouse: they would overlap."""

_WIDE = 0.86
"""A layer's share of its column."""

_STEPS = 96
"""No more filters of a layer are drawn, evenly taken from all: they would be finer than a pixel."""


class LayerLeft(NamedTuple):
    """What is left of one convolution of the unpruned network.

    `kept`: numbers of the filters that stayed, rising, of its `filters`. `scores`: by group of photographs, the score
    of each of those; none of the unpruned network, where nothing was ranked. `macs` of `unpruned_macs`: MACs for
    one image.
    """

    name: str
    kept: tuple[int, ...]
    filters: int
    scores: dict[str, tuple[float, ...]]
    macs: int
    unpruned_macs: int


def read_layers(folder: str | Path) -> list[LayerLeft]:
    """The layers of a network's folder in a sweep, beside those of the unpruned network. Reads no weights.

    Raises `FtlError` when the description of either is missing or damaged.
    """
    folder = Path(folder)
    here, base = read_description(folder), read_description(folder.parent / UNPRUNED)
    try:
        now, before = (macs_by_layer(one["architecture"], one["preprocess"]["size"]) for one in (here, base))
        return [
            LayerLeft(
                name=own["name"],
                kept=tuple(own["kept"]),
                filters=len(unpruned["kept"]),
                scores={
                    group: tuple(scores)
                    for group, scores in own.get("scores_by_group", {"": own["scores"]}).items()
                    if scores
                },
                macs=sum(now[name] for name in own.get("members", [own["name"]])),
                unpruned_macs=sum(before[name] for name in own.get("members", [own["name"]])),
            )
            for own, unpruned in zip(here["layers"], _unpruned(here["layers"], base["layers"]), strict=True)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise FtlError(
            f"{folder} and the unpruned network beside it do not describe the same layers ({error!r})"
        ) from error


def _unpruned(layers: list[dict[str, Any]], base: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The unpruned network's entries of the layers that were chosen; it has one for every convolution."""
    by_name = {layer["name"]: layer for layer in base}
    return [by_name[layer["name"]] for layer in layers]


class Profile(NamedTuple):
    """Scores of a layer's filters, the highest first: of those that were kept and of those that were removed."""

    kept: tuple[float, ...]
    removed: tuple[float, ...]


def profiles(layers: Sequence[LayerLeft], group: str) -> list[Profile]:
    """The layers' filters in order of their score for a group of photographs."""
    found = []
    for layer in layers:
        kept = set(layer.kept)
        sides: tuple[list[float], list[float]] = [], []
        for number, score in enumerate(layer.scores[group]):
            sides[number not in kept].append(score)
        found.append(Profile(*(tuple(sorted(side, reverse=True)) for side in sides)))
    return found


def layers_chart(layers: Sequence[LayerLeft], group: str | None = None) -> go.Figure:
    """Filters and multiply-accumulates of each layer, and every filter as high as its score for a group of photographs.

    What was kept is coloured, what was removed is grey. Without a group, as for the unpruned network, whose filters
    have no scores, the third part is left out.
    """
    titles = ["filters", "MACs of one image, millions"] + ["score of each filter"] * (group is not None)
    figure = make_subplots(
        len(titles), 1, shared_xaxes=True, subplot_titles=titles, vertical_spacing=0.1,
        row_heights=[0.27, 0.27, 0.46][: len(titles)],
    )  # fmt: skip
    figure.update_annotations(x=0, xanchor="left", font_size=14)
    kept, filters = [len(layer.kept) for layer in layers], [layer.filters for layer in layers]
    shares = [_percent(layer.macs / layer.unpruned_macs) for layer in layers]
    hover_texts = [
        [escape(layer.name), f"{count} of {all_} filters kept", f"{share} of the MACs left"]
        for layer, count, all_, share in zip(layers, kept, filters, shares, strict=True)
    ]
    for row, (unpruned, left, texts) in enumerate(
        [
            (filters, kept, [f"{count} of {all_}" for count, all_ in zip(kept, filters, strict=True)]),
            ([layer.unpruned_macs / 1e6 for layer in layers], [layer.macs / 1e6 for layer in layers], shares),
        ],
        1,
    ):
        for name, colour, values in (("removed", REMOVED, unpruned), ("kept", ACCENT, left)):
            label: dict[str, Any] = {"text": texts, "textposition": "outside", "cliponaxis": False, "textangle": 0}
            figure.add_bar(
                x=list(range(1, len(layers) + 1)),
                y=values,
                name=name,
                marker={"color": colour, "line_width": 0},
                width=_WIDE,
                showlegend=row == 1,
                customdata=hover_texts,
                hovertemplate="layer %{x} (%{customdata[0]})<br>%{customdata[1]}<br>%{customdata[2]}<extra></extra>",
                row=row,
                col=1,
                **(label if name == "kept" and len(layers) <= _NAMED else {}),
            )
    if group is not None:
        for name, colour, (x, y) in zip(
            ("kept", "removed"), (ACCENT, REMOVED), _outlines(profiles(layers, group)), strict=True
        ):
            figure.add_scatter(x=x, y=y, name=name, mode="lines", fill="toself", fillcolor=colour, showlegend=False,
                               line={"color": colour, "width": 0.5}, hoverinfo="skip", row=3, col=1)  # fmt: skip
    figure.update_layout(
        template="plotly_white",
        barmode="overlay",
        height=210 * len(titles) + 10,
        margin={"t": 56, "l": 56, "r": 12, "b": 48},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.04, "yanchor": "bottom"},
        legend_traceorder="reversed",
    )  # fmt: skip
    figure.update_xaxes(showgrid=False, range=[0.4, len(layers) + 0.6], zeroline=False)
    if len(layers) <= _NAMED:
        figure.update_xaxes(tickvals=list(range(1, len(layers) + 1)))
    figure.update_xaxes(title="layer, from the photograph to the answer", row=len(titles), col=1)
    figure.update_yaxes(rangemode="tozero", zeroline=False, nticks=5)
    return figure


def _percent(share: float) -> str:
    """A share 0..1, short enough to stand on a bar: 0.9 %, 9 %, 25 %."""
    decimals = 0 if share >= 0.0095 or not share else min(6, -math.floor(math.log10(100 * share)))
    return percent(share, max(0, decimals))


def _outlines(rows: Sequence[Profile]) -> list[tuple[list[float | None], list[float | None]]]:
    """Two shapes, x and y: the filters of each layer, kept and then removed, side by side and as high as scored."""
    shapes: list[tuple[list[float | None], list[float | None]]] = [([], []), ([], [])]
    for number, row in enumerate(rows, 1):
        start, step = number - _WIDE / 2, _WIDE / (len(row.kept) + len(row.removed))
        for (x, y), scores in zip(shapes, row, strict=True):
            if not scores:
                continue
            ranks = np.unique(np.linspace(0, len(scores) - 1, _STEPS).round().astype(int))
            ends = [*ranks[1:], len(scores)]
            x += [start, *(start + step * place for both in zip(ranks, ends, strict=True) for place in both),
                  start + step * len(scores), None]  # fmt: skip
            y += [0, *(scores[rank] for rank in ranks for _ in range(2)), 0, None]
            start += step * len(scores)
    return shapes
