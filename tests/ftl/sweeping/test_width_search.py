"""Networks within a budget: widths that fit it, searched by a short training."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ftl.cli import main
from ftl.config import FineTuneConfig, SweepConfig
from ftl.errors import FtlError
from ftl.files import read_json
from ftl.models.backbone import Backbone, macs
from ftl.models.classifier import Model
from ftl.models.layer_choice import LayerChoice
from ftl.models.layout import Budget, parse_budget, parse_budgets
from ftl.reporting.sweep_report import candidates_table
from ftl.sweeping import width_search
from ftl.sweeping.results import read_results
from ftl.sweeping.width_search import RATIOS, cost_of, cut_to, fitting, pruned_to, search, widths
from tests.conftest import SIZE, make_backbone, sweep_in

CLASSES = ("Background", "Crack")


def ranked(backbone: Backbone) -> list[LayerChoice]:
    """Choices in which the first filters score best."""
    return [
        LayerChoice(name, {"": np.arange(conv.out_channels, 0, -1, dtype=np.float32)}, [])
        for name, conv in backbone.convolutions().items()
    ]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1%", Budget(0.01, "macs")),
        (" 2.5 % ", Budget(0.025, "macs")),
        ("5ms", Budget(5, "ms")),
        (".5 ms", Budget(0.5, "ms")),
    ],
)
def test_budgets_are_shares_or_times(text: str, read: Budget) -> None:
    assert parse_budget(text) == read


def test_a_budget_that_stands_twice_is_one() -> None:
    assert parse_budgets(["1%", "5ms", "1.0 %", "5.0ms"]) == [Budget(0.01, "macs"), Budget(5, "ms")]
    with pytest.raises(FtlError, match="two budgets differ by less than six digits"):
        parse_budgets(["1%", "1.0000001%"])


@pytest.mark.parametrize("text", ["", "5", "0%", "100%", "-1ms", "5 s", "ms"])
def test_what_is_no_budget_is_told(text: str) -> None:
    with pytest.raises(FtlError, match="a budget is a share"):
        parse_budget(text)


def test_widths_are_a_geometric_series_over_the_depth() -> None:
    choices = ranked(make_backbone())
    assert list(widths(choices, 0.2, 4.0).values()) == pytest.approx([0.1, 0.2, 0.4])
    assert list(widths(choices, 0.2, 1.0).values()) == pytest.approx([0.2, 0.2, 0.2])
    assert list(widths(choices, 0.8, 4.0).values()) == pytest.approx([0.4, 0.8, 1.0])


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("share", [0.5, 0.1, 0.02])
def test_a_network_uses_its_budget_and_no_more(ratio: float, share: float) -> None:
    backbone = make_backbone(channels=(48, 64, 96))
    cost = cost_of(backbone, Budget(share, "macs"), CLASSES, None)
    choices = fitting(backbone, ranked(backbone), ratio, cost, share)
    assert choices is not None
    used = macs(pruned_to(backbone, choices).spec(), SIZE) / macs(backbone.spec(), SIZE)
    assert 0.6 * share < used <= share
    assert all(one.kept == list(range(len(one.kept))) for one in choices)  # the best stay


def test_the_shape_with_the_lowest_loss_wins_and_no_network_is_tried_twice() -> None:
    backbone, tried = make_backbone(channels=(48, 64, 96)), []

    def loss(network: Backbone) -> float:
        tried.append(tuple(conv.out_channels for conv in network.convolutions().values()))
        return abs(tried[-1][2] / tried[-1][0] - 8)  # eight times as many in the last layer as in the first

    chosen = search(backbone, ranked(backbone), Budget(0.1, "macs"), CLASSES, loss)
    assert len(tried) == len(set(tried)) > 3
    first, *_, last = (len(one.kept) for one in chosen)
    assert (last / first - 8) == pytest.approx(min(abs(one[2] / one[0] - 8) for one in tried), abs=1e-9)
    with pytest.raises(FtlError, match="too much"):
        search(backbone, ranked(backbone), Budget(1e-9, "macs"), CLASSES, loss)


def test_equal_scores_on_both_sides_of_the_cut_are_told() -> None:
    scores = [[4, 3, 2, 1], [2, 1, 1, 1], [1, 1, 1, 1]]
    choices = [LayerChoice(str(at), {"": np.array(one, np.float32)}, []) for at, one in enumerate(scores)]
    assert [(one.kept, one.equal) for one in cut_to(choices, {"0": 0.5, "1": 0.5, "2": 1.0})] == [
        ([0, 1], False),
        ([0, 1], True),
        ([0, 1, 2, 3], False),
    ]


@pytest.mark.parametrize(("classes", "rows"), [(("a", "b"), 1), (("a", "b", "c"), 3)])
def test_a_time_is_searched_with_the_candidates_own_head_and_the_whole_network_is_timed_once(
    classes: tuple[str, ...], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, timed = make_backbone(channels=(12, 16, 24)), []

    def measure_latency(model: Model, *, threads: int | None) -> dict[str, float]:
        features = model.network(torch.zeros(1, 3, SIZE, SIZE))[0].numel()
        assert (model.head.pooled, model.head.weight.shape) == (False, (rows, features))
        timed.append(model.network.parameters_count())
        return {"median_ms": float(timed[-1])}

    monkeypatch.setattr(width_search, "measure_latency", measure_latency)
    whole = backbone.parameters_count()
    search(backbone, ranked(backbone), Budget(whole / 2, "ms"), classes, lambda network: 0.0)
    assert timed.count(whole) == 1
    assert len(timed) > len(RATIOS)


def test_nothing_is_searched_where_the_whole_network_is_within_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(width_search, "measure_latency", lambda model, *, threads: {"median_ms": 5.0})
    backbone = make_backbone(channels=(12, 16, 24))
    chosen = search(backbone, ranked(backbone), Budget(5, "ms"), CLASSES, lambda network: pytest.fail("trained"))
    assert [len(one.kept) for one in chosen] == [12, 16, 24]


def test_a_sweep_has_them_as_candidates(workspace: Path) -> None:
    with pytest.raises(FtlError, match="a budget is a share"):
        SweepConfig(budgets=["much"])
    made = sweep_in(workspace, budgets=["30%", "50ms"], heads=["tuned"], fine_tune=FineTuneConfig(epochs=1))
    names = {one.name: one for one in made.candidates}
    assert names.keys() == {
        "base", "keep-0.5", "macs-0.3", "ms-50", "keep-0.5-tuned", "macs-0.3-tuned", "ms-50-tuned"
    }  # fmt: skip
    assert names["macs-0.3"].macs <= 0.3 * names["base"].macs
    searched = read_json(workspace / "models" / "macs-0.3" / "network.json")["made_with"]["searched"]
    assert {ratio for ratio, _ in searched} <= set(RATIOS)
    assert names["ms-50"].channels == names["base"].channels  # which takes much less
    assert names["macs-0.3"].budget == names["macs-0.3-tuned"].budget == (0.3, "macs")
    assert names["keep-0.5"].budget is None


def test_what_takes_longer_than_its_budget_is_marked(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        width_search, "measure_latency", lambda model, *, threads: {"median_ms": 0.0}
    )  # another machine's
    made = sweep_in(workspace, budgets=["0.001ms", "90%"])
    marks = {one.name: one.above_limit for one in read_results(workspace / "models")}
    assert marks == {"base": "", "keep-0.5": "", "ms-0.001": "above its 0.001 ms", "macs-0.9": ""}
    assert sum("above its 0.001 ms" in row[-1] for row in candidates_table(made.candidates).rows) == 1
    with open(workspace / "models" / "results.csv") as handle:
        assert {row["Model"]: row["Above_limit"] for row in csv.DictReader(handle)} == marks
    assert (
        main(["test", str(workspace / "models"), "--evaluation", str(workspace / "evaluation"), "--threads", "1"]) == 0
    )
    rows = [line for line in capsys.readouterr().out.splitlines() if "above its 0.001 ms" in line]
    marked = [row.split()[0] for row in rows]
    assert marked == ["ms-0.001"]
    (slow,) = [one for one in made.candidates if one.name == "ms-0.001"]
    assert replace(slow, time_ms=0.001).above_limit == ""
