"""Networks within a budget: widths that fit it, searched by a short training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ftl
from ftl.backbones.chain import Backbone, macs
from ftl.errors import FtlError
from ftl.files import read_json
from ftl.masks import load_masks
from ftl.pruning.budget import RATIOS, cost_of, fitting, pruned_to, search, widths
from ftl.pruning.choice import LayerChoice
from ftl.pruning.names import Budget, parse_budget
from ftl.tuning.plan import Recipe, Tuning
from tests.conftest import SIZE, make_backbone


def ranked(backbone: Backbone) -> list[LayerChoice]:
    """Choices in which the first filters score best."""
    return [
        LayerChoice(name, {"": np.arange(conv.out_channels, 0, -1, dtype=np.float32)}, [])
        for name, conv in backbone.convolutions().items()
    ]


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("1%", Budget(0.01, "macs")),
        (" 2.5 % ", Budget(0.025, "macs")),
        ("5ms", Budget(5, "ms")),
        (".5 ms", Budget(0.5, "ms")),
    ],
)
def test_budgets_are_shares_or_times(text: str, budget: Budget) -> None:
    assert parse_budget(text) == budget


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
    cost = cost_of(backbone, Budget(share, "macs"), None)
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

    chosen = search(backbone, ranked(backbone), Budget(0.1, "macs"), loss)
    assert len(tried) == len(set(tried)) > 3
    first, *_, last = (len(one.kept) for one in chosen)
    assert (last / first - 8) == pytest.approx(min(abs(one[2] / one[0] - 8) for one in tried), abs=1e-9)
    with pytest.raises(FtlError, match="too much"):
        search(backbone, ranked(backbone), Budget(1e-9, "macs"), loss)


def test_a_sweep_has_them_as_candidates(workspace: Path) -> None:
    more = {
        "dataset": workspace / "dataset",
        "evaluation": workspace / "evaluation",
        "keep": [0.5],
        "out": workspace / "models",
        "threads": 1,
    }
    masks = load_masks(workspace / "Images", workspace / "Segmented", size=SIZE)
    backbone = ftl.load_backbone(workspace / "tiny.safetensors")
    with pytest.raises(FtlError, match="a budget is a share"):
        ftl.sweep(backbone, masks, budgets=["much"], **more)
    tuning = Tuning(("tuned",), recipe=Recipe(epochs=1))
    made = ftl.sweep(backbone, masks, budgets=["30%", "50ms"], tuning=tuning, **more)
    names = {one.name: one for one in made.candidates}
    assert names.keys() == {
        "base", "keep-0.5", "macs-0.3", "ms-50", "keep-0.5-tuned", "macs-0.3-tuned", "ms-50-tuned"
    }  # fmt: skip
    assert names["macs-0.3"].macs <= 0.3 * names["base"].macs
    searched = read_json(workspace / "models" / "macs-0.3" / "network.json")["made_with"]["searched"]
    assert {ratio for ratio, _ in searched} <= set(RATIOS)
    assert names["ms-50"].channels == names["base"].channels  # which takes much less
