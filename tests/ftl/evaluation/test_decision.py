"""Front, knee, limits, ties and score."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftl.errors import FtlError
from ftl.evaluation.candidate import Candidate, unpruned_of
from ftl.evaluation.decision import PRESETS, Weights, choose, decision_score, pareto
from ftl.evaluation.recommend import Limits
from ftl.sweeping.results import read_results


def one(
    name: str, ms: float, accuracy: float, parameters: int = 50, right: tuple[bool, ...] = (), **more: object
) -> Candidate:
    values: dict[str, object] = {"keep": 0.5, "f1": accuracy, "recall": accuracy, "size_mb": ms} | more
    return Candidate(name=name, time_ms=ms, accuracy=accuracy, parameters=parameters, right=right, **values)  # type: ignore[arg-type]


UNPRUNED = one("base", 100, 0.96, 100, is_unpruned=True)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1))
def test_nothing_beats_the_front_and_the_front_beats_the_rest(points: list[tuple[int, int]]) -> None:
    candidates = [one(str(index), ms, accuracy / 10) for index, (ms, accuracy) in enumerate(points)]
    front = pareto(candidates).candidates

    def beats(a: Candidate, b: Candidate) -> bool:
        return (
            a.time_ms <= b.time_ms and a.accuracy >= b.accuracy and (a.time_ms, a.accuracy) != (b.time_ms, b.accuracy)
        )

    assert front
    assert not any(beats(a, b) for a in candidates for b in front)
    for left_out in candidates:
        assert any(
            beats(b, left_out) or (b.time_ms, b.accuracy) == (left_out.time_ms, left_out.accuracy) for b in front
        )
    assert [c.time_ms for c in front] == sorted({c.time_ms for c in front})


def test_the_knee_is_where_the_front_bends() -> None:
    bent = [one("a", 0, 0.5), one("b", 10, 0.94), one("c", 50, 0.95), UNPRUNED]
    assert pareto(bent).knee().name == "b"
    assert pareto([one("a", 0, 0.0), one("b", 50, 0.5), one("c", 100, 1.0)]).knee() is None
    assert pareto(bent[:2]).knee() is None


def test_limits() -> None:
    candidates = [one("a", 5, 0.6), one("b", 10, 0.8), one("c", 50, 0.95), UNPRUNED]
    front = pareto(candidates)
    assert front.best(max_ms=20).name == "b"
    assert front.best().name == "base"
    assert front.best(min_recall=0.9, max_mb=60).name == "c"
    with pytest.raises(FtlError, match="loosen one"):
        front.best(max_ms=1)
    for weights in (None, "balanced"):
        assert choose(candidates, weights, Limits(max_ms=7)).pick.name == "a"
        none = choose(candidates, weights, Limits(max_ms=1))
        assert none.pick is None
        assert "the fastest takes 5 ms, with recall 0.600" in none.reason
    assert not Limits(min_recall=0.1).allow(one("x", 1, 0.9, recall=None))


def test_the_score_is_what_its_documentation_says() -> None:
    candidate = one("a", 25, 0.9, 20, f1=0.48)
    assert decision_score(candidate, UNPRUNED, Weights(4, 1, 1)) == pytest.approx(4 * 0.48 / 0.96 + 0.8 + 0.75)
    unknown = one("b", 25, 0.48, 20, f1=None)
    assert decision_score(unknown, UNPRUNED, Weights(1, 0, 0)) == pytest.approx(0.5)
    with pytest.raises(FtlError, match="choose one of balanced, published"):
        choose([candidate, UNPRUNED], "mine")


def test_the_unpruned_network_is_never_chosen_by_score_and_what_is_alike_is_told() -> None:
    half = (True, False) * 20
    a, b = one("a", 10, 0.9, 40, half), one("b", 20, 0.85, 60, (*half[:-1], True))
    worse = one("c", 50, 0.2, 70, (False,) * 40)
    choice = choose([UNPRUNED, a, b, worse], "balanced")
    assert choice.pick is a
    assert choice.alike == [b]
    assert list(choice.scores) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("file", "name", "parameters"),
    [("log_avg_alex.csv", "model_0.15_al", 86_871), ("log_sum_VGG16.csv", "model_0.2", 992_359)],
)
def test_the_published_networks_are_picked_from_the_published_tables(
    shared: Path, file: str, name: str, parameters: int
) -> None:
    candidates = read_results(shared / "seed" / file)
    choice = choose(candidates, "published")
    assert (choice.pick.name, choice.pick.parameters) == (name, parameters)
    by_their_score = max(
        (c for c in candidates if c.published_score and not c.is_unpruned), key=lambda c: c.published_score or 0
    )
    assert by_their_score is choice.pick
    assert unpruned_of(candidates).parameters in (3_747_584, 14_714_688)


def test_rotated_rows_are_joined_by_name(shared: Path) -> None:
    found = {c.name: c for c in read_results(shared / "seed" / "log_sum_VGG16.csv")}
    assert (found["model_0.19"].parameters, found["model_0.19"].accuracy) == (964_407, pytest.approx(0.959))
    assert (found["model_0.2"].parameters, found["model_0.2"].time_ms) == (992_359, pytest.approx(1200.2, abs=0.1))
    assert (found["model_0.21"].parameters, found["model_0.21"].accuracy) == (917_764, pytest.approx(0.858))


def test_a_csv_of_another_kind_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(FtlError, match=r"x\.csv is no CSV of the original"):
        read_results(tmp_path / "x.csv")
    with pytest.raises(FtlError, match="run ftl test"):
        read_results(tmp_path)
    assert set(PRESETS) == {"balanced", "published"}


def test_a_front_of_another_quality_over_another_cost() -> None:
    candidates = [
        one("a", 9, 0.9, 10, recall=0.5),
        one("b", 1, 0.9, 20, recall=0.8),
        one("c", 1, 0.9, 30, recall=0.7),
        one("d", 1, 0.9, 99, recall=0.9),
    ]
    front = pareto(candidates, lambda c: c.parameters, lambda c: c.recall or 0)
    assert [c.name for c in front.candidates] == ["a", "b", "d"]
    assert front.best().name == "d"
    assert front.best(max_ms=5, min_recall=0.75).name == "d"
    assert front.knee().name == "b"
