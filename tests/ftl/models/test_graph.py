"""Networks that are no chains: described, built, pruned and scored; what is refused, and how it is told."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torchvision.models.efficientnet import MBConvConfig
from torchvision.models.mobilenetv3 import InvertedResidualConfig

from ftl import export, load_backbone, load_masks, load_model, save_backbone, sweep
from ftl.config import PruneConfig, SweepConfig
from ftl.data.masks import MaskSet
from ftl.errors import FtlError
from ftl.exporting.onnx import core, run, session, whole
from ftl.exporting.quantization import quantised
from ftl.files import read_json
from ftl.models.backbone import Backbone, build, describe, layers_of, macs, map_sizes
from ftl.models.classifier import Model
from ftl.models.graph import walk
from ftl.models.head import Head
from ftl.models.io import build_like
from ftl.models.layer_choice import LayerChoice
from ftl.models.network_folder import write_network
from ftl.models.preprocess import Preprocess
from ftl.models.registry import REGISTRY, architecture
from ftl.models.tracing import trace
from ftl.pruning.choose import choose_filters
from ftl.pruning.coupling import CouplingGroup, coupling_groups
from ftl.pruning.criteria import CRITERIA
from ftl.pruning.surgery import prune
from ftl.sweeping.pruned import begin_sweep
from tests.conftest import SIZE, make_masks, make_workspace, same, save_png

FAMILIES = {
    "resnet18": (11_176_512, 1_813_561_344),
    "resnet34": (21_284_672, 3_663_249_408),
    "resnet50": (23_508_032, 4_087_136_256),
    "mobilenet_v2": (2_223_872, 299_494_272),
    "mobilenet_v3_small": (927_008, 54_896_576),
    "mobilenet_v3_large": (2_971_952, 214_080_960),
    "efficientnet_b0": (4_007_548, 384_534_752),
    "densenet121": (6_953_856, 2_833_137_664),
    "squeezenet1_1": (722_496, 262_623_936),
}
"""torchvision's count of parameters without the classifier, and MACs of convolutions at 224 pixels."""


def trained(features: nn.Module, seed: int = 0, size: int = 64) -> nn.Module:
    """Random weights, and batch norms that have seen random images: maps of all layers are about one in size."""
    generator = torch.Generator().manual_seed(seed)
    for layer in features.modules():
        if isinstance(layer, nn.Conv2d):
            fan = layer.weight[0].numel()
            layer.weight.data = torch.randn(layer.weight.shape, generator=generator) * (2 / fan) ** 0.5
            if layer.bias is not None:
                layer.bias.data = 0.1 * torch.randn(layer.bias.shape, generator=generator)
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None  # the mean of what is seen, rather than a running one
            layer.weight.data = 0.5 + torch.rand(layer.weight.shape, generator=generator)
            layer.bias.data = torch.randn(layer.bias.shape, generator=generator)
    with torch.no_grad():
        features.train()(torch.randn(8, 3, size, size, generator=generator))
    for layer in features.modules():
        if isinstance(layer, nn.BatchNorm2d):  # a filter that was silent by chance would make noise of rounding
            layer.running_var.clamp_(min=0.1 * float(layer.running_var.mean()))
    return features.eval()


def photographs(size: int = 64) -> torch.Tensor:
    return torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(9))


def of_family(name: str) -> Backbone:
    features = build(architecture(name).spec())
    return Backbone(name, trained(features), Preprocess("imagenet", 64))  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=list(FAMILIES))
def family(request: pytest.FixtureRequest) -> Backbone:
    return of_family(request.param)


def masked(backbone: Backbone, found: list[CouplingGroup], kept: dict[str, list[int]]) -> tuple[Backbone, torch.Tensor]:
    """The whole network that sets dropped filters to zero for all who mix channels, and which of its outputs stay.

    Behind a convolution a zero would not stay one, for normalisations and activations move it: so it is set where maps
    are read, by convolutions that are not depthwise.
    """
    full, spec = copy.deepcopy(backbone), backbone.spec()
    assert isinstance(spec, dict)
    whole = {name: conv.out_channels for name, conv in full.convolutions().items()}
    stays = {"input": torch.ones(3)}
    members = {member: kept[tie.name] for tie in found if tie.name in kept for member in tie.members}
    for one in layers_of(spec):
        given = [stays[source] for source in one["from"]]
        if one["type"] == "conv" and one.get("groups", 1) == 1:
            name = f"features.{one['name']}"
            mask = torch.zeros(whole[name])
            mask[members.get(name, range(whole[name]))] = 1
            stays[one["name"]] = mask
            full.convolutions()[name].register_forward_pre_hook(
                lambda _, inputs, read=given[0]: (inputs[0] * read[:, None, None],)
            )
        else:
            stays[one["name"]] = torch.cat(given) if one["type"] == "cat" else given[0]
    return full, stays[spec["output"]].bool()


def some(backbone: Backbone, found: list[CouplingGroup], seed: int = 0) -> dict[str, list[int]]:
    """A random half or so of each tie's filters; one tie is left with a single filter, one is left whole."""
    rng = np.random.default_rng(seed)
    widths = {name: conv.out_channels for name, conv in backbone.convolutions().items()}
    filters = {tie.name: widths[tie.name] for tie in found}
    kept = {name: sorted(rng.choice(n, max(1, n // 2), replace=False).tolist()) for name, n in filters.items()}
    second, last = list(kept)[1], list(kept)[-1]
    return kept | {second: [0], last: list(range(filters[last]))}


def close(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and float((a - b).abs().max()) <= 1e-5 * max(1.0, float(b.abs().max()))


def test_a_family_is_torchvisions_and_comes_back_from_its_description(family: Backbone) -> None:
    spec = family.spec()
    assert json.loads(json.dumps(spec)) == spec == describe(build(spec)) == architecture(family.name).spec()
    again = Backbone(family.name, build(json.loads(json.dumps(spec))), family.preprocess)
    again.load_state_dict(family.state_dict())
    with torch.inference_mode():
        assert torch.equal(again(photographs()), family(photographs()))
    parameters, multiply_adds = FAMILIES[family.name]
    assert sum(one.numel() for one in family.parameters()) == parameters
    assert macs(spec, 224) == multiply_adds
    theirs = getattr(torchvision.models, family.name)()
    inside = build_like(theirs.features if family.name.startswith("squeezenet") else theirs).eval()
    stem = nn.Sequential(*list(theirs.children())[:-2]) if family.name.startswith("resnet") else theirs.features
    with torch.inference_mode():
        expected = stem.eval()(photographs())
        assert torch.equal(inside(photographs()), expected.relu() if "dense" in family.name else expected)


def test_a_pruned_family_is_the_whole_with_filters_set_to_zero(family: Backbone, tmp_path: Path) -> None:
    found, x = coupling_groups(family), photographs()
    kept = some(family, found)
    pruned = prune(family, kept)
    full, stays = masked(family, found, kept)
    with torch.inference_mode():
        expected = full(x)[:, stays]
        assert float(expected.abs().max()) > 0.01
        assert close(pruned(x), expected)
    widths = {name: conv.out_channels for name, conv in pruned.convolutions().items()}
    assert all(widths[member] == len(kept[tie.name]) for tie in found for member in tie.members)
    assert pruned.parameters_count() < 0.7 * family.parameters_count()
    choices = [LayerChoice(tie.name, {}, kept[tie.name], members=tie.members) for tie in found]
    write_network(tmp_path / "net", pruned, choices, 0.5, {})
    save_backbone(pruned.features, tmp_path / "net.safetensors", name=family.name, preprocess="imagenet", size=64)
    for file in ("net", "net.safetensors"):
        loaded = load_backbone(tmp_path / file)
        assert (loaded.preprocess, loaded.name) == (family.preprocess, family.name)
        assert loaded.spec() == pruned.spec()
        with torch.inference_mode():
            assert torch.equal(loaded(x), pruned(x))
    described = read_json(tmp_path / "net" / "network.json")
    assert [layer["members"] for layer in described["layers"]] == [[*tie.members] for tie in found]
    assert described["macs"] < macs(family.spec(), 64)


def kinds(backbone: Backbone) -> set[tuple[object, ...]]:
    """What layers it has: of which types, reading one map or several, mixing channels or not, with biases or not."""
    spec = backbone.spec()
    return {(one["type"], len(one["from"]) > 1, one.get("groups", 1) == 1, one.get("bias")) for one in layers_of(spec)}


def exported(name: str) -> Backbone:
    """The family, or one of few blocks with its kinds of layers: PyTorch exports each as slowly as any other."""
    few: dict[str, Callable[[], nn.Module]] = {
        "densenet121": lambda: torchvision.models.DenseNet(32, (2, 2, 2, 2), 64),
        "mobilenet_v2": lambda: torchvision.models.MobileNetV2(
            inverted_residual_setting=[[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 2, 2]]
        ),
        "mobilenet_v3_small": lambda: torchvision.models.MobileNetV3(
            [
                InvertedResidualConfig(16, 3, 16, 16, True, "RE", 2, 1, 1),
                InvertedResidualConfig(16, 3, 72, 24, False, "RE", 2, 1, 1),
                InvertedResidualConfig(24, 3, 88, 24, False, "RE", 1, 1, 1),
                InvertedResidualConfig(24, 5, 96, 40, True, "HS", 2, 1, 1),
                InvertedResidualConfig(40, 5, 240, 40, True, "HS", 1, 1, 1),
            ],
            1024,
        ),
        "efficientnet_b0": lambda: torchvision.models.EfficientNet(
            [MBConvConfig(1, 3, 1, 32, 16, 1), MBConvConfig(6, 3, 2, 16, 24, 2), MBConvConfig(6, 5, 2, 24, 40, 2)], 0.2
        ),
    }
    if name not in few:
        return of_family(name)
    return Backbone(name, trained(build_like(few[name]())), Preprocess("imagenet", 64))  # type: ignore[arg-type]


EXPORTED = ("resnet18", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "densenet121", "squeezenet1_1")


def test_what_is_exported_here_has_all_kinds_of_layers(family: Backbone) -> None:
    assert any(kinds(family) <= kinds(exported(name)) for name in EXPORTED)


@pytest.mark.parametrize("name", EXPORTED)
def test_a_pruned_family_says_the_same_in_onnx_runtime(name: str) -> None:
    """From photographs of any size to probabilities, in float32; in 8-bit integers it runs, and is a distribution."""
    family = exported(name)
    pruned = prune(family, some(family, coupling_groups(family)))
    rng = np.random.default_rng(4)
    images = [rng.integers(0, 256, (*shape, 3), np.uint8) for shape in ((64, 64), (80, 47))]
    with torch.inference_mode():
        seen = pruned(pruned.preprocess(images)).mean((2, 3)).numpy()
    weight = rng.normal(0, 1 / float(np.linalg.norm(seen[0])), (3, seen.shape[1])).astype(np.float32)
    model = Model(pruned, Head(weight, np.zeros(3, np.float32), ("a", "b", "c"), pooled=True))
    expected = model.probabilities(images)
    assert np.ptp(expected) > 0.05  # it says something
    made = core(model)
    running = session(whole(made, pruned.preprocess, {"classes": model.head.classes}).SerializeToString())
    for image, own in zip(images, expected, strict=True):
        assert np.abs(run(running, image) - own).max() < 1e-5
    tensors = [pruned.preprocess([image])[0].contiguous().numpy() for image in images]
    said = run(session(quantised(made, tensors).SerializeToString()), tensors[0])
    assert said.sum() == pytest.approx(1, abs=1e-5)


def test_weights_of_torchvision_find_their_network(tmp_path: Path) -> None:
    for name in ("resnet18", "resnet34", "densenet121"):
        state = getattr(torchvision.models, name)().state_dict()
        old = {key.replace("norm1", "norm.1").replace("conv2", "conv.2"): value for key, value in state.items()}
        torch.save(old if name == "densenet121" else state, tmp_path / f"{name}.pth")
        loaded = load_backbone(tmp_path / f"{name}.pth")
        assert (loaded.name, loaded.preprocess.kind) == (name, "imagenet")
        assert torch.equal(next(iter(loaded.convolutions().values())).weight, next(iter(state.values())))
    with pytest.raises(FtlError, match=r"does not fit the network's layers: it holds \d+ more"):
        load_backbone("resnet18", weights=tmp_path / "resnet34.pth")


class Residual(nn.Module):
    """Two additions to one stream of two filters, whose maps are known by heart (see the test)."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, 2, 1), nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1)
        for layer, bias in ((self.a, (0, 1)), (self.b, (1, -1)), (self.c, (-1, 1))):
            layer.weight.data.zero_()
            layer.bias.data = torch.tensor(bias, dtype=torch.float32)
        self.a.weight.data[0, 0] = 1
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu(self.a(x))
        x = self.relu(x + self.b(x))
        return self.relu(self.c(x) + x)


def half_dark(folder: Path) -> MaskSet:
    """A photograph of 8 pixels, whose left half is bright and masked."""
    left = np.zeros((8, 8), np.uint8)
    left[:, :4] = 255
    save_png(np.repeat(left[..., None] // 32, 3, 2), folder / "Images" / "Crack" / "0.png")
    save_png(left, folder / "Segmented" / "Crack" / "0.png")
    return load_masks(folder / "Images", folder / "Segmented", size=8)


@pytest.mark.parametrize("mode", ["once", "cascade"])
@pytest.mark.parametrize(
    ("joint", "read", "expected"),
    [
        # IoU of "active" with the left half. Filter 0: `a` is active on the left (1), `b` everywhere (1/2), `c` nowhere
        # (0); the first sum everywhere (1/2), the second on the left (1). Filter 1: everywhere (1/2), nowhere (0),
        # everywhere (1/2); the first sum nowhere (0), the second everywhere (1/2).
        ("mean", "before", [(1 + 1 / 2 + 0) / 3, (1 / 2 + 0 + 1 / 2) / 3]),
        ("max", "before", [1, 1 / 2]),
        ("mean", "after", [(1 / 2 + 1) / 2, (0 + 1 / 2) / 2]),
        ("max", "after", [1, 1 / 2]),
    ],
)
def test_joint_scores_are_the_mean_or_maximum_before_or_after(
    tmp_path: Path, mode: str, joint: str, read: str, expected: list[float]
) -> None:
    backbone = Backbone("residual", build_like(Residual()), Preprocess("raw", 8))
    (tie,) = coupling_groups(backbone)
    assert tie.members == ("features.a", "features.b", "features.c")
    assert (tie.before, tie.after) == (("relu", "b", "c"), ("relu_1", "relu_2"))
    config = PruneConfig(criterion="binary_iou", mode=mode, coupling_score=joint, coupling_maps=read)
    ((_, (choice,)),) = choose_filters(backbone, half_dark(tmp_path), [0.5], config)
    np.testing.assert_allclose(next(iter(choice.scores.values())), expected, rtol=1e-6)
    assert (choice.name, choice.members, choice.kept) == (tie.name, tie.members, [0])


def test_weights_are_joined_over_all_members(tmp_path: Path) -> None:
    backbone = Backbone("residual", build_like(Residual()), Preprocess("raw", 8))
    convolutions = backbone.convolutions().values()
    for number, conv in enumerate(convolutions):
        conv.weight.data[1] = number
    sums = torch.stack([conv.weight.abs().sum((1, 2, 3)) for conv in convolutions])
    for joint, expected in (("mean", sums.mean(0)), ("max", sums.amax(0))):
        config = PruneConfig(criterion="l1", coupling_score=joint)
        ((_, (choice,)),) = choose_filters(backbone, half_dark(tmp_path / joint), [0.5], config)
        np.testing.assert_allclose(choice.scores["Crack"], expected)


def mobile(seed: int = 0) -> Backbone:
    """A small MobileNetV2: depthwise convolutions and one residual addition."""
    torch.manual_seed(seed)
    setting = [[1, 64, 1, 1], [2, 96, 2, 2]]
    network = torchvision.models.MobileNetV2(width_mult=0.25, inverted_residual_setting=setting)
    network.features[-1][0] = nn.Conv2d(24, 12, 1)
    network.features[-1][1] = nn.BatchNorm2d(12)
    features = trained(build_like(network), seed, SIZE)
    return Backbone("mobile", features, Preprocess("caffe", SIZE))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> MaskSet:
    return make_masks(tmp_path_factory.mktemp("masks"), 2)


@pytest.mark.parametrize("name", [one.name for one in CRITERIA.values() if one.looks_at != "network"])
def test_both_modes_agree_where_nothing_is_cut_before(masks: MaskSet, name: str) -> None:
    backbone, config = mobile(), PruneConfig(criterion=name)
    at_once = dict(choose_filters(backbone, masks, [0.5, 1.0], config.but(mode="one_shot")))
    layerwise = dict(choose_filters(backbone, masks, [0.5, 1.0], config))
    assert same(at_once[1.0], layerwise[1.0])
    assert same(at_once[0.5][:1], layerwise[0.5][:1])
    assert same(dict(choose_filters(backbone, masks, [0.5], config))[0.5], layerwise[0.5])


@pytest.mark.parametrize("read", ["before", "after"])
def test_the_cascade_rescores_the_cut_network(masks: MaskSet, read: str) -> None:
    backbone, config = mobile(), PruneConfig(coupling_maps=read)
    chosen = dict(choose_filters(backbone, masks, [0.4], config))[0.4]
    assert len({layer.name for layer in chosen}) == len(coupling_groups(backbone)) == len(chosen)
    for depth in range(1, len(chosen)):
        cut = prune(backbone, {layer.name: layer.kept for layer in chosen[:depth]})
        scores = dict(choose_filters(cut, masks, [0.4], config.but(mode="one_shot")))[0.4][depth].scores
        for group, values in scores.items():
            np.testing.assert_allclose(values, chosen[depth].scores[group], atol=2e-3)


def test_global_ranks_all_ties_together(masks: MaskSet) -> None:
    ((_, chosen),) = choose_filters(mobile(), masks, [0.5], PruneConfig(rule="global", mode="one_shot"))
    (whole,) = dict(choose_filters(mobile(), masks, [1.0], PruneConfig(mode="one_shot"))).values()
    assert len({len(one.kept) / len(all_of.kept) for one, all_of in zip(chosen, whole, strict=True)}) > 1
    assert sum(len(one.kept) for one in chosen) >= 0.5 * sum(len(one.kept) for one in whole)
    assert prune(mobile(), {one.name: one.kept for one in chosen})(torch.zeros(1, 3, SIZE, SIZE)).shape[0] == 1


def test_a_pass_ends_with_the_last_map_that_is_read() -> None:
    backbone = mobile()
    first, run = coupling_groups(backbone)[0], list[str]()
    for name, layer in backbone.features.named_modules():
        layer.register_forward_hook(lambda *_, name=name: run.append(name))
    found = dict(walk(backbone.features, photographs(SIZE), first.after))  # type: ignore[arg-type]
    assert list(found) == [*first.after] == [run[-1]]
    assert len(run) < len(layers_of(backbone.spec())) / 2


def test_depthwise_filters_are_read_at_the_depthwise_output() -> None:
    found = {tie.name: tie for tie in coupling_groups(mobile())}
    assert len(found) == 6
    stem, stream = found["features.0.0"], found["features.2.conv.2"]
    assert stem.members == ("features.0.0", "features.1.conv.0.0")
    assert (stem.before, stem.after) == (("0.2", "1.conv.0.2"), ("1.conv.0.2",))
    assert stream.members == ("features.2.conv.2", "features.3.conv.2")
    assert (stream.before, stream.after) == (("2.conv.3", "3.conv.3"), ("add",))


def test_squeezed_maps_are_no_choice_and_count_for_no_score() -> None:
    backbone = Backbone("v3", build(architecture("mobilenet_v3_small").spec()), Preprocess("imagenet", 64))
    found = coupling_groups(backbone)
    assert not [name for tie in found for name in (*tie.before, *tie.after) if "fc" in name]
    members = {name for tie in found for name in tie.members}
    assert {name for name in backbone.convolutions() if name not in members} == {
        name for name in backbone.convolutions() if name.endswith("fc1")
    }
    tie = found[0]  # the first block: a depthwise convolution whose maps are squeezed and excited
    assert tie.members[-1] == "features.1.block.1.fc2"
    assert tie.after == ("1.block.0.2", "mul")


def test_dense_blocks_read_what_is_concatenated() -> None:
    """Cutting one of the layers that a concatenation holds cuts just its part of all who read it."""
    backbone = Backbone("dense", build(architecture("densenet121").spec()), Preprocess("imagenet", 64))
    name = "features.denseblock1.denselayer1.conv2"
    pruned = prune(backbone, {name: [3, 30]}).convolutions()
    third = "features.denseblock1.denselayer3.conv1"
    keep = [*range(64), 64 + 3, 64 + 30, *range(96, 128)]
    assert torch.equal(pruned[third].weight, backbone.convolutions()[third].weight[:, keep])


def test_batch_norms_learn_and_in_place_activations_change_no_other_map() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm, self.other = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.norm(self.conv(x))
            y = nn.functional.relu(x, inplace=True)
            z = self.other(x)  # reads what the activation has overwritten
            z += y
            return torch.cat([z, x], 1)

    network = Two().eval()
    features = build_like(network)
    x = photographs(8)
    with torch.inference_mode():
        assert torch.equal(features.eval()(x), network(x))
    before = features.get_submodule("norm").running_mean.clone()
    features.train()(x)
    assert not torch.equal(cast(Any, features.get_submodule("norm")).running_mean, before)


def test_a_described_network_exports() -> None:
    backbone = prune(mobile(), {"features.0.0": [1, 2, 3]})
    exported = torch.export.export(backbone, (photographs(SIZE),)).module()
    assert close(exported(photographs(SIZE)), backbone(photographs(SIZE)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"output": "c"}, "none of its nodes"),
        ({"nodes": []}, "none of its nodes"),
        ({"nodes": [{"name": "b", "type": "relu", "from": ["input"]}]}, "no convolution"),
        ({"nodes": [{"name": 'b"); import os; ("', "type": "relu", "from": ["input"]}]}, "is no name for a layer"),
        ({"nodes": [{"name": "forward", "type": "relu", "from": ["input"]}]}, "is no name for a layer"),
        ({"nodes": [{"name": "x.__class__", "type": "relu", "from": ["input"]}]}, "is no name for a layer"),
        ({"nodes": [{"name": "b", "type": "eval", "from": ["input"]}]}, "there is no 'eval' of 1 maps"),
        ({"nodes": [{"name": "b", "type": "add", "from": ["input"]}]}, "there is no 'add' of 1 maps"),
        ({"nodes": [{"name": "b", "type": "relu", "from": ["a"]}]}, "damaged"),
        ({"nodes": [{"name": "b", "type": "norm", "channels": 4, "from": ["input"]}]}, "takes 4 channels, but gets 3"),
        ({"nodes": [{"name": "input", "type": "relu", "from": ["input"]}]}, "two layers are named input"),
        ({"nodes": 3}, "damaged"),
    ],
)
def test_damaged_descriptions_are_told_and_never_run(change: dict[str, object], told: str) -> None:
    conv: dict[str, Any] = {
        "in": 3,
        "out": 4,
        "kernel": [1, 1],
        "stride": [1, 1],
        "padding": [0, 0],
        "dilation": [1, 1],
        "bias": True,
    }
    nodes = [{"name": "a", "type": "conv", "from": ["input"]} | conv, {"name": "b", "type": "relu", "from": ["a"]}]
    good = {"nodes": nodes, "output": "b"}
    build(good)
    with pytest.raises(FtlError, match=told):
        build(good | change)
    for key in conv:
        with pytest.raises(FtlError, match="damaged"):
            build({"nodes": [{name: value for name, value in nodes[0].items() if name != key}], "output": "a"})


class Net(nn.Module):
    """A convolution, and what a test puts behind it."""

    def __init__(self, then: Callable[[nn.Module, torch.Tensor], torch.Tensor], layer: nn.Module | None = None) -> None:
        super().__init__()
        self.conv, self.then, self.layer = nn.Conv2d(3, 8, 3, padding=1), then, layer or nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.then(self, self.conv(x))


def use(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return net.layer(x)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (
            Net(use, nn.Conv2d(8, 8, 1, groups=2)),
            "layer layer: a convolution of 8 to 8 channels in 2 groups is nei",
        ),
        (Net(use, nn.Conv2d(8, 16, 1, groups=8)), "layer layer: a convolution of 8 to 16 channels in 8 groups is neit"),
        (Net(use, nn.ChannelShuffle(2)), "may not hold a ChannelShuffle, layer layer"),
        (Net(lambda net, x: torch.cat(x.chunk(2, 1)[::-1], 1)), r"may not hold a chunk, at chunk \(channels are split"),
        (
            Net(lambda net, x: x.view(1, 4, 2, 8, 8).transpose(1, 2)),
            r"may not hold a view, at view \(maps are resh",
        ),
        (Net(use, nn.LayerNorm([8, 4, 4])), r"may not hold a LayerNorm, layer layer \(it normalises over all channels"),
        (Net(use, nn.Sequential(nn.GroupNorm(2, 8))), r"may not hold a GroupNorm, layer layer\.0 \("),
        (Net(lambda net, x: net.layer(x, x, x)[0], nn.MultiheadAttention(8, 1)), "attention mixes positions"),
        (Net(use, nn.Softmax(1)), "may not hold a Softmax, layer layer: it is made of AdaptiveAvgPool2d, .* ReLU6"),
        (Net(lambda net, x: net.conv(x[:, :3]) + x), "may not hold a getitem"),
        (Net(lambda net, x: x * 0.5), r"mul: a map is joined with the number 0\.5"),
        (Net(lambda net, x: torch.cat([x, x], 2)), "may not hold a cat, at cat"),
        (Net(lambda net, x: x if x.sum() > 0 else -x), "a Net cannot be followed from layer to layer"),
        (Net(lambda net, x: x.mean(1)), "may not hold a mean, at mean"),
        (Net(lambda net, x: (x, x)), "gives more than one map"),  # type: ignore[arg-type,return-value]
        (Net(use, nn.AdaptiveAvgPool2d((None, 1))), "layer layer: an adaptive pool that leaves a side as it is"),
    ],
)
def test_what_cannot_be_pruned_is_refused_by_name(tmp_path: Path, network: nn.Module, told: str) -> None:
    with pytest.raises(FtlError, match=told):
        save_backbone(network, tmp_path / "net.safetensors")
    assert not [*tmp_path.iterdir()]
    assert network.training  # it is given back as it came


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("resnext50_32x4d", "neither ordinary nor depthwise"),
        ("regnet_y_400mf", "neither ordinary nor depthwise"),
        ("shufflenet_v2_x1_0", "split and shuffled"),
        ("vit_b_16", "attention"),
        ("convnext_tiny", "normalises over all channels"),
    ],
)
def test_families_that_cannot_be_pruned_are_refused_before_any_work(name: str, told: str) -> None:
    with pytest.raises(FtlError, match=f"{name} cannot be pruned by filters: .*{told}"):
        load_backbone(name)


@pytest.mark.parametrize(
    "then",
    [
        lambda net, x: net.layer(x) * x.mean((2, 3), keepdim=True).sigmoid(),
        lambda net, x: x.relu().add(nn.functional.hardswish(net.layer(x))).mean([2, 3]),
        lambda net, x: torch.flatten(nn.functional.adaptive_avg_pool2d(torch.cat((x, net.layer(x)), dim=1), 1), 1),
        lambda net, x: nn.functional.max_pool2d(nn.functional.pad(net.layer(x), (0, 1, 0, 1)), 2, ceil_mode=True),
        lambda net, x: nn.functional.dropout(nn.functional.avg_pool2d(x, 2, 2), training=net.training).contiguous(),
    ],
)
def test_functions_and_methods_are_read_as_layers(then: Callable[[nn.Module, torch.Tensor], torch.Tensor]) -> None:
    network = Net(then, nn.Conv2d(8, 8, 1, groups=8)).eval()
    features, x = build_like(network), photographs(8)
    assert describe(build(describe(features))) == describe(features) == describe(network)
    with torch.inference_mode():
        expected, made = network(x), features(x)
        assert torch.equal(made if expected.dim() == 4 else made.mean((2, 3)), expected)


def test_a_convolution_that_is_used_twice_is_refused(tmp_path: Path) -> None:
    conv = nn.Conv2d(3, 3, 1)
    with pytest.raises(FtlError, match=r"layer 0\.0 is used twice"):
        save_backbone(nn.Sequential(nn.Sequential(conv), nn.Sequential(conv)), tmp_path / "net.safetensors")


class Tangled(nn.Module):
    """Filters tied to a part of others, or to the photograph."""

    def __init__(self, photo: bool) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1), nn.Conv2d(6, 6, 1, groups=6)
        self.photo = photo

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.a(x) + x if self.photo else self.c(torch.cat([self.a(x), self.b(x)], 1))


def test_a_sweep_refuses_what_it_cannot_score_before_any_work(masks: MaskSet, tmp_path: Path) -> None:
    for photo, told in (
        (True, "layer add couples filters with the photograph's"),
        (False, "layer c couples the filters of sev"),
    ):
        backbone = Backbone("tangled", build_like(Tangled(photo)), Preprocess("raw", SIZE))
        with pytest.raises(FtlError, match=told):
            begin_sweep(backbone, masks, tmp_path / "out", SweepConfig(keep=[0.5]))
    with pytest.raises(FtlError, match="mobile is no chain"):
        begin_sweep(mobile(), masks, tmp_path / "out", SweepConfig(keep=[0.5], faithful=True))
    for wrong, told in (({"coupling_score": "sum"}, "choose mean or max"), ({"coupling_maps": "x"}, "before or after")):
        with pytest.raises(FtlError, match=told):
            PruneConfig(**wrong)
    assert not (tmp_path / "out").exists()
    with pytest.raises(FtlError, match="coupled with a convolution that is named as well"):
        prune(mobile(), {"features.0.0": [0, 1], "features.1.conv.0.0": [0, 1]})


def test_a_whole_sweep(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "workspace")
    save_backbone(mobile().features, workspace / "mobile.safetensors", size=SIZE)
    backbone = load_backbone(workspace / "mobile.safetensors")
    loaded = load_masks(workspace / "Images", workspace / "Segmented", size=SIZE)

    def run(**options: object) -> list[str]:
        done = sweep(
            backbone, loaded, SweepConfig(keep=[0.5], **options), dataset=workspace / "dataset",
            evaluation=workspace / "evaluation", out=tmp_path / "models",
        )  # fmt: skip
        return [f"{one.name} {one.parameters} {' '.join(map(str, one.channels))}" for one in done.candidates]

    first = run(coupling_score="max", coupling_maps="before")
    assert [one.split()[0] for one in first] == ["base", "keep-0.5"]
    settings = read_json(tmp_path / "models" / "sweep.json")["settings"]
    network = read_json(tmp_path / "models" / "keep-0.5" / "network.json")
    told = settings["coupling_score"], settings["coupling_maps"]
    assert told == (network["made_with"]["coupling_score"], "before") == ("max", "before")
    assert len(network["layers"]) == len(first[1].split()) - 2 == len(coupling_groups(backbone))
    assert len(network["layers"][0]["scores"]) == 8
    image = loaded.examples[0].image
    folder = tmp_path / "models" / "keep-0.5"
    whole, taken = load_model(folder), load_model(export(folder, tmp_path / "pick.safetensors"))
    assert np.array_equal(whole.probabilities([image]), taken.probabilities([image]))
    with pytest.raises(FtlError, match="coupling_score was max, now mean"):
        run(coupling_maps="before")


def test_mobilenet_with_real_weights(shared: Path, tmp_path: Path) -> None:
    file = shared / "backbones" / "mobilenet_v2_imagenet.safetensors"
    backbone = load_backbone(file)
    assert (backbone.name, backbone.preprocess) == ("mobilenet_v2", Preprocess("imagenet", 224))
    named = load_backbone("mobilenet_v2", weights=file)
    assert torch.equal(named.convolutions()["features.18.0"].weight, backbone.convolutions()["features.18.0"].weight)
    for side in ("images", "masks"):
        for path in sorted((shared / "data" / "masonry" / side).iterdir())[:2]:
            (tmp_path / side).mkdir(exist_ok=True)
            (tmp_path / side / path.name).symlink_to(path)
    loaded = load_masks(tmp_path / "images", tmp_path / "masks", size=224)
    chosen = dict(choose_filters(backbone, loaded, [0.5], PruneConfig(mode="one_shot")))[0.5]
    kept = {choice.name: choice.kept for choice in chosen}
    pruned, (full, stays) = prune(backbone, kept), masked(backbone, coupling_groups(backbone), kept)
    x = backbone.preprocess([one.image for one in loaded.examples])
    with torch.inference_mode():
        assert close(pruned(x), full(x)[:, stays])
    assert pruned.parameters_count() < 0.3 * backbone.parameters_count()


def test_all_names_have_weights_and_a_shape() -> None:
    assert set(FAMILIES) < set(REGISTRY)
    for name in FAMILIES:
        assert torchvision.models.get_weight(f"{REGISTRY[name].weights}.IMAGENET1K_V1").url.startswith("https://")
        assert len(map_sizes(architecture(name).spec(), 224)) == len(layers_of(architecture(name).spec()))
    assert trace(torchvision.models.mnasnet0_5())["output"] == "layers.16"
