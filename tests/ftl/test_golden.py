"""Exactness against what the original program computed (needs ../shared)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from ftl.cli import main
from ftl.config import PruneConfig
from ftl.data.masks import load_masks
from ftl.models.io import load_backbone
from ftl.pruning.choose import choose_filters
from ftl.pruning.selection import above_average, keep_fraction


def copy_masonry(shared: Path, target: Path, names: slice, invert: bool = False) -> tuple[Path, Path]:
    masonry = shared / "data" / "masonry"
    images, masks = target / "images", target / "masks"
    images.mkdir(parents=True)
    masks.mkdir()
    for file in sorted((masonry / "images").iterdir())[names]:
        shutil.copy(file, images)
        mask = cv2.imread(str(masonry / "masks" / file.name), cv2.IMREAD_GRAYSCALE)
        assert mask is not None
        cv2.imwrite(str(masks / file.name), 255 - mask if invert else mask)
    return images, masks


def check(network: Path, golden: Path) -> None:
    layers, expected = json.loads(network.read_text())["layers"], json.loads(golden.read_text())["layers"]
    assert len(layers) == len(expected) == 13
    for ours, theirs in zip(layers, expected, strict=True):
        assert ours["kept"] == theirs["keep"]
        np.testing.assert_allclose(ours["scores"], theirs["miou"], atol=1e-5, rtol=0)


def test_faithful_pruning_keeps_what_the_original_kept(shared: Path, tmp_path: Path) -> None:
    weights = str(shared / "backbones" / "vgg16_hed.safetensors")
    images, masks = copy_masonry(shared, tmp_path / "crack", slice(12))
    common = ["--weights", weights, "--images", str(images), "--masks", str(masks), "--faithful"]
    assert main(["prune", str(tmp_path / "out"), "vgg16", *common, "--keep", "0.05", "0.2", "0.5"]) == 0
    for keep in ("0.05", "0.2", "0.5"):
        check(tmp_path / "out" / f"keep-{keep}" / "network.json", shared / "golden" / f"vgg16_hed_crack_{keep}.json")
    others = copy_masonry(shared, tmp_path / "background", slice(-4, None), invert=True)
    union = ["--union-images", str(others[0]), "--union-masks", str(others[1]), "--keep", "0.2"]
    assert main(["prune", str(tmp_path / "union"), "vgg16", *common, *union]) == 0
    check(tmp_path / "union" / "keep-0.2" / "network.json", shared / "golden" / "vgg16_hed_union_0.2.json")
    loaded = load_backbone(tmp_path / "out" / "keep-0.2")
    assert [conv.out_channels for conv in loaded.convolutions().values()] == [13, 13, 25, 25, 51, 51, 51, *[102] * 6]


def test_predicates_and_rules_of_the_first_layer(shared: Path, tmp_path: Path) -> None:
    golden = json.loads((shared / "golden" / "first_layer.json").read_text())["first_layer"]
    images, masks = copy_masonry(shared, tmp_path, slice(6))
    loaded = load_masks(images, masks, wrap=True)
    assert [one.image_path.name for one in loaded.examples] == golden["images"]
    backbone = load_backbone("vgg16", weights=shared / "backbones" / "vgg16_hed.safetensors")
    backbone.features = backbone.features[:2]
    for name, key in (("iou", "iou"), ("predicate1", "predicate1"), ("predicate2", "predicate2")):
        chosen = dict(choose_filters(backbone, loaded, [0.5], PruneConfig(criterion=name, faithful=True)))
        per_image = chosen[0.5][0].scores[""]
        np.testing.assert_allclose(per_image, np.mean(golden[key], axis=0), atol=1e-6)
    scores = np.array(golden["mean_iou"], np.float32)
    assert above_average(scores) == golden["keep_above_average"]
    for fraction, kept in golden["keep_fraction"].items():
        assert keep_fraction(scores, float(fraction), faithful=True) == kept


@pytest.mark.parametrize(
    ("source", "weights", "key"),
    [
        ("vgg16", "backbones/vgg16_hed.safetensors", "vgg16_hed"),
        ("seed/model_0.2_VGG16.h5", None, "model_0_2_VGG16"),
        ("seed/model_0.15_AlexNet.h5", None, "model_0_15_AlexNet"),
    ],
)
def test_features_are_keras_features(shared: Path, source: str, weights: str | None, key: str) -> None:
    golden = np.load(shared / "golden" / "features.npz")
    backbone = load_backbone(shared / source if weights is None else source, weights=weights and shared / weights)
    pictures = [np.asarray(Image.open(shared / name).convert("RGB")) for name in golden["images"]]
    x = backbone.preprocess(pictures)
    np.testing.assert_array_equal(x[0].permute(1, 2, 0), golden["preprocessed_first"])
    with torch.inference_mode():
        features = backbone(x).permute(0, 2, 3, 1).numpy()
    assert np.abs(features - golden[key]).max() <= 1e-4 * golden[key].max()
