"""What one candidate does: its confusion matrix, the photographs it gets wrong, what is left of each layer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import plotly.graph_objects as go

from ftl.evaluation.candidate import Candidate
from ftl.evaluation.runtimes import FIGURES, PYTORCH
from ftl.files import read_json
from ftl.models.layout import TEST
from studio.store.files import small
from studio.store.home import scratch


class Answer(NamedTuple):
    """What a candidate said of a test photograph; `probability` 0..1 is that of `predicted`."""

    file: Path
    true: str
    predicted: str
    probability: float

    @property
    def name(self) -> str:
        """The photograph's name, as it is shown."""
        return own_name(self.file)


def own_name(file: Path) -> str:
    """A photograph's name, without the number that a studio's sweep puts in front."""
    return re.sub(r"^\d+_(?=.)", "", file.name)


class Mistakes(NamedTuple):
    """The test photographs that a network got wrong, the most confident first; `runtime`: the one it is wrong in."""

    answers: list[Answer]
    runtime: str


def mistakes(folder: Path, runtime: str = PYTORCH) -> Mistakes:
    """What a network's folder got wrong in a runtime of `ftl.evaluation.runtimes`.

    ONNX Runtime says in float32 what PyTorch does, which must also stand in where no answers of a runtime were kept.
    """
    own = folder / FIGURES.get(runtime, TEST)
    there = read_json(own).get("test") if own.is_file() and runtime != PYTORCH else None
    answers = [
        Answer(Path(one["file"]), one["true"], one["predicted"], one["probability"])
        for one in (read_json(folder / TEST) if there is None else there)["predictions"]
        if one["true"] != one["predicted"]
    ]
    answers.sort(key=lambda one: (-one.probability, str(one.file)))
    return Mistakes(answers, PYTORCH if there is None else runtime)


def within(workspace: Path, file: Path) -> bool:
    """Whether a file is there and lies in a job's own folder, so that it may be shown."""
    return file.resolve().is_relative_to(workspace.resolve()) and file.is_file()


def thumbnail(file: Path, side: int) -> bytes:
    """A photograph at most `side` pixels long, as JPEG. Raises `FtlError` when it is no image."""
    with scratch() as folder:
        small(file, Path(folder) / "shown.jpg", side)
        return (Path(folder) / "shown.jpg").read_bytes()


def confusion_chart(counts: Sequence[Sequence[int]], classes: Sequence[str], dark: bool = False) -> go.Figure:
    """Test photographs by true class (rows) and answer (columns), shaded by the share of the row."""
    shares = [[count / max(1, sum(row)) for count in row] for row in counts]
    texts = [[f"{count}<br>{count / max(1, sum(row)):.1%}" for count in row] for row in counts]
    figure = go.Figure()
    figure.add_heatmap(
        z=shares,
        x=[f"called<br>{escape(name)}" for name in classes],
        y=[f"is {escape(name)}" for name in classes],
        text=texts,
        texttemplate="%{text}",
        textfont={"size": 15},
        hovertemplate="%{y}, %{x}: %{text}<extra></extra>",
        colorscale=[[0, "#2a211b" if dark else "#fdf3ec"], [1, "#c2410c" if dark else "#ef7234"]],
        showscale=False,
        zmin=0,
        zmax=1,
        xgap=3,
        ygap=3,
    )
    figure.update_layout(height=250, margin={"t": 8, "l": 8, "r": 8, "b": 8}, paper_bgcolor="rgba(0,0,0,0)",
                         plot_bgcolor="rgba(0,0,0,0)", dragmode=False)  # fmt: skip
    figure.update_xaxes(showgrid=False, tickfont={"size": 13}, tickangle=0)
    figure.update_yaxes(autorange="reversed", showgrid=False, tickfont={"size": 13})
    return figure


def layers_chart(one: Candidate, unpruned: Candidate, layers: Sequence[str]) -> go.Figure:
    """Filters kept in each layer, before the grey of all that the unpruned network has."""
    names = [f"{number}" for number in range(1, len(layers) + 1)]
    hover = "layer %{x} (%{customdata}): %{y} filters<extra>%{fullData.name}</extra>"
    common: dict[str, Any] = {"x": names, "customdata": [escape(layer) for layer in layers], "hovertemplate": hover}
    figure = go.Figure()
    figure.add_bar(y=list(unpruned.channels), name="unpruned", marker_color="rgba(120,113,108,.3)", **common)
    figure.add_bar(y=list(one.channels), name="kept", marker_color="#ea580c", text=list(one.channels),
                   textposition="outside", cliponaxis=False, **common)  # fmt: skip
    figure.update_layout(barmode="overlay", height=250, margin={"t": 8, "l": 8, "r": 8, "b": 8}, showlegend=False,
                         paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", dragmode=False)  # fmt: skip
    figure.update_xaxes(title="layer", showgrid=False, type="category")
    figure.update_yaxes(title="filters", gridcolor="rgba(120,113,108,.2)")
    return figure
