"""Backbones from every kind of file; what is refused, and how it is told."""

from __future__ import annotations

import json
import pickle
import urllib.error
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from ftl.errors import FtlError
from ftl.models.backbone import Backbone, blocks, build, describe, macs, map_sizes
from ftl.models.io import load_backbone, save_backbone
from ftl.models.preprocess import Preprocess
from ftl.models.registry import REGISTRY, architecture
from tests.conftest import SIZE, make_backbone, make_features


def images(count: int = 2, size: int = SIZE) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8))


def output(backbone: Backbone) -> torch.Tensor:
    with torch.inference_mode():
        return backbone(backbone.preprocess(images()))


def test_the_registry_lists_its_names() -> None:
    assert list(REGISTRY)[:4] == ["vgg16", "alexnet", "alexnet_bn", "resnet18"]
    with pytest.raises(FtlError, match="choose one of vgg16, alexnet, alexnet_bn"):
        architecture("resnet")
    with pytest.raises(FtlError, match="choose one of vgg16, alexnet, alexnet_bn"):
        load_backbone("resnet")


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_adds", "last"),
    [
        ("vgg16", 14_714_688, 15_346_630_656, (7, 7)),
        ("alexnet", 2_469_696, 655_566_528, (6, 6)),
        ("alexnet_bn", 3_747_584, 1_080_502_272, (6, 6)),
    ],
)
def test_architectures(name: str, parameters: int, multiply_adds: int, last: tuple[int, int]) -> None:
    spec = architecture(name).spec()
    backbone = Backbone(name, build(spec), Preprocess())
    assert backbone.parameters_count() == parameters
    assert macs(spec, 224) == multiply_adds
    assert map_sizes(spec, 224)[-1] == last
    assert describe(backbone.features) == spec


@pytest.mark.parametrize("name", ["vgg16", "alexnet"])
def test_chains_that_torchvision_has_are_the_same_there(name: str) -> None:
    with torch.device("meta"):
        assert describe(getattr(torchvision.models, name)().features) == architecture(name).spec()


def test_blocks_compute_what_the_chain_computes(backbone: Backbone) -> None:
    x = expected = backbone.preprocess(images())
    for block in blocks(backbone):
        x = block.run(x)
        assert tuple(x.shape[2:]) == block.map_size
        x = block.tail(x)
        assert tuple(x.shape[2:]) == block.out_size
    torch.testing.assert_close(x, backbone(expected))
    assert [block.name for block in blocks(backbone)] == list(backbone.convolutions())
    assert [type(one).__name__ for one in blocks(backbone)[1].head] == ["BatchNorm2d", "ReLU"]
    assert [type(one).__name__ for one in blocks(backbone)[0].tail] == ["BatchNorm2d", "MaxPool2d"]


def test_preprocessing_kinds() -> None:
    pixel = np.array([[[10, 20, 30]]], np.uint8)
    caffe = Preprocess("caffe", 1)([pixel]).flatten()
    np.testing.assert_allclose(caffe, [30 - 103.939, 20 - 116.779, 10 - 123.68], rtol=1e-6)
    np.testing.assert_allclose(Preprocess("raw", 1)([pixel]).flatten(), [30, 20, 10])
    imagenet = Preprocess("imagenet", 1)([pixel]).flatten()
    np.testing.assert_allclose(
        imagenet, [(10 / 255 - 0.485) / 0.229, (20 / 255 - 0.456) / 0.224, (30 / 255 - 0.406) / 0.225], rtol=1e-5
    )
    assert Preprocess("raw", 8)([np.zeros((5, 9, 3), np.uint8)]).shape == (1, 3, 8, 8)
    with pytest.raises(FtlError, match="choose one of caffe, imagenet, raw"):
        Preprocess("zca")


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_described_file_loads_to_the_same_network(tmp_path: Path, backbone: Backbone, suffix: str) -> None:
    file = tmp_path / f"net{suffix}"
    if suffix == ".pt":
        torch.save(
            {"layers": backbone.spec(), "preprocess": "caffe", "size": SIZE, "state_dict": backbone.state_dict()}, file
        )
    else:
        save_backbone(backbone.features, file, size=SIZE)
    loaded = load_backbone(file)
    assert loaded.preprocess == backbone.preprocess
    torch.testing.assert_close(output(loaded), output(backbone), rtol=0, atol=0)
    assert load_backbone(file, preprocess="raw").preprocess.kind == "raw"


def test_a_pt2_archive_loads_without_unpickling(tmp_path: Path, backbone: Backbone) -> None:
    exported = torch.export.export(backbone.features, (torch.zeros(1, 3, SIZE, SIZE),))
    torch.export.save(exported, tmp_path / "net.pt2")
    loaded = load_backbone(tmp_path / "net.pt2")
    x = torch.randn(1, 3, SIZE, SIZE)
    torch.testing.assert_close(loaded(x), backbone(x))
    refused = tmp_path / "pickled.pt2"
    with zipfile.ZipFile(tmp_path / "net.pt2") as source, zipfile.ZipFile(refused, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b'"use_pickle": false', b'"use_pickle": true'))
    with pytest.raises(FtlError, match="pickles are never loaded"):
        load_backbone(refused)


def test_weights_of_a_known_network_find_their_name(tmp_path: Path) -> None:
    features = build(architecture("alexnet").spec())
    torch.save({f"features.{key}": value for key, value in features.state_dict().items()}, tmp_path / "w.pth")
    assert load_backbone(tmp_path / "w.pth").name == "alexnet"
    assert load_backbone("alexnet", weights=tmp_path / "w.pth").preprocess.kind == "caffe"
    whole = {f"features.{key}": value for key, value in features.state_dict().items()} | {
        "classifier.1.bias": torch.zeros(1)
    }
    torch.save(whole, tmp_path / "torchvision.pth")
    assert load_backbone("alexnet", weights=tmp_path / "torchvision.pth").preprocess.kind == "imagenet"
    with pytest.raises(FtlError, match="does not fit the network's layers"):
        load_backbone("vgg16", weights=tmp_path / "w.pth")


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("exploded"),)


@pytest.mark.parametrize("name", ["bomb.pkl", "bomb.pt", "bomb.pth"])
def test_pickles_are_refused_and_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(FtlError, match="pickle"):
        load_backbone(name)
    assert not Path("exploded").exists()


def test_a_whole_pickled_module_is_refused(tmp_path: Path) -> None:
    torch.save(make_features(), tmp_path / "module.pt")
    with pytest.raises(FtlError, match="save its state_dict"):
        load_backbone(tmp_path / "module.pt")


@pytest.mark.parametrize("name", ["x.h5", "x.safetensors", "x.pt2", "x.pt", "x.onnx"])
def test_damaged_and_foreign_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nothing like it")
    with pytest.raises(FtlError, match=name):
        load_backbone(tmp_path / name)
    with pytest.raises(FtlError, match="there is no file"):
        load_backbone(tmp_path / "missing" / name)


def test_unknown_weights_and_layers_are_told(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "w.pt")
    with pytest.raises(FtlError, match="fit no known backbone"):
        load_backbone(tmp_path / "w.pt")
    with pytest.raises(FtlError, match="may not hold a Softmax"):
        save_backbone(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Softmax(1)), tmp_path / "s.safetensors")
    with pytest.raises(FtlError, match="depthwise"):
        save_backbone(nn.Sequential(nn.Conv2d(3, 6, 3, groups=3)), tmp_path / "g.safetensors")
    with pytest.raises(FtlError, match="no convolution"):
        save_backbone(nn.Sequential(nn.ReLU()), tmp_path / "r.safetensors")
    assert list(tmp_path.iterdir()) == [tmp_path / "w.pt"]


def keras_file(path: Path, layers: list[dict[str, Any]], arrays: dict[str, dict[str, np.ndarray]]) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": layers}})
        group = file.create_group("model_weights")
        for name, tensors in arrays.items():
            for key, value in tensors.items():
                group[f"{name}/{name}/{key}:0"] = value
    return path


def test_keras_same_padding_is_tensorflows(tmp_path: Path) -> None:
    """Stride 4 and kernel 11 on 224: 3 pixels before and 4 after, as TensorFlow lays "same" out."""
    kernel = np.random.default_rng(0).standard_normal((11, 11, 3, 2)).astype(np.float32)
    conv = {
        "name": "c",
        "filters": 2,
        "kernel_size": [11, 11],
        "strides": [4, 4],
        "padding": "same",
        "activation": "relu",
    }
    layers = [{"class_name": "Conv2D", "config": conv}, {"class_name": "Flatten", "config": {"name": "f"}}]
    file = keras_file(tmp_path / "k.h5", layers, {"c": {"kernel": kernel, "bias": np.ones(2, np.float32)}})
    loaded = load_backbone(file)
    x = torch.randn(1, 3, 224, 224)
    padded = nn.functional.pad(x, (3, 4, 3, 4))
    expected = nn.functional.conv2d(padded, torch.from_numpy(kernel).permute(3, 2, 0, 1), torch.ones(2), 4).relu()
    torch.testing.assert_close(loaded(x), expected, rtol=1e-4, atol=1e-4)
    assert loaded(x).shape == (1, 2, 56, 56)


def test_keras_files_that_are_none(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(FtlError, match="holds no network"):
        load_backbone(tmp_path / "data.h5")
    with pytest.raises(FtlError, match="may not hold a LSTM"):
        load_backbone(keras_file(tmp_path / "l.h5", [{"class_name": "LSTM", "config": {"name": "l"}}], {}))


def test_without_a_network_the_error_says_which_file_goes_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*args: object, **kwargs: object) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(FtlError, match=r"vgg16-397923af\.pth elsewhere and put it into .*checkpoints, or .*--weights"):
        load_backbone("vgg16")
    with pytest.raises(FtlError, match="train it"):
        load_backbone("alexnet_bn")
    (tmp_path / "checkpoints").mkdir(exist_ok=True)
    features = build(architecture("alexnet").spec())
    state = {f"features.{key}": value for key, value in features.state_dict().items()} | {
        "classifier.1.bias": torch.zeros(1)
    }
    torch.save(state, tmp_path / "checkpoints" / "alexnet-owt-7be5be79.pth")
    assert load_backbone("alexnet").preprocess.kind == "imagenet"


def test_a_keras_file_says_its_own_size(tmp_path: Path) -> None:
    conv = {
        "name": "c",
        "filters": 2,
        "kernel_size": [3, 3],
        "strides": [2, 2],
        "padding": "same",
        "activation": "relu",
    }
    layers = [{"class_name": "Conv2D", "config": conv | {"batch_input_shape": [None, 64, 64, 3]}}]
    arrays = {"c": {"kernel": np.ones((3, 3, 3, 2), np.float32), "bias": np.zeros(2, np.float32)}}
    loaded = load_backbone(keras_file(tmp_path / "k.h5", layers, arrays))
    assert loaded.preprocess.size == 64
    assert loaded(loaded.preprocess(images())).shape == (2, 2, 32, 32)


def test_channels_must_follow_each_other(tmp_path: Path) -> None:
    with pytest.raises(FtlError, match=r"layer 1 \(conv\) takes 5 channels, but gets 4"):
        save_backbone(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(5, 4, 3)), tmp_path / "x.safetensors")
    with pytest.raises(FtlError, match=r"takes 1 channels, but gets 3"):
        save_backbone(nn.Sequential(nn.Conv2d(1, 4, 3)), tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "size"), [(2, 3, 0, 6), (3, 2, 1, 7), (3, 2, 0, 8), (2, 2, 1, 5)]
)
def test_pools_that_round_up_are_torchs(kernel: int, stride: int, padding: int, size: int) -> None:
    pool = nn.MaxPool2d(kernel, stride, padding, ceil_mode=True)
    assert map_sizes(describe(nn.Sequential(pool)), size) == [tuple(pool(torch.zeros(1, 1, size, size)).shape[2:])]


def test_too_small_an_input_is_told() -> None:
    with pytest.raises(FtlError, match="2 x 2 pixels is too small"):
        map_sizes(make_backbone().spec(), 2)
