"""Criteria side by side: through the same pipeline at equal MACs, repeated, with intervals."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.special import stdtrit

from ftl.config import ONE_SHOT, FineTuneConfig, PruneConfig
from ftl.data.dataset import Dataset, LeftOut
from ftl.data.masks import MaskSet
from ftl.data.photographs import photographs_of
from ftl.errors import FtlError
from ftl.files import read_json, versions, write_json
from ftl.formatting import exact_percent, fixed
from ftl.models.backbone import Backbone, macs
from ftl.models.features import features_of
from ftl.models.layout import LINEAR
from ftl.progress import Report, silent
from ftl.pruning.choose import choose_filters
from ftl.pruning.coupling import coupling_groups
from ftl.pruning.criteria import Criterion
from ftl.pruning.criteria import criterion as criterion_of
from ftl.pruning.network_criteria import bind, check_scores
from ftl.pruning.selection import keep_fraction
from ftl.pruning.surgery import prune
from ftl.training.features import gathered
from ftl.training.map_masks import map_masks, targets_of
from ftl.training.train import answers_of, fit, train_head


class Sets(NamedTuple):
    """What networks are trained and judged on, and how: `head` is linear or tuned. `left_out`: of those to judge on.

    `masks`: of some of the photographs to learn from, for a fine-tuning that learns masks as well.
    """

    learn: Dataset
    judge: Dataset
    head: str = LINEAR
    fine_tune: FineTuneConfig = FineTuneConfig()
    photo: str | None = None
    left_out: LeftOut = LeftOut()
    masks: MaskSet | None = None

    def description(self) -> dict[str, Any]:
        """What these sets and this training are, for a file of results."""
        digests = {"learn_sha256": self.learn.digest(), "judge_sha256": self.judge.digest()}
        return digests | {"head": self.head, "fine_tune": self.fine_tune.model_dump(), "photo": self.photo}


class Row(NamedTuple):
    """One way to choose filters at one share of the MACs: the test accuracy of each repeat, 0..1."""

    name: str
    share: float
    accuracies: tuple[float, ...]


def width_for(backbone: Backbone, share: float) -> float:
    """The uniform keep fraction whose network comes closest to a share (0..1) of the MACs.

    Every criterion that keeps so many of each layer's filters has this network's widths, so the same MACs.
    """
    size = backbone.preprocess.size
    convolutions = backbone.convolutions()
    names = list(convolutions) if backbone.is_chain else [group.name for group in coupling_groups(backbone)]
    unpruned = macs(backbone.spec(), size)

    def left(fraction: float) -> float:
        kept = {name: keep_fraction(np.zeros(convolutions[name].out_channels), fraction) for name in names}
        return macs(prune(backbone, kept).spec(), size) / unpruned

    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if left(middle) < share else (low, middle)
    return min((low, high), key=lambda one: abs(left(max(one, 1e-6)) - share)) or 1e-6


def accuracy_of(network: Backbone, sets: Sets, seed: int) -> float:
    """Test accuracy of a network whose head, or which itself, is trained with a seed."""
    if sets.head == LINEAR:
        seen, unseen = (gathered(features_of(network, one.paths), len(one)) for one in (sets.learn, sets.judge))
        head, _ = train_head(seen, sets.learn, seed=seed, photo=sets.photo)
        predicted = head.probabilities(unseen).argmax(1)
    else:
        learn, judge = (photographs_of(one.paths, network.preprocess.size) for one in (sets.learn, sets.judge))
        masks = masks_to_learn(network, sets.learn, sets)
        tuned, _ = fit(network, learn, sets.learn, sets.fine_tune, seed=seed, photo=sets.photo, masks=masks)
        predicted = answers_of(tuned.network, tuned.head, judge, np.arange(len(sets.judge))).argmax(1)
    return float(np.mean(predicted == sets.judge.labels))


def masks_to_learn(network: Backbone, learn: Dataset, sets: Sets) -> np.ndarray | None:
    """The masks that a fine-tuning on `learn` learns, if it learns any. Raises `FtlError` where there are none."""
    if not sets.fine_tune.mask_weight or sets.masks is None:
        return None
    return targets_of(learn, map_masks(network, sets.masks))


Way = Callable[[Sequence[float], int, Dataset], Iterable[Backbone]]
"""How networks are pruned: for some shares of the MACs, a seed, and the photographs to learn from, a network each."""

Ways = dict[str, Way]

Kept = dict[str, list[int]]
"""The filters that stay, by layer."""

_FRACTIONS = [float(one) for one in np.geomspace(0.005, 1, 200)]
"""Tried by the rule `global`: each keeps 2.7 % more filters than the one before."""


def criteria_ways(
    backbone: Backbone, masks: MaskSet, names: Sequence[str], config: PruneConfig, photo: str | None = None
) -> Ways:
    """The criteria as ways to prune: all layers alike, or with `name:global` by the rule `global`, whatever the mode.

    `photo`: how a file's name names its photo, for criteria that split the photographs to learn from.
    Raises `FtlError` for a name that there is not, a network with nothing to score by, or masks of several groups.
    """
    if len(masks.groups) > 1:
        raise FtlError(
            f"criteria are compared at equal MACs, but filters for {', '.join(masks.groups)} are united: give "
            "the masks of one class (--classes)"
        )
    size = backbone.preprocess.size
    unpruned = macs(backbone.spec(), size)

    bound: dict[tuple[str, int, str], Criterion] = {}  # shared by all ways and shares

    @cache
    def width(share: float) -> float:
        return width_for(backbone, share)

    def choose(
        criterion: Criterion, fractions: Sequence[float], config: PruneConfig, learn: Dataset
    ) -> dict[float, Kept]:
        known = criterion.name, config.seed, learn.digest()
        if known not in bound:
            bound[known] = bind(criterion, backbone, learn, config.seed, photo)
        chosen = choose_filters(backbone, masks, fractions, config, criterion=bound[known])
        return {fraction or 0.0: {choice.name: choice.kept for choice in choices} for fraction, choices in chosen}

    def alike(criterion: Criterion) -> Way:
        kept: dict[float, dict[str, list[int]]] = {}  # by fraction; maps choose the same whatever the seed

        def pruned(shares: Sequence[float], seed: int, learn: Dataset) -> Iterator[Backbone]:
            if criterion.looks_at != "maps":
                kept.clear()
            fractions = [width(share) for share in shares]
            if missing := [one for one in fractions if one not in kept]:
                kept.update(choose(criterion, missing, config.but(seed=seed), learn))
            return (prune(backbone, kept[fraction]) for fraction in fractions)

        return pruned

    def together(criterion: Criterion) -> Way:
        found: dict[float, dict[str, list[int]]] = {}

        def pruned(shares: Sequence[float], seed: int, learn: Dataset) -> Iterator[Backbone]:
            if not found or criterion.looks_at != "maps":
                found.update(choose(criterion, _FRACTIONS, config.but(seed=seed, rule="global", mode=ONE_SHOT), learn))
            kept = [*found.values()]
            for share in shares:
                above = bisect_right(kept, share, key=lambda one: macs(prune(backbone, one).spec(), size) / unpruned)
                yield prune(backbone, kept[max(0, above - 1)])

        return pruned

    found: Ways = {}
    for name in names:
        plain, _, rule = name.partition(":")
        if rule not in ("", "global"):
            raise FtlError(f"criteria are compared as NAME or as NAME:global, not {name}")
        criterion = criterion_of(plain)
        check_scores(criterion, backbone)
        found[f"{criterion.name}{name[len(plain) :]}"] = (together if rule else alike)(criterion)
    return found


def contest(
    ways: Ways,
    shares: Sequence[float],
    repeats: int,
    sets: Sets,
    file: Path,
    made_from: dict[str, Any],
    report: Report = silent,
) -> list[Row]:
    """Prune in every way to every share of the MACs, and train and test each with seeds 0, 1, ...

    What is measured is kept in `file`, so that a contest that was cut off goes on. Raises `FtlError` when the file is
    of another comparison: `made_from` says which.
    """
    made_from = json.loads(json.dumps(made_from))
    before = read_json(file) if file.is_file() else {"made_from": made_from, "accuracies": {}}
    if before.get("made_from") != made_from:
        raise FtlError(f"{file} holds another comparison: choose another file, or remove it")
    done: dict[str, float] = before["accuracies"]
    total = len(ways) * len(shares) * repeats
    for seed in range(repeats):
        for name, way in ways.items():
            missing = [share for share in shares if _key(name, share, seed) not in done]
            for share, network in zip(missing, way(missing, seed, sets.learn) if missing else (), strict=True):
                report(len(done), total, f"{name} at {exact_percent(share)}")
                done[_key(name, share, seed)] = accuracy_of(network, sets, seed)
                description = {"left_out": sets.left_out._asdict(), "versions": versions()}
                write_json(file, {"made_from": made_from, "accuracies": done} | description)
    return [
        Row(name, share, tuple(done[_key(name, share, seed)] for seed in range(repeats)))
        for share in shares
        for name in ways
    ]


def _key(name: str, share: float, seed: int) -> str:
    return f"{name} {share:g} {seed}"


def interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """The mean and the half width of Student's interval around it; infinite for one value."""
    if len(values) < 2:
        return float(np.mean(values)), float("inf")
    reach = stdtrit(len(values) - 1, 0.5 + confidence / 2) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(reach)


def table(rows: Sequence[Row], against: str) -> str:
    """Mean accuracy of each way with its interval, and what it gains on `against`, seed by seed, in points."""
    lines = [f"{'MACs':>7}  {'':18}{'accuracy %':>18}{f'gain on {against}':>24}"]
    for row in rows:
        other = next(one for one in rows if one.name == against and one.share == row.share)
        mean, reach = interval([100 * one for one in row.accuracies])
        gain, give = interval([100 * (a - b) for a, b in zip(row.accuracies, other.accuracies, strict=True)])
        gained = "" if row is other else f"{fixed(gain, 2, sign=True)} ± {fixed(give, 2)}"
        lines.append(
            f"{exact_percent(row.share):>7}  {row.name:18}{f'{fixed(mean, 2)} ± {fixed(reach, 2)}':>18}{gained:>24}"
        )
    return "\n".join(lines) + "\n"
