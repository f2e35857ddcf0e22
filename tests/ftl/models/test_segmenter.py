"""Networks that draw masks: the levels of their encoders, what they take and give, and their files."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import fx, nn

from ftl.errors import FtlError
from ftl.models.backbone import Backbone, build
from ftl.models.classifier import write_head
from ftl.models.graph import walk
from ftl.models.head import Head
from ftl.models.layout import HEAD
from ftl.models.preprocess import Preprocess
from ftl.models.registry import architecture
from ftl.models.segmenter import Segmenter, drawn, levels_of, probabilities_of
from ftl.models.segmenter_files import draws_masks, export_segmenter, load_segmenter
from ftl.models.tiling import draw_mask, segment
from tests.conftest import SIZE, make_backbone
from tests.drawn_photographs import make_segmenter, write_segmenter


def named(name: str, size: int = 64) -> Backbone:
    """A known network with random weights."""
    torch.manual_seed(0)
    return Backbone(name, build(architecture(name).spec()), Preprocess("imagenet", size))


def unpadded() -> Backbone:
    layers = [nn.Conv2d(3, 4, 5), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(4, 6, 3), nn.ReLU(), nn.MaxPool2d(2, 2)]
    return Backbone("unpadded", nn.Sequential(*layers), Preprocess("caffe", SIZE))


NETWORKS: dict[str, Callable[[], Backbone]] = {
    "chain": make_backbone,
    "unpadded": unpadded,
    "alexnet": lambda: named("alexnet", 224),
    "resnet18": lambda: named("resnet18"),
    "mobilenet_v2": lambda: named("mobilenet_v2"),
    "mobilenet_v3_small": lambda: named("mobilenet_v3_small"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_levels_are_the_last_maps_of_each_size_and_masks_are_as_large_as_the_photograph(name: str) -> None:
    network = NETWORKS[name]()
    size = network.preprocess.size
    levels = levels_of(network.spec(), size)
    strides = [level.stride for level in levels]
    assert strides == sorted(set(strides))
    assert min(strides) >= 1  # padding alone makes no level
    x = torch.zeros(1, 3, size, size)
    if isinstance(network.features, nn.Sequential):
        maps = {}
        for key, layer in network.features.named_children():
            maps[key] = x = layer(x)
    else:
        assert isinstance(network.features, fx.GraphModule)
        maps = dict(walk(network.features, x, [level.layer for level in levels]))
        x = network(torch.zeros(1, 3, size, size))
    for level in levels:
        assert maps[level.layer].shape[1] == level.channels
        assert size / maps[level.layer].shape[2] == pytest.approx(level.stride)
    assert x.shape[1:] == maps[levels[-1].layer].shape[1:]
    for classes in (["crack"], ["crack", "pore", "stain"]):
        model = Segmenter(network, classes, 4).eval()
        side = -(-size // model.stride) * model.stride
        outputs = 1 if len(classes) == 1 else 4
        assert model(torch.zeros(2, 3, side, side + model.stride)).shape == (2, outputs, side, side + model.stride)
    for shape in ((1, 1), (3, 2), (37, 61)):
        probabilities = segment(model, np.full((*shape, 3), 99, np.uint8))
        assert probabilities.shape == (4, *shape)
        np.testing.assert_allclose(probabilities.sum(0), 1, rtol=1e-5)
    assert model.parameters_count() > network.parameters_count()


def test_one_class_has_one_logit_and_the_background_comes_first() -> None:
    single = probabilities_of(torch.full((1, 1, 2, 3), 2.0))
    assert single.shape == (1, 2, 2, 3)
    assert float(single[0, 1, 0, 0]) == pytest.approx(1 / (1 + np.exp(-2.0)))
    several = probabilities_of(torch.tensor([0.0, 1.0, 3.0])[None, :, None, None])
    assert several.argmax(1).item() == 2
    assert float(several.sum()) == pytest.approx(1)


def test_a_pixel_is_drawn_where_the_defects_together_reach_the_threshold() -> None:
    probabilities = np.array([[0.5, 0.51, 0.4], [0.2, 0.3, 0.25], [0.3, 0.19, 0.35]], np.float32)[:, None]
    assert drawn(probabilities, 0.5).tolist() == [[2, 0, 2]]
    assert drawn(probabilities, 0.0).tolist() == [[2, 1, 2]]
    assert drawn(probabilities, 0.7).dtype == np.uint8


@pytest.mark.parametrize("classes", [("crack",), ("crack", "pore")], ids=["one class", "two classes"])
def test_it_comes_back_from_its_folder_and_its_file_to_the_bit(tmp_path: Path, classes: tuple[str, ...]) -> None:
    model = make_segmenter(classes)
    folder = write_segmenter(tmp_path, model)
    image = np.random.default_rng(1).integers(0, 256, (37, 61, 3), dtype=np.uint8)
    for path in (folder, export_segmenter(folder, tmp_path / "taken.safetensors")):
        assert draws_masks(path)
        loaded = load_segmenter(path)
        assert (loaded.classes, loaded.threshold) == (model.classes, model.threshold)
        assert loaded.parameters_count() == model.parameters_count()
        assert not loaded.training
        for (key, own), other in zip(model.state_dict().items(), loaded.state_dict().values(), strict=True):
            assert torch.equal(own, other), key
        assert np.array_equal(segment(loaded, image), segment(model, image))
        assert np.array_equal(draw_mask(loaded, image), draw_mask(model, image))
    assert not draws_masks(tmp_path / "keep-0.5")


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A segmenter's file."""
    out = tmp_path_factory.mktemp("taken")
    return export_segmenter(write_segmenter(out, make_segmenter()), out / "taken.safetensors")


def changed(file: Path, target: Path, **decoder: Any) -> Path:
    """A copy of a segmenter's file whose header says other things of the decoder."""
    with safe_open(file, "pt") as source:
        header = json.loads(source.metadata()["ftl"])
        tensors = {key: source.get_tensor(key) for key in source.keys()}  # noqa: SIM118
    save_file(tensors, target, {"ftl": json.dumps(header | {"decoder": header["decoder"] | decoder})})
    return target


@pytest.mark.parametrize(
    ("decoder", "sentence"),
    [
        ({"width": 4096}, "does not fit"),
        ({"width": 10**12}, "holds no network that draws masks"),
        ({"width": float("inf")}, "holds no network that draws masks"),
        ({"width": 0}, "holds no network that draws masks"),
        ({"width": "wide"}, "holds no network that draws masks"),
        ({"width": None}, "holds no network that draws masks"),
        ({"classes": []}, "holds no network that draws masks"),
        ({"classes": 3}, "holds no network that draws masks"),
        ({"classes": ["a"] * 100_000}, "holds no network that draws masks"),
        ({"classes": ["a", "b"]}, "does not fit"),
        ({"threshold": float("nan")}, "holds no network that draws masks"),
        ({"threshold": 2}, "holds no network that draws masks"),
    ],
)
def test_a_header_that_says_anything_is_refused(
    taken: Path, tmp_path: Path, decoder: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(FtlError, match=sentence):
        load_segmenter(changed(taken, tmp_path / "hostile.safetensors", **decoder))


def test_a_width_that_the_file_does_not_hold_takes_no_memory(
    taken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4096 channels at each level are gigabytes."""
    made = list[Segmenter]()

    def kept(*given: Any) -> Segmenter:
        made.append(Segmenter(*given))
        return made[-1]

    monkeypatch.setattr("ftl.models.segmenter_files.Segmenter", kept)
    with pytest.raises(FtlError, match="does not fit"):
        load_segmenter(changed(taken, tmp_path / "wide.safetensors", width=4096))
    assert all(weights.is_meta for weights in made[0].decoder.parameters())


def test_other_files_are_refused(taken: Path, tmp_path: Path) -> None:
    with safe_open(taken, "pt") as source:
        metadata, tensors = source.metadata(), {key: source.get_tensor(key) for key in source.keys()}  # noqa: SIM118
    some = next(key for key in tensors if key.startswith("decoder."))
    for number, others in enumerate(({some: None}, {some: torch.zeros(2)}, {"decoder.more": torch.zeros(2)})):
        kept = {key: value for key, value in (tensors | others).items() if value is not None}
        save_file(kept, tmp_path / f"{number}.safetensors", metadata)
        with pytest.raises(FtlError, match="does not fit"):
            load_segmenter(tmp_path / f"{number}.safetensors")
    for header in ("[]", "{}", '{"decoder": []}', '{"decoder": 7}', "{"):
        save_file(tensors, tmp_path / "header.safetensors", {"ftl": header})
        with pytest.raises(FtlError):
            load_segmenter(tmp_path / "header.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(taken.read_bytes()[:-9])
    for name in ("cut.safetensors", "none.safetensors"):
        with pytest.raises(FtlError):
            load_segmenter(tmp_path / name)
        with pytest.raises(FtlError):
            draws_masks(tmp_path / name)


class _Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("was-run"),)


@pytest.mark.parametrize("name", ["net.pt", "net.pkl", "net.safetensors", "head"])
def test_pickles_are_never_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_segmenter(tmp_path, make_segmenter()) if name == "head" else tmp_path / name
    (path / HEAD if name == "head" else path).write_bytes(pickle.dumps(_Harmful(), 2))
    with pytest.raises(FtlError):
        load_segmenter(path)
    assert not Path("was-run").exists()


def test_a_classifier_is_no_segmenter(tmp_path: Path) -> None:
    folder = write_segmenter(tmp_path, make_segmenter()).parent / "keep-0.5"
    write_head(folder, Head(np.zeros((1, 10), np.float32), np.zeros(1, np.float32), ("a", "b"), pooled=True))
    assert not draws_masks(folder)
    with pytest.raises(FtlError, match="holds no network that draws masks"):
        load_segmenter(folder)
