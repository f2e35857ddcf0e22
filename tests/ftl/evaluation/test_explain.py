"""What became of the layers, what filters see, and Grad-CAM."""

from __future__ import annotations

import copy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import fx, nn

from ftl import load_backbone, load_masks
from ftl.config import SweepConfig
from ftl.data.masks import MaskSet
from ftl.errors import FtlError
from ftl.evaluation import overlays
from ftl.evaluation.explain import best_first, explain, filter_views, run_to
from ftl.evaluation.layers_left import LayerLeft, layers_chart, profiles, read_layers
from ftl.models.backbone import Backbone, blocks, macs
from ftl.models.classifier import Model
from ftl.models.head import Head
from ftl.models.network_folder import read_description
from ftl.models.preprocess import Preprocess
from ftl.sweeping.pruned import begin_sweep, make_networks
from tests.conftest import SIZE, make_backbone, save_png

CLASSES = ("Background", "Crack")


def colours() -> Backbone:
    """A network of three filters that see red, green and blue: raw input, 1 x 1, no bias."""
    conv = nn.Conv2d(3, 3, 1, bias=False)
    conv.weight.data = torch.eye(3).flip(0)[..., None, None]  # the input is BGR
    return Backbone("colours", nn.Sequential(conv, nn.ReLU(inplace=True)), Preprocess("raw", SIZE))


@pytest.fixture
def painted(tmp_path: Path) -> MaskSet:
    """Two marked halves: red is the mark; green a half of it, or all of the photograph; blue what is outside."""
    upper = np.zeros((SIZE, SIZE), bool)
    upper[: SIZE // 2] = True
    for number, (inside, green) in enumerate([(upper, upper & upper.T), (upper.T, upper | True)]):
        save_png(np.dstack([inside, green, ~inside]) * np.uint8(255), tmp_path / "images" / f"{number}.png")
        save_png(inside * np.uint8(255), tmp_path / "masks" / f"{number}.png")
    return load_masks(tmp_path / "images", tmp_path / "masks", size=SIZE)


@pytest.mark.parametrize("name", ["iou", "binary_iou"])
def test_filters_are_ranked_by_their_overlap_with_the_masks(painted: MaskSet, name: str) -> None:
    seen = filter_views(colours(), "features.0", painted, name)
    np.testing.assert_array_equal(seen.iou, [[1, 0.5, 0], [1, 0.5, 0]])
    np.testing.assert_array_equal(
        seen.maps[:, 0], 255.0 * np.stack([one.image[..., 0] > 0 for one in painted.examples])
    )
    assert best_first(seen.iou.mean(0)) == [0, 1, 2]
    assert best_first(np.array([0.0, 0.5, 0.0, 0.5])) == [1, 3, 0, 2]


def test_a_criterion_that_has_no_ratio_for_one_photograph_and_a_layer_that_is_not_there_are_told(
    painted: MaskSet,
) -> None:
    for name in ("l1", "dissection"):
        with pytest.raises(FtlError, match="take iou"):
            filter_views(colours(), "features.0", painted, name)
    with pytest.raises(FtlError, match=r"no convolution 'features.1': it has features.0"):
        filter_views(colours(), "features.1", painted)


def branching() -> Backbone:
    """conv, norm, ReLU; then a conv beside a shortcut, added and through the same ReLU: as torch.fx traces it."""

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.norm, self.second = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, padding=1)
            self.relu, self.pool = nn.ReLU(inplace=True), nn.AvgPool2d(2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.relu(self.norm(self.first(x)))
            return self.pool(self.relu(x + self.second(x)))

    made = make_backbone()
    made.features = fx.symbolic_trace(Residual().eval().requires_grad_(False))  # type: ignore[assignment]
    made.convolutions = lambda: {f"features.{key}": getattr(made.features, key) for key in ("first", "second")}  # type: ignore[method-assign]
    return made


def test_maps_are_those_that_are_scored_in_a_chain_and_in_a_graph() -> None:
    chain, x = make_backbone(), torch.randn(2, 3, SIZE, SIZE)
    last, y = chain(x), x
    for block in blocks(chain):
        y = block.run(y)
        found = run_to(chain, block.name, x)
        torch.testing.assert_close(found[0], last)
        torch.testing.assert_close(found[1], y)
        y = block.tail(y)
    graph = branching()
    features = graph.features
    first = features.norm(features.first(x)).clamp(min=0)
    torch.testing.assert_close(run_to(graph, "features.first", x)[1], first)
    torch.testing.assert_close(run_to(graph, "features.second", x)[1], features.second(first))
    assert not any(one._forward_hooks for one in graph.modules())


def model(network: Backbone, classes: tuple[str, ...], *, pooled: bool) -> Model:
    rng, maps = np.random.default_rng(3), network(torch.zeros(1, 3, SIZE, SIZE))
    rows, width = (1 if len(classes) == 2 else len(classes)), maps.shape[1] if pooled else maps.numel()
    weight, bias = rng.normal(0, 0.01, (rows, width)), rng.normal(0, 0.5, rows)
    return Model(network, Head(weight.astype(np.float32), bias.astype(np.float32), classes, pooled=pooled))


IMAGE = np.random.default_rng(5).integers(0, 255, (40, 50, 3), np.uint8)


def normed(heat: np.ndarray) -> np.ndarray:
    grown = cv2.resize(heat, (SIZE, SIZE))
    return grown / grown.max()


@pytest.mark.parametrize("label", CLASSES)
def test_with_a_pooled_head_and_the_last_layer_it_is_the_maps_weighed(label: str) -> None:
    one = model(make_backbone(), CLASSES, pooled=True)
    heat, probabilities = explain(one, IMAGE, label)
    _, maps = run_to(one.network, "features.9", one.network.preprocess([IMAGE]))
    weight = one.head.weight[0] if label == "Crack" else -one.head.weight[0]
    places = maps.shape[2] * maps.shape[3]
    expected = np.einsum("c,chw->hw", weight / places, maps[0].numpy()).clip(0)
    assert expected.max() > 0
    np.testing.assert_allclose(heat, normed(expected), atol=1e-6)
    assert (heat.dtype, heat.shape, heat.max()) == (np.float32, (SIZE, SIZE), 1)
    np.testing.assert_array_equal(probabilities, one.probabilities([IMAGE])[0])


def test_at_an_inner_layer_and_a_flat_head_it_is_the_slope_of_the_logit() -> None:
    """The weights of the maps, by differences: the logit of b when one map is raised all over."""
    one = model(make_backbone(), ("a", "b", "c"), pooled=False)
    heat, _ = explain(one, IMAGE, "b", "features.5")
    chain = blocks(one.network)
    y = chain[0].tail(chain[0].run(one.network.preprocess([IMAGE])))
    maps = chain[1].run(y).double()
    after = copy.deepcopy(nn.Sequential(chain[1].tail, chain[2].conv, chain[2].head, chain[2].tail)).double()

    def logit(values: torch.Tensor) -> float:
        return float(after(values).permute(0, 2, 3, 1).flatten() @ torch.from_numpy(one.head.weight[1]).double())

    slopes = []
    for channel in range(maps.shape[1]):
        raised = maps.clone()
        raised[0, channel] += 1e-5
        slopes.append((logit(raised) - logit(maps)) / 1e-5 / maps[0, 0].numel())
    expected = np.einsum("c,chw->hw", slopes, maps[0].numpy()).clip(0)
    np.testing.assert_allclose(heat, normed(expected.astype(np.float32)), atol=1e-3)


def test_grad_cam_of_a_graph_and_where_nothing_speaks_for_the_class() -> None:
    one = model(branching(), CLASSES, pooled=True)
    assert explain(one, IMAGE, "Crack", "features.first")[0].shape == (SIZE, SIZE)
    against = Head(-np.abs(one.head.weight), one.head.bias, CLASSES, pooled=True)
    heat, _ = explain(Model(make_backbone(channels=(8, 12, 4)), against), IMAGE, "Crack")
    assert not heat.any()
    with pytest.raises(FtlError, match="no class 'Pore'"):
        explain(one, IMAGE, "Pore")
    with pytest.raises(FtlError, match="no convolution"):
        explain(one, IMAGE, "Crack", "features.77")


def test_layers_tell_what_stayed_and_their_filters_score_what_is_seen(workspace: Path) -> None:
    masks = load_masks(workspace / "Images", workspace / "Segmented", size=SIZE)
    out = workspace / "models"
    backbone, config = load_backbone(workspace / "tiny.safetensors"), SweepConfig(keep=[0.25])
    begin_sweep(backbone, masks, out, config)
    make_networks(backbone, masks, out, config)
    layers = read_layers(out / "keep-0.25")
    described = read_description(out / "keep-0.25")
    assert [(one.name, one.filters) for one in layers] == [("features.1", 8), ("features.5", 12), ("features.9", 10)]
    assert [list(one.kept) for one in layers] == [one["kept"] for one in described["layers"]]
    assert sum(one.macs for one in layers) == described["macs"]
    assert sum(one.unpruned_macs for one in layers) == macs(make_backbone().spec(), SIZE)
    assert [one.macs for one in layers] == [
        size * size * kept * inputs * kernel * kernel
        for size, kept, inputs, kernel in zip(
            (32, 16, 8), map(len, (one.kept for one in layers)), (3, *(len(one.kept) for one in layers)), (4, 3, 3),
            strict=False,
        )
    ]  # fmt: skip
    network, groups = load_backbone(out / "keep-0.25"), masks.groups
    for one in layers:
        assert list(one.scores) == ["Crack", "Background"]
        seen = filter_views(network, one.name, masks)
        for group, rows in groups.items():
            scores = [one.scores[group][number] for number in one.kept]
            np.testing.assert_allclose(seen.iou[rows].mean(0), scores, atol=1e-6)
    base = read_layers(out / "base")
    assert all(not one.scores and len(one.kept) == one.filters and one.macs == one.unpruned_macs for one in base)


def test_a_profile_holds_the_scores_of_a_group_and_the_kept_apart() -> None:
    """For the Background filter 0 of layer a would have been better: it is the Crack's choice that stayed."""
    layers = [
        LayerLeft("a", (1, 2), 4, {"Crack": (0.0, 0.4, 0.2, 0.1), "Background": (0.9, 0.0, 0.3, 0.1)}, 10, 40),
        LayerLeft("b", (0,), 2, {"Crack": (0.1, 0.1), "Background": (0.0, 0.0)}, 5, 20),
    ]
    assert profiles(layers, "Crack") == [((0.4, 0.2), (0.1, 0.0)), ((0.1,), (0.1,))]
    assert profiles(layers, "Background")[0] == ((0.3, 0.0), (0.9, 0.1))
    filters, stayed, work, left, *shapes = layers_chart(layers, "Crack").data
    assert [list(bar.y) for bar in (filters, stayed, work, left)] == [[4, 2], [2, 1], [4e-5, 2e-5], [1e-5, 5e-6]]
    assert (list(stayed.text), list(left.text)) == (["2 of 4", "1 of 2"], ["25 %", "25 %"])
    assert [(one.name, max(y for y in one.y if y is not None)) for one in shapes] == [("kept", 0.4), ("removed", 0.1)]
    assert len(layers_chart(layers).data) == 4  # of the base, whose filters have no scores, two parts are left


def test_the_picture_of_many_wide_layers_stays_small() -> None:
    scores = tuple(np.random.default_rng(0).random(2048).tolist())
    figure = layers_chart([LayerLeft(f"layer{one}", (3, 5), 2048, {"": scores}, 1, 2) for one in range(50)], "")
    assert len(figure.to_json()) < 500_000
    assert all(bar.text is None for bar in figure.data[:4])


def test_heat_glows_where_it_is_and_leaves_the_rest_grey() -> None:
    photo = np.full((40, 40, 3), (200, 40, 40), np.uint8)
    heat = np.zeros((40, 40), np.float32)
    heat[20:] = 1
    drawn = overlays.heat_over(photo, heat).astype(int)
    assert np.ptp(drawn[:15], axis=2).max() == 0
    assert (drawn[25:].sum(2) > drawn[:15].sum(2).max() + 200).all()


def test_a_mask_is_outlined_not_filled() -> None:
    mask = np.zeros((30, 30), np.uint8)
    mask[10:20, 10:20] = 255
    drawn = overlays.outlined(np.zeros((30, 30, 3), np.uint8), mask)
    assert tuple(drawn[10, 15]) == overlays.OUTLINE
    assert drawn[13:17, 13:17].max() == 0
    assert drawn[:8].max() == 0
