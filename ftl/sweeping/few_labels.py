"""Criteria side by side with few labelled photographs: the same photographs for each, at equal MACs, with intervals."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ftl.data.dataset import Dataset, folds, photo_ids
from ftl.data.photographs import photographs_of
from ftl.errors import FtlError
from ftl.evaluation.charts import PLAIN, titled
from ftl.files import read_json, versions, write_json, write_text
from ftl.formatting import exact, exact_percent, fixed
from ftl.models.backbone import Backbone
from ftl.models.features import features_of
from ftl.models.layout import LINEAR
from ftl.progress import Report, silent
from ftl.sweeping.criteria_study import Sets, Ways, interval, masks_to_learn
from ftl.sweeping.manifest import backbone_digest
from ftl.tables import csv_text
from ftl.training.finetune import fine_tune
from ftl.training.linear_head import fit_head
from ftl.training.train import answers_of

_STOPPING = 5
"""The inverse of the share of the labelled photographs whose loss says which epoch of a fine-tuning to keep."""

LEAST_LABELS = 5
"""Photographs a class at least: each of the four folds that choose the penalty needs some of either part."""


class Row(NamedTuple):
    """The test accuracies (0..1) of all seeds."""

    head: str
    share: float
    criterion: str
    labels: int
    accuracies: tuple[float, ...]


def labelled(dataset: Dataset, count: int, seed: int, photo: str | None) -> np.ndarray:
    """Indices of `count` images of each class, drawn with a seed; those of a smaller count are among them.

    They are of as many photos as there are: a second crop of one is drawn only once all others have one. Raises
    `FtlError` where a class has fewer images.
    """
    if (fewest := min(Counter(dataset.labels.tolist()).values())) < count:
        raise FtlError(f"{count} labels a class are asked for, but a class has {fewest} photographs")
    photos, order = photo_ids(dataset.paths, photo), np.random.default_rng(seed).permutation(len(dataset))
    turns, seen = dict[int, int](), Counter[tuple[int, str]]()
    for index in order.tolist():
        own = int(dataset.labels[index]), photos[index]
        turns[index] = seen[own]
        seen[own] += 1
    by_turn = sorted(order.tolist(), key=turns.__getitem__)
    return np.array(
        [[i for i in by_turn if dataset.labels[i] == label][:count] for label in range(len(dataset.classes))]
    ).ravel()


def study(
    ways: Ways,
    sets: Sets,
    *,
    heads: Sequence[str],
    shares: Sequence[float],
    labels: Sequence[int],
    seeds: int,
    file: Path,
    made_from: dict[str, Any],
    report: Report = silent,
) -> list[Row]:
    """Train heads on few labels, on networks pruned in several ways to shares of the MACs, and test each.

    With a seed, every way gets the same photographs of `sets.learn`, of which a criterion may see the labels, and is
    tested on all of `sets.judge`. No label is held out: four folds of the drawn ones choose a linear head's penalty,
    and a fifth of them say which epoch of a fine-tuning is kept. What is measured is kept in `file` one by one, so that
    a study that was cut off goes on. Raises `FtlError` for too few labels or photographs, and when the file is of
    another study.
    """
    if min(labels) < LEAST_LABELS:
        raise FtlError(f"at least {LEAST_LABELS} labels a class are needed, not {min(labels)}")
    labelled(sets.learn, max(labels), 0, sets.photo)
    made_from = json.loads(json.dumps(made_from))
    before = read_json(file) if file.is_file() else {"made_from": made_from, "accuracies": {}}
    if before.get("made_from") != made_from:
        raise FtlError(f"{file} holds another comparison: choose another file, or remove it")
    done: dict[str, float] = before["accuracies"]
    total, features = len(heads) * len(shares) * len(ways) * seeds * len(labels), _Features(sets)
    for head, share, name, seed, count in itertools.product(heads, shares, ways, range(seeds), labels):
        key = _key(head, share, name, count, seed)
        if key in done:
            continue
        report(len(done), total, f"{name} at {exact_percent(share)}, {count} labels, {head}")
        chosen = labelled(sets.learn, count, seed, sets.photo)
        learn = sets.learn.take(chosen)
        (network,) = ways[name]([share], seed, learn)
        if head == LINEAR:
            done[key] = _with_linear_head(features, network, chosen, seed, sets)
        else:
            done[key] = _fine_tuned(network, learn, seed, sets)
        more = {"left_out": sets.left_out._asdict(), "versions": versions()}
        write_json(file, {"made_from": made_from, "accuracies": done} | more)
    return [
        Row(head, share, name, count, tuple(done[_key(head, share, name, count, seed)] for seed in range(seeds)))
        for head, share, name, count in itertools.product(heads, shares, ways, labels)
    ]


def _key(head: str, share: float, criterion: str, labels: int, seed: int) -> str:
    return f"{head} {criterion} {exact(share)} {labels} {seed}"


class _Features:
    """Features of the network asked about last, each computed once."""

    def __init__(self, sets: Sets) -> None:
        self._sets, self._network = sets, ""
        self._rows = dict[tuple[str, int], np.ndarray]()

    def of(self, network: Backbone, side: Literal["learn", "judge"], indices: np.ndarray) -> np.ndarray:
        """Of images to learn from or to judge on, float32 (n, d)."""
        if (own := backbone_digest(network)) != self._network:
            self._network, self._rows = own, {}
        missing = [index for index in indices.tolist() if (side, index) not in self._rows]
        paths = getattr(self._sets, side).paths
        batches = features_of(network, [paths[index] for index in missing])
        found = itertools.chain.from_iterable(batches)
        self._rows |= {(side, index): row for index, row in zip(missing, found, strict=True)}
        return np.stack([self._rows[side, index] for index in indices.tolist()])


def _with_linear_head(features: _Features, network: Backbone, chosen: np.ndarray, seed: int, sets: Sets) -> float:
    learn, judge = sets.learn.take(chosen), sets.judge
    inner = folds(learn.labels, photo_ids(learn.paths, sets.photo), seed)
    head = fit_head(features.of(network, "learn", chosen), learn.labels, learn.classes, inner)
    answers = head.probabilities(features.of(network, "judge", np.arange(len(judge))))
    return float(np.mean(answers.argmax(1) == judge.labels))


def _fine_tuned(network: Backbone, learn: Dataset, seed: int, sets: Sets) -> float:
    train, stop = folds(learn.labels, photo_ids(learn.paths, sets.photo), seed, _STOPPING)[0]
    seen, unseen = (photographs_of(each.paths, network.preprocess.size) for each in (learn, sets.judge))
    tuned = fine_tune(
        network, seen, learn.labels, learn.classes, train, stop, config=sets.fine_tune, seed=seed,
        masks=masks_to_learn(network, learn, sets),
    )  # fmt: skip
    predicted = answers_of(tuned.network, tuned.head, unseen, np.arange(len(sets.judge))).argmax(1)
    return float(np.mean(predicted == sets.judge.labels))


class Gain(NamedTuple):
    """A row's mean accuracy, and what it gains on another criterion with the same photographs, in per cent.

    `reach`, `gain_reach`: half the width of Student's 95 % interval.
    """

    accuracy: float
    reach: float
    gain: float
    gain_reach: float


def gain(row: Row, rows: Sequence[Row], against: str) -> Gain:
    """What a row is worth, and what it gains seed by seed."""
    other = next(one for one in rows if one[:4] == (row.head, row.share, against, row.labels))
    pairs = zip(row.accuracies, other.accuracies, strict=True)
    return Gain(*interval([100 * one for one in row.accuracies]), *interval([100 * (a - b) for a, b in pairs]))


def table(rows: Sequence[Row], against: str) -> str:
    """For each head and share: accuracies in per cent by criterion and labels, with the gain on `against`."""
    lines = list[str]()
    for (head, share), group in itertools.groupby(rows, key=lambda row: row[:2]):
        members = list(group)
        labels = dict.fromkeys(row.labels for row in members)
        lines.append(f"{head}, {exact_percent(share)} of the MACs: accuracy %, gain on {against}, by labels a class")
        lines.append(f"{'':18}" + "".join(f"{count:>23}" for count in labels))
        for name, own in itertools.groupby(members, key=lambda row: row.criterion):
            cells = [_cell(gain(row, rows, against), name == against) for row in own]
            lines.append(f"{name:18}" + "".join(f"{cell:>23}" for cell in cells))
    return "\n".join(lines) + "\n"


def _cell(found: Gain, same: bool) -> str:
    gained = "" if same else f" ({fixed(found.gain, 1, sign=True)} ± {fixed(found.gain_reach, 1)})"
    return f"{fixed(found.accuracy, 1)}{gained}"


def figure(rows: Sequence[Row], against: str) -> go.Figure:
    """Accuracy over labels, a line for each criterion with its 95 % interval, a panel for each head and share."""
    panels = list(dict.fromkeys(row[:2] for row in rows))
    titles = [f"{head}, {exact_percent(share)} of the MACs" for head, share in panels]
    drawn = make_subplots(1, len(panels), shared_yaxes=True, subplot_titles=titles, horizontal_spacing=0.03)
    drawn.update_layout(
        titled("", "", "test accuracy [%]").layout, title=None, width=80 + 420 * len(panels), height=460
    )
    names = list(dict.fromkeys(row.criterion for row in rows))
    for name, (column, panel) in itertools.product(names, enumerate(panels, 1)):
        own = [row for row in rows if row[:3] == (*panel, name)]
        colour = _COLOURS[names.index(name) % len(_COLOURS)]
        found = [gain(row, rows, against) for row in own]
        drawn.add_scatter(
            x=[row.labels for row in own], y=[each.accuracy for each in found], name=name, legendgroup=name,
            showlegend=column == 1, mode="lines+markers", row=1, col=column,
            line={"color": colour, "dash": "dot" if ":" in name else "solid"},
            error_y={"array": [each.reach for each in found], "thickness": 1, "width": 2},
        )  # fmt: skip
    counts = sorted({row.labels for row in rows})
    drawn.update_xaxes(title="labels a class", type="log", tickvals=counts, ticktext=[*map(str, counts)])
    drawn.update_yaxes(**PLAIN)
    return drawn


_COLOURS = (
    "#d9480f",
    "#1c7ed6",
    "#2b8a3e",
    "#9c36b5",
    "#e67700",
    "#9ca3af",
    "#0c8599",
    "#c2255c",
    "#1f2937",
    "#66a80f",
)


def write_study(rows: Sequence[Row], against: str, file: Path) -> None:
    """Write the results beside `file` as CSV, and their figure as a page."""
    head = ["head", "macs", "criterion", "labels", "accuracy", "reach", f"gain on {against}", "gain_reach", "by seed"]
    lines = [
        [*row[:4], *(round(value, 4) for value in gain(row, rows, against)), " ".join(map(str, row.accuracies))]
        for row in rows
    ]
    write_text(file.with_suffix(".csv"), csv_text([head, *lines]))
    write_text(file.with_suffix(".html"), figure(rows, against).to_html(include_plotlyjs=True))
