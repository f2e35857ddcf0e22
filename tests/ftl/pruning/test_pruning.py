"""Rules, surgery, and both ways to choose filters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn

from ftl.config import PruneConfig
from ftl.data.masks import MaskSet, load_masks
from ftl.errors import FtlError
from ftl.models.backbone import Backbone, blocks
from ftl.models.io import load_backbone
from ftl.models.layer_choice import Chosen
from ftl.pruning import layerwise
from ftl.pruning.choose import choose_filters
from ftl.pruning.criteria import CRITERIA, Criterion, criterion
from ftl.pruning.layerwise import Branch, advance, choose_layerwise, cut_block
from ftl.pruning.one_shot import choose_one_shot
from ftl.pruning.scoring import ScoringSet
from ftl.pruning.selection import above_average, keep_fraction, pick, pick_all
from ftl.pruning.surgery import fresh_batch_norms, prune
from ftl.sweeping.pruned import fractions_up_to
from tests.conftest import SIZE, make_backbone, make_masks, same

scores_of = hnp.arrays(np.float32, st.integers(2, 60), elements=st.sampled_from([0, 0.25, 0.5, 1]).map(np.float32))
fractions = st.floats(0.01, 1)


@given(scores_of, fractions, fractions, st.booleans())
def test_smaller_fractions_keep_subsets(scores: np.ndarray, a: float, b: float, faithful: bool) -> None:
    low, high = sorted((a, b))
    if faithful and round((len(scores) - 1) * low) < 1:
        with pytest.raises(FtlError, match="leaves nothing"):
            keep_fraction(scores, low, faithful=True)
        return
    few, many = (keep_fraction(scores, one, faithful=faithful) for one in (low, high))
    assert set(few) <= set(many)
    assert few == sorted(few)
    assert len(few) == (round((len(scores) - 1) * low) if faithful else max(1, round(len(scores) * low)))
    dropped = np.delete(scores, few)
    assert not dropped.size or scores[few].min() >= dropped.max()


def test_ties_go_to_the_higher_index_in_the_original_and_to_the_lower_here() -> None:
    scores = np.array([1, 0, 1, 0, 1], np.float32)
    assert keep_fraction(scores, 0.5, faithful=True) == [2, 4]
    assert keep_fraction(scores, 0.4) == [0, 2]
    assert keep_fraction(np.zeros(9, np.float32), 0.25, faithful=True) == [7, 8]


def test_above_average_keeps_the_average_itself() -> None:
    assert above_average(np.array([1, 2, 3, 2], np.float32)) == [1, 2, 3]


def test_groups_are_united() -> None:
    groups = {"crack": np.array([3, 2, 1, 0.0]), "background": np.array([0, 1, 2, 3.0])}
    assert pick(groups, "fraction", 0.25) == ([0, 3], False)
    assert pick(groups, "above-average", None) == ([0, 1, 2, 3], False)


def test_global_ranks_the_filters_of_all_layers_by_multiples_of_their_means() -> None:
    layers = [{"a": np.array([1, 3, 2, 2.0])}, {"a": np.array([10, 20, 30.0])}, {"a": np.array([1, 1.0])}]
    # 0.5, 1.5, 1, 1; 0.5, 1, 1.5; 1, 1
    assert pick_all(layers, "global", 2 / 9) == [([1], False), ([2], False), ([0], True)]  # each layer keeps one
    assert pick_all(layers, "global", 7 / 9) == [([1, 2, 3], False), ([1, 2], False), ([0, 1], False)]
    assert pick_all(layers, "global", 1) == [([0, 1, 2, 3], False), ([0, 1, 2], False), ([0, 1], False)]
    assert pick_all(layers, "fraction", 0.5) == [pick(one, "fraction", 0.5) for one in layers]
    silent = [{"a": np.zeros(3)}, {"a": np.array([0, 1.0])}]
    assert pick_all(silent, "global", 0.2) == [([0], True), ([1], False)]
    two = [{"a": np.array([9, 1, 1.0]), "b": np.array([1, 1, 9.0])}, {"a": np.array([4, 5.0]), "b": np.array([5, 4.0])}]
    assert [one.kept for one in pick_all(two, "global", 0.2)] == [[0, 2], [0, 1]]  # of each group, and united


def test_global_goes_through_a_sweep_and_not_through_a_cascade(workspace: Path) -> None:
    backbone = load_backbone(workspace / "tiny.safetensors")
    masks = load_masks(workspace / "Images", workspace / "Segmented", classes=["Crack"], size=SIZE)
    for refused in ({"mode": "layerwise"}, {"mode": "one_shot", "faithful": True}):
        with pytest.raises(FtlError, match="choose the mode one_shot"):
            PruneConfig(rule="global", **refused)
    made = dict(choose_filters(backbone, masks, [0.3, 0.6], PruneConfig(rule="global", mode="one_shot")))
    widths = [conv.out_channels for conv in backbone.convolutions().values()]
    for fraction, choices in made.items():
        kept = [len(choice.kept) for choice in choices]
        assert sum(kept) == pytest.approx(fraction * sum(widths), abs=1.5)
        relative = [choice.scores["Crack"] / choice.scores["Crack"].mean() for choice in choices]
        stay = min(values[choice.kept].min() for values, choice in zip(relative, choices, strict=True))
        assert stay >= max(
            np.delete(values, one.kept).max(initial=0) for values, one in zip(relative, choices, strict=True)
        )


def zeroed(backbone: Backbone, kept: dict[str, list[int]]) -> Backbone:
    """The full network with the dropped channels set to zero where the next convolution would read them."""
    x = Backbone(backbone.name, nn.Sequential(*backbone.features), backbone.preprocess)
    layers: list[nn.Module] = []
    for block in blocks(x):
        mask = torch.zeros(block.conv.out_channels)
        mask[kept[block.name]] = 1
        layers += [*block.lead, block.conv, *block.head, *block.tail, _Gate(mask)]
    return nn.Sequential(*layers).eval()  # type: ignore[return-value]


class _Gate(nn.Module):
    def __init__(self, mask: torch.Tensor) -> None:
        super().__init__()
        self.mask = mask

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.mask[:, None, None]


@settings(max_examples=40, deadline=None)
@given(st.data(), st.tuples(*[st.integers(1, 9)] * 3), st.integers(0, 5))
def test_a_pruned_network_is_the_full_one_with_channels_zeroed(
    data: st.DataObject, channels: tuple[int, ...], seed: int
) -> None:
    backbone = make_backbone(seed, channels)
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    kept = {
        name: sorted(data.draw(st.sets(st.integers(0, conv.out_channels - 1), min_size=1)))
        for name, conv in backbone.convolutions().items()
    }
    pruned = prune(backbone, kept)
    x = torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed)) * 50
    last = list(kept.values())[-1]
    with torch.inference_mode():
        full, cut = zeroed(backbone, kept)(x)[:, last], pruned(x)
    assert (cut - full).abs().max() <= 1e-5 * max(1.0, float(full.abs().max()))
    assert [conv.out_channels for conv in pruned.convolutions().values()] == [len(one) for one in kept.values()]
    assert all(
        torch.equal(value, before[key]) for key, value in backbone.state_dict().items()
    )  # the source is untouched
    x = x.contiguous(memory_format=torch.channels_last)
    for block, inputs in zip(
        blocks(backbone), [range(3), *kept.values()], strict=False
    ):  # the cascade's own cuts agree
        piece = cut_block(block, inputs, kept[block.name])
        x = piece.tail(piece.run(x))
    torch.testing.assert_close(x, cut, rtol=1e-4, atol=1e-3)


def test_surgery_refuses_nonsense(backbone: Backbone) -> None:
    with pytest.raises(FtlError, match=r"no convolution 'features\.0'"):
        prune(backbone, {"features.0": [0]})
    for wrong in ([], [8], [-1]):
        with pytest.raises(FtlError, match="filters 0 to 7"):
            prune(backbone, {"features.1": wrong})


def test_trained_batch_norms_stay_and_fresh_ones_are_keras(backbone: Backbone) -> None:
    pruned = prune(backbone, {"features.1": [2, 5]})
    norm, trained = pruned.features[3], backbone.features[3]
    for key, value in norm.state_dict().items():
        expected = trained.state_dict()[key]
        assert torch.equal(value, expected[[2, 5]] if value.dim() else expected)
    fresh = fresh_batch_norms(backbone).features[3]
    assert fresh.eps == 1e-3
    assert fresh.running_var.eq(1).all()
    assert trained.running_var.ne(1).any()


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> MaskSet:
    return make_masks(tmp_path_factory.mktemp("masks"), 5)


SWEEP = [0.1, 0.12, 0.25, 0.5, 0.8, 1.0]


@pytest.mark.parametrize("name", [one.name for one in CRITERIA.values() if one.looks_at != "network"])
@pytest.mark.parametrize("mode", ["layerwise", "one_shot"])
def test_a_sweep_chooses_what_each_fraction_chooses_alone(
    backbone: Backbone, masks: MaskSet, name: str, mode: str
) -> None:
    config = PruneConfig(criterion=name, mode=mode)
    together = dict(choose_filters(backbone, masks, SWEEP, config))
    for fraction in SWEEP:
        assert same(together[fraction], dict(choose_filters(backbone, masks, [fraction], config))[fraction])


@pytest.mark.parametrize("room", [0, 20_000, 100_000, 10**9])
def test_memory_changes_nothing(backbone: Backbone, masks: MaskSet, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    how = criterion("iou"), PruneConfig()
    expected = dict(choose_layerwise(backbone, ScoringSet(masks), SWEEP, *how))
    monkeypatch.setattr(layerwise, "HOLD_BYTES", room)
    limited = dict(choose_layerwise(backbone, ScoringSet(masks), SWEEP, *how))
    assert all(same(expected[fraction], limited[fraction]) for fraction in SWEEP)
    apart = dict(branch_by_branch(backbone, masks, how))
    assert all(same(expected[fraction], apart[fraction]) for fraction in SWEEP)


def branch_by_branch(backbone: Backbone, masks: MaskSet, how: tuple[Criterion, PruneConfig]) -> Iterator[Chosen]:
    """Each branch as another process would score it: with nothing but the filters chosen so far."""
    waiting = [Branch((*SWEEP,))]
    while waiting:
        for one in advance(backbone, ScoringSet(masks), waiting.pop(), *how):
            if len(one.choices) < len(blocks(backbone)):
                waiting.append(one)
            else:
                yield from ((fraction, [*one.choices]) for fraction in one.fractions)


@pytest.mark.parametrize("name", [one.name for one in CRITERIA.values() if one.looks_at != "network"])
def test_branches_computed_apart_choose_the_same(backbone: Backbone, masks: MaskSet, name: str) -> None:
    how = criterion(name), PruneConfig(criterion=name)
    together, apart = (
        dict(choose_layerwise(backbone, ScoringSet(masks), SWEEP, *how)),
        dict(branch_by_branch(backbone, masks, how)),
    )
    assert set(apart) == set(SWEEP)
    assert all(same(together[fraction], apart[fraction]) for fraction in SWEEP)


def test_the_cascade_rescores_the_cut_network(backbone: Backbone, masks: MaskSet) -> None:
    """Each layer's scores are those of a network in which all layers before it are cut already."""
    how = criterion("iou"), PruneConfig()
    chosen = dict(choose_layerwise(backbone, ScoringSet(masks), [0.3], *how))[0.3]
    for depth in range(1, len(chosen)):
        cut = prune(backbone, {layer.name: layer.kept for layer in chosen[:depth]})
        scores = dict(choose_one_shot(cut, ScoringSet(masks), [0.3], *how))[0.3][depth].scores
        for group, values in scores.items():
            np.testing.assert_allclose(values, chosen[depth].scores[group], atol=2e-3)


def test_both_modes_agree_on_the_first_layer_and_when_all_is_kept(backbone: Backbone, masks: MaskSet) -> None:
    how, scoring_set = (criterion("binary_iou"), PruneConfig()), ScoringSet(masks)
    one, other = (
        dict(choose_layerwise(backbone, scoring_set, [0.3, 1.0], *how)),
        dict(choose_one_shot(backbone, scoring_set, [0.3, 1.0], *how)),
    )
    assert one[0.3][0].kept == other[0.3][0].kept
    assert same(one[1.0], other[1.0])


def test_ties_are_told_of_each_group_by_itself() -> None:
    flat, clear = np.zeros(4, np.float32), np.array([3, 2, 1, 0], np.float32)
    assert pick({"a": flat}, "fraction", 0.5) == ([0, 1], True)
    assert pick({"a": clear}, "fraction", 0.5) == ([0, 1], False)
    assert pick({"a": flat}, "fraction", 1.0) == ([0, 1, 2, 3], False)
    united = {"a": np.array([3, 3, 1, 0.0]), "b": np.array([0, 0, 1, 3.0])}
    assert pick(united, "fraction", 0.25) == ([0, 3], True)  # filter 1 scored as high as filter 0


def test_above_average_keeps_something_when_rounding_would_not() -> None:
    assert above_average(np.full(7, 0.1, np.float32)) != []


def test_percent_counts_as_the_original_does() -> None:
    assert fractions_up_to(3) == [0.01, 0.02, 0.03]
    assert len(fractions_up_to(100)) == 100
    with pytest.raises(FtlError, match="1 to 100"):
        fractions_up_to(0)


def test_no_masks_and_unknown_modes_are_told(backbone: Backbone, masks: MaskSet, tmp_path: Path) -> None:
    with pytest.raises(FtlError, match="no photographs"):
        dict(choose_filters(backbone, MaskSet(()), [0.5]))
    with pytest.raises(FtlError, match="choose layerwise or one_shot"):
        PruneConfig(mode="twice")
