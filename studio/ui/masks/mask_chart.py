"""The chart on which a network that draws masks is chosen: quality over latency. First its numbers, then drawn."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import plotly.graph_objects as go

from ftl.evaluation.evaluate_masks import TOLERANCE
from ftl.evaluation.segmented_candidate import MaskQuality, Quality, SegmentedCandidate
from ftl.formatting import count, fixed, megabytes, milliseconds, percent
from studio.ui.chart_style import COLOURS, PICK, page_colours, style, write_names
from studio.ui.choose.read_sweep import Network
from studio.ui.masks.mask_sweep import MaskSweep

MEASURES = {
    "F1": "f1",
    "IoU": "iou",
    f"F1 within {TOLERANCE} pixels": "tolerant_f1",
    "clDice": "cl_dice",
    "Average precision": "average_precision",
}
"""What the chart can show, and the figure of a `MaskQuality` that it is."""

MEANINGS = {
    "F1": "is the harmonic mean of two shares: drawn pixels that are right, and true pixels that are found. It is high "
    "only where both are.",
    "IoU": "is, of all pixels that are drawn or true, the share that are both drawn and true. It is lower than F1 of "
    "the same masks.",
    f"F1 within {TOLERANCE} pixels": f"is F1 that takes a pixel as right where it is at most {TOLERANCE} pixels off.",
    "clDice": "is the harmonic mean of two shares: how much of each mask's centre line lies in the other. Gaps in a "
    "crack lower it, a wrong width hardly does.",
    "Average precision": "is the share of drawn pixels that are right, averaged over all thresholds: it tells how well "
    "a network sorts pixels, whatever threshold was chosen.",
}
"""What each of them says in pixels: a sentence, less its first words."""


def quality_of(quality: MaskQuality, figure: str) -> Quality:
    """A figure with its interval, which is the figure itself where none was computed."""
    value = getattr(quality, figure)
    return value if isinstance(value, Quality) else Quality(value, value, value)


class MaskPoints(NamedTuple):
    """Some networks of a sweep as columns: ms for a megapixel, quality in per cent, and how far their intervals reach.

    `keys`: `Network.key` of each. `slower`, `faster`: to the quartiles of the latency. `above`, `below`: to the ends
    of the 95 % interval. `title`: what the legend calls them.
    """

    title: str
    keys: list[str]
    names: list[str]
    time_ms: list[float]
    slower: list[float]
    faster: list[float]
    quality: list[float]
    above: list[float]
    below: list[float]
    hover_texts: list[str]


def mask_points(sweep: MaskSweep, figure: str, *, tested: bool) -> list[MaskPoints]:
    """The points of a sweep, those drawn on top last: each network is in one group."""
    groups = {
        "pruned networks": [one for one in sweep.candidates if not one.is_unpruned and one is not sweep.recommended],
        "unpruned network": [one for one in sweep.candidates if one.is_unpruned and one is not sweep.recommended],
        "recommended": [sweep.recommended],
    }
    return [_points(title, sweep, members, figure, tested=tested) for title, members in groups.items() if members]


def _points(
    title: str, sweep: MaskSweep, members: Sequence[SegmentedCandidate], figure: str, *, tested: bool
) -> MaskPoints:
    found = [quality_of(member.test if tested else member.validation, figure) for member in members]
    return MaskPoints(
        title=title,
        keys=[Network(sweep.job_id, member.name).key for member in members],
        names=[member.name for member in members],
        time_ms=[member.time_ms for member in members],
        slower=[max(0.0, member.time_q3_ms - member.time_ms) for member in members],
        faster=[max(0.0, member.time_ms - member.time_q1_ms) for member in members],
        quality=[100 * quality.value for quality in found],
        above=[100 * (quality.high - quality.value) for quality in found],
        below=[100 * (quality.value - quality.low) for quality in found],
        hover_texts=[_hover_text(sweep, member) for member in members],
    )


def _hover_text(sweep: MaskSweep, member: SegmentedCandidate) -> str:
    def interval(quality: Quality) -> str:
        return f"{percent(quality.value)} ({fixed(100 * quality.low, 1)} to {fixed(100 * quality.high, 1)})"

    lines = [
        f"<b>{escape(member.name)}</b>",
        escape(sweep.name),
        escape(sweep.standing(member)),
        f"F1 test {interval(member.test.f1)}, validation {interval(member.validation.f1)}",
        f"{milliseconds(member.time_ms)} a megapixel, {megabytes(member.size_mb)}, {count(member.parameters)} "
        "parameters",
        *([f"⚠ {escape(member.latency_mark)}"] if member.unstable else []),
    ]
    return "<br>".join(lines)


def mask_chart(sweeps: Sequence[MaskSweep], measure: str, *, tested: bool, log: bool, dark: bool = False) -> go.Figure:
    """A measure over latency, with 95 % intervals and quartiles; a colour a sweep, the recommended networks as stars.

    Each point's `customdata[0]` is its `Network.key`.
    """
    ink, _, paper = page_colours(dark=dark)
    figure, named = go.Figure(), set[str]()
    for sweep, colour in zip(sweeps, COLOURS * len(sweeps), strict=False):
        markers: dict[str, dict[str, Any]] = {
            "pruned networks": {"symbol": "circle", "size": 11, "color": colour},
            "unpruned network": {"symbol": "square", "size": 13, "color": ink},
            "recommended": {"symbol": "star", "size": 24, "color": PICK},
        }
        for group in mask_points(sweep, MEASURES[measure], tested=tested):
            marker = markers[group.title] | {"opacity": 1.0, "line": {"color": paper, "width": 1.5}}
            bars = {"thickness": 1.2, "width": 3, "color": marker["color"]}
            drawn = {key: marker[key] for key in ("opacity", "size")}
            several = len(sweeps) > 1 and group.title == "pruned networks"
            name = escape(sweep.name) if several else group.title
            figure.add_scatter(
                x=group.time_ms,
                y=group.quality,
                error_x=bars | {"array": group.slower, "arrayminus": group.faster},
                error_y=bars | {"array": group.above, "arrayminus": group.below, "visible": any(group.above)},
                customdata=[list(texts) for texts in zip(group.keys, group.names, group.hover_texts, strict=True)],
                hovertemplate="%{customdata[2]}<extra></extra>",
                mode="markers",
                text=_texts(group),
                name=name,
                showlegend=name not in named,
                marker=marker,
                selected={"marker": drawn | {"size": marker["size"] + 6}},
                unselected={"marker": drawn},
            )
            named.add(name)
    side = "test" if tested else "validation"
    write_names(figure, log=log, dark=dark)
    style(figure, "latency, one megapixel [ms]", f"{measure}, {side} photographs [%]", log=log, dark=dark)
    return figure


def _texts(group: MaskPoints) -> list[str] | None:
    """What is written beside the points of a group."""
    if group.title == "recommended":
        return [f"<b>{escape(name)}</b>" for name in group.names]
    return ["unpruned"] * len(group.names) if group.title == "unpruned network" else None
