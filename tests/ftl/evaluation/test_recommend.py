"""What is recommended is useful, not significantly worse than the best, and the fastest of what is left, or as fast."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from ftl.cli import main
from ftl.errors import FtlError
from ftl.evaluation.candidate import Candidate, warnings
from ftl.evaluation.decision import choose, pareto
from ftl.evaluation.metrics import balanced_accuracy, beats_constant, spread, summarise, worse
from ftl.evaluation.recommend import OUTSIDE, PASSED, RECOMMENDED, UNTESTED, USELESS, WORSE, Limits, recommend
from ftl.models.backbone import Backbone
from ftl.models.io import load_backbone, save_backbone
from ftl.sweeping.results import read_results
from ftl.training.silent_filters import Activity, WithPeaks
from tests.conftest import SIZE, make_backbone, make_features, make_workspace, sweep_in

LEVEL = 0.05


def candidate(name: str, truth: np.ndarray, predicted: np.ndarray, ms: float, mb: float = 1.0) -> Candidate:
    """A candidate that has given these answers on the validation images."""
    classes = [str(number) for number in range(max(2, truth.max() + 1, predicted.max() + 1))]
    told = summarise(truth, predicted, classes, classes[-1] if len(classes) == 2 else None)
    shares = {key: told[key] for key in ("accuracy", "balanced_accuracy", "precision", "recall", "f1")}
    return Candidate(
        name=name, keep=0.5, parameters=100, time_ms=ms, size_mb=mb, is_unpruned=name == "base",
        right=tuple((truth == predicted).tolist()), validation_confusion=tuple(map(tuple, told["confusion"])), **shares,
    )  # fmt: skip


def test_of_networks_that_take_as_long_the_most_accurate_is_recommended() -> None:
    """One network under two heads takes the same time, whichever of them a take found faster."""
    truth = np.arange(60) % 2
    answers = {wrong: np.where(np.arange(60) < wrong, 1 - truth, truth) for wrong in (0, 1, 3)}
    linear = candidate("keep-0.1", truth, answers[3], 1.00)
    tuned = candidate("keep-0.1-tuned", truth, answers[1], 1.20)
    base = candidate("base", truth, answers[0], 5.0)

    def chosen(*of: Candidate) -> str:
        found = recommend(of)
        assert found.network is not None
        return found.network.name

    apart = recommend([base, linear, tuned])
    assert chosen(base, linear, tuned) == "keep-0.1"
    assert "is the fastest of the 3 networks that do" in apart.reason
    near = dataclasses.replace(tuned, time_ms=1.09, time_q1_ms=1.05, time_q3_ms=1.2)
    together = recommend([base, dataclasses.replace(linear, time_q3_ms=1.06), near])
    assert together.standings == {"base": PASSED, "keep-0.1": PASSED, "keep-0.1-tuned": RECOMMENDED}
    assert "is the most accurate of the 2 fastest, which take as long, of the 3 that do" in together.reason
    assert together.notes == ("The latency of keep-0.1 overlaps with its own: which is faster is not certain.",)
    # a busy machine: times of one network under two heads are far apart, those of another one overlap with both
    linear, tuned = (dataclasses.replace(one, macs=1000, time_q1_ms=0.5, time_q3_ms=9.0) for one in (linear, tuned))
    wide = dataclasses.replace(base, macs=9000, time_q1_ms=1.0, time_q3_ms=9.0)
    assert chosen(wide, linear, tuned) == "keep-0.1-tuned"


@st.composite
def results(draw: st.DrawFn) -> tuple[np.ndarray, dict[str, np.ndarray], list[Candidate]]:
    """Labels of the validation images, answers by candidate, and the candidates: good, bad, constant ones."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    images, classes = draw(st.integers(1, 80)), draw(st.integers(2, 3))
    truth = rng.choice(classes, images, p=rng.dirichlet(np.full(classes, 3)))
    answers, found = {}, []
    for number in range(draw(st.integers(1, 7))):
        name = "base" if number == 0 else f"keep-{number}"
        noise = draw(st.sampled_from([0.0, 0.05, 0.2, 0.5, 1.0]))
        constant = np.full(images, draw(st.integers(0, classes - 1)))
        wrong = constant if draw(st.booleans()) else rng.integers(0, classes, images)
        answers[name] = np.where(rng.random(images) < noise, wrong, truth)
        ms, mb = draw(st.sampled_from([1.0, 1.05, 1.2, 3.0, 6.0])), draw(st.integers(1, 3))
        made = candidate(name, truth, answers[name], ms, float(mb))
        found.append(dataclasses.replace(made, macs=draw(st.none() | st.integers(1, 3))))
    return truth, answers, found


share = st.none() | st.sampled_from([0.3, 0.5, 0.7, 0.9])
limits = st.builds(
    Limits, max_ms=st.none() | st.integers(1, 6), max_mb=st.none() | st.integers(1, 3), min_recall=share,
    min_accuracy=share, min_f1=share, min_precision=share, min_balanced_accuracy=share,
)  # fmt: skip


def more_often(first: np.ndarray, second: np.ndarray) -> float:
    """One-sided p-value that the first is right more often than the second, image by image."""
    ours, theirs = int((first & ~second).sum()), int((second & ~first).sum())
    return float(binomtest(ours, ours + theirs, 0.5, "greater").pvalue) if ours + theirs else 1.0


@given(results(), st.none() | limits, st.sampled_from([0.0, 0.0, 0.02, 0.1]))
def test_what_is_recommended_is_useful_not_worse_than_the_best_and_the_fastest(
    made: tuple[np.ndarray, dict[str, np.ndarray], list[Candidate]], asked: Limits | None, margin: float
) -> None:
    truth, answers, candidates = made
    bounds = asked or Limits()
    frequent = truth == np.bincount(truth).argmax()
    right = {name: answer == truth for name, answer in answers.items()}

    def within(one: Candidate) -> bool:
        shares = ("accuracy", "balanced_accuracy", "f1", "precision", "recall")
        least = [(getattr(one, share), getattr(bounds, f"min_{share}")) for share in shares]
        most = [(one.time_ms, bounds.max_ms), (one.size_mb, bounds.max_mb)]
        return all(low is None or value >= low for value, low in least) and all(
            high is None or value <= high for value, high in most
        )

    allowed = [one for one in candidates if within(one)]
    best = max((right[one.name].mean() for one in allowed), default=0.0)
    tops = [one for one in allowed if right[one.name].mean() == best]
    top = min(tops, key=lambda one: (one.time_ms, one.size_mb), default=None)
    useful = [one for one in allowed if more_often(right[one.name], frequent) <= LEVEL]
    left = [
        one
        for one in useful
        if more_often(right[top.name], right[one.name]) > LEVEL or best - right[one.name].mean() <= margin + 1e-9
    ]

    found = recommend(candidates, asked, margin=margin)
    assert found.reason
    assert {name for name, standing in found.standings.items() if standing in (RECOMMENDED, PASSED)} == {
        one.name for one in left
    }
    if found.network is None:
        assert not left
        with pytest.raises(FtlError):
            pareto(candidates).best(**bounds._asdict(), margin=margin)
        return
    chosen = found.network
    assert chosen in left
    assert right[chosen.name].mean() > frequent.mean()
    fastest = min(left, key=lambda one: (one.time_ms, one.size_mb, -one.accuracy, one.name))
    as_fast = [
        one
        for one in left
        if one.time_ms <= 1.1 * fastest.time_ms or (one.macs == fastest.macs and one.macs is not None)
    ]
    order = [(-one.accuracy, one.time_ms, one.size_mb) for one in as_fast]
    assert (-chosen.accuracy, chosen.time_ms, chosen.size_mb) == min(order)
    if not margin:
        assert more_often(right[top.name], right[chosen.name]) > LEVEL
    assert pareto(candidates).best(**bounds._asdict(), margin=margin) == chosen
    assert choose(candidates, limits=asked, margin=margin).pick == chosen


def answers_of(truth: np.ndarray, accuracy: float) -> np.ndarray:
    """Answers that are right for this share of the images, wrong for one class as often as for the other."""
    wrong = round((1 - accuracy) * len(truth))
    at = np.random.default_rng(0).permutation(len(truth))[:wrong]
    predicted = truth.copy()
    predicted[at] = 1 - predicted[at]
    return predicted


TRUTH = np.repeat([1, 0], [106, 94])  # 53 % are cracked
DEAD = [
    candidate("base", TRUTH, answers_of(TRUTH, 0.93), 120, 56),
    candidate("keep-0.02", TRUTH, np.ones(200, int), 1.1, 0.1),  # every photograph is a crack
    candidate("keep-0.1", TRUTH, answers_of(TRUTH, 0.81), 4, 0.6),
    candidate("keep-0.3", TRUTH, answers_of(TRUTH, 0.92), 20, 5),
]

CRACKS = Limits(min_recall=0.95)
"""What somebody asks for who must not miss a crack; a constant answer has it."""


def test_a_dead_network_is_not_recommended() -> None:
    dead = DEAD[1]
    assert (dead.accuracy, dead.recall, round(dead.f1 or 0, 2), dead.balanced_accuracy) == (0.53, 1.0, 0.69, 0.5)
    sizes = zip(DEAD, (100, 1, 10, 30), strict=True)
    small = [dataclasses.replace(one, parameters=parameters) for one, parameters in sizes]
    for preset in ("balanced", "published"):
        by_score = choose(small, preset, CRACKS)  # the decision score stars it, and says what it is
        assert by_score.pick.name == "keep-0.02"
        assert by_score.notes == (f"On the validation images it is {USELESS}.",)
    assert choose(small, limits=CRACKS).pick is None
    found = choose(small)
    assert found.pick.name == "keep-0.3"
    assert found.standings == {"base": PASSED, "keep-0.02": USELESS, "keep-0.1": WORSE, "keep-0.3": RECOMMENDED}
    assert pareto(small).best().name == "keep-0.3"
    assert "beats the most frequent class on the 200 validation images" in found.reason
    assert "not significantly worse there than the best, the unpruned network (1 points more" in found.reason


def test_what_gives_nothing_is_told_with_what_to_try() -> None:
    found = recommend(DEAD, Limits(max_ms=2))
    assert (found.network, found.standings["keep-0.02"], found.standings["base"]) == (None, USELESS, OUTSIDE)
    assert found.reason == (
        "no network is recommended: keep-0.02 is no better than the most frequent class on the 200 validation images; "
        "the unpruned network, keep-0.1 and keep-0.3 are outside the limits. Try more photographs, a larger keep "
        "fraction, fine-tuning or looser limits"
    )
    assert "loosen one" in recommend(DEAD, Limits(max_ms=1)).reason


def test_limits_on_other_figures_leave_out_a_constant_classifier_that_recall_lets_pass() -> None:
    dead = DEAD[1]
    assert Limits(min_recall=0.99).allow(dead)
    for figure in ("accuracy", "balanced_accuracy", "precision", "f1"):
        assert not Limits(**{f"min_{figure}": 0.75}).allow(dead)
        assert not Limits(**{f"min_{figure}": 0.1}).allow(dataclasses.replace(dead, **dict[str, Any]({figure: None})))


def test_a_margin_lets_a_faster_one_pass_and_better_ones_outside_are_told() -> None:
    assert recommend(DEAD, margin=0.13).network.name == "keep-0.1"
    within = recommend(DEAD, Limits(max_ms=10))
    assert within.network.name == "keep-0.1"
    assert within.notes == (
        "The unpruned network is significantly better (93.0 % against 81.0 % of the validation images), but outside "
        "the limits.",
    )


def test_latencies_that_overlap_are_told() -> None:
    near = dataclasses.replace(DEAD[3], name="keep-0.31", time_ms=21.0, time_q1_ms=19.5, time_q3_ms=22.0)
    found = recommend([*DEAD, near])
    assert found.network.name == "keep-0.3"
    assert found.notes == ("The latency of keep-0.31 overlaps with its own: which is faster is not certain.",)


def test_what_cannot_be_tested_is_told() -> None:
    bare = [dataclasses.replace(one, right=(), validation_confusion=()) for one in DEAD]
    by_figures = recommend(bare)
    assert by_figures.network.name == "base"
    assert "not tested" in by_figures.reason
    some = recommend([*DEAD[:3], bare[3]])
    assert (some.network.name, some.standings["keep-0.3"]) == ("base", UNTESTED)
    test = ((94, 0), (0, 106))  # classes of the test set stand in for unknown ones of the validation images
    counted = recommend([dataclasses.replace(one, validation_confusion=(), confusion=test) for one in DEAD])
    assert counted.network.name == "keep-0.3"
    assert counted.standings["keep-0.02"] == USELESS


def test_the_tests_are_exact() -> None:
    assert beats_constant(np.array([[0, 4], [0, 5]])) == 1.0  # the constant itself
    assert beats_constant(np.array([[5, 0], [0, 5]])) == pytest.approx(1 / 32)
    assert beats_constant(np.array([[4, 0], [1, 5]])) == pytest.approx(6 / 32)
    a, b = np.array([True] * 4 + [False] * 6), np.array([True] * 10)
    assert (worse(a, b), worse(b, a)) == (pytest.approx(1 / 64), 1.0)
    assert balanced_accuracy(np.array([[90, 0], [10, 0]])) == 0.5
    assert balanced_accuracy(np.array([[3, 1, 0], [0, 0, 0], [0, 0, 2]])) == 0.875
    assert spread(np.array([[0.5, 0.5]] * 9)) == 0
    assert spread(np.linspace([0, 1], [1, 0], 101)) == pytest.approx(0.9)


def test_silent_filters_are_counted() -> None:
    backbone = make_backbone()
    with torch.no_grad():
        for place, count in ((1, 3), (9, 2)):  # both are followed by a ReLU
            backbone.features[place].weight[:count] = 0
            backbone.features[place].bias[:count] = -1

    def silent_in(network: Backbone) -> tuple[int, int]:
        activity, watched = Activity(), WithPeaks(network)
        for _ in range(2):
            with torch.inference_mode():
                _, *peaks = watched(torch.randn(2, 3, SIZE, SIZE))
            activity.see(peaks)
        return activity.silent()

    silent, filters = silent_in(backbone)
    assert filters == 8 + 12 + 10
    assert silent >= 5 > silent_in(make_backbone())[0]


@pytest.fixture(scope="module")
def dead(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of a network that nothing gets through."""
    workspace = make_workspace(tmp_path_factory.mktemp("dead") / "workspace")
    features = make_features()
    with torch.no_grad():
        for place in (1, 5, 9):
            features[place].weight.zero_()
            if features[place].bias is not None:
                features[place].bias.fill_(-1)
    save_backbone(features, workspace / "tiny.safetensors", name="tiny", size=SIZE)
    sweep_in(workspace)
    return workspace / "models"


def test_a_network_that_nothing_gets_through_is_warned_of_and_not_recommended(
    dead: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, pruned = read_results(dead)
    for one in (base, pruned):
        told = warnings(one)
        assert told[0] == "gives every validation image the same class"
        assert f"{sum(pruned.channels if one is pruned else base.channels)} filters" in told[1]
        assert "silent: no test image activates them" in told[1]
    assert choose([base, pruned]).pick is None
    assert load_backbone(dead / "base").convolutions()["features.9"].weight.count_nonzero() == 0
    assert main(["choose", str(dead)]) == 1
    out, problem = capsys.readouterr()
    assert "warning" in out or "same class" in out
    assert "the unpruned network and keep-0.5 are no better than the most frequent class" in problem.lower()
    assert main(["choose", str(dead), "--export", str(dead / "x.safetensors")]) == 1
    assert not (dead / "x.safetensors").exists()
    assert main(["report", str(dead)]) == 0
    page = (dead / "report.html").read_text(encoding="utf-8")
    assert "No network is recommended: the unpruned network" in page
    assert "⚠ gives every validation image the same class" in page
    header, *rows = (dead / "results.csv").read_text().splitlines()
    assert {"Balanced_accuracy", "Validation_precision", "Silent_filters", "Warnings"} <= {*header.split(",")}
    assert all("the same class" in row for row in rows)


def test_equal_scores_and_flat_outputs_are_warned_of() -> None:
    sound = dataclasses.replace(DEAD[3], channels=(1, 2, 3), equal_scores=1, spread=0.9, silent=(0, 6))
    assert warnings(sound) == []
    assert warnings(dataclasses.replace(sound, equal_scores=2)) == [
        "equal scores in 2 of 3 layers: filters stayed by their order"
    ]
    assert warnings(dataclasses.replace(sound, spread=0.012)) == [
        "flat outputs: its probabilities differ by 1.2 points between validation images"
    ]
    assert warnings(dataclasses.replace(sound, silent=(3, 6), is_unpruned=True)) == []
    assert warnings(dataclasses.replace(sound, silent=(1, 6))) == [
        "1 of 6 filters is silent: no test image activates them"
    ]
