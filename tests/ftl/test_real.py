"""Real photographs of other kinds than the golden files' (needs ../shared)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ftl.cli import main
from ftl.data.masks import load_masks
from ftl.errors import FtlError


def copy(source: Path, target: Path, count: int) -> Path:
    target.mkdir(parents=True)
    for file in sorted(source.iterdir())[:count]:
        shutil.copy(file, target)
    return target


def test_one_class_of_masks_with_several_and_then_the_original_trap(shared: Path, tmp_path: Path) -> None:
    steel = shared / "data" / "neu_steel"
    images, masks = copy(steel / "images", tmp_path / "Images", 40), copy(steel / "masks", tmp_path / "Segmented", 40)
    loaded = load_masks(images, masks, mask_class=2, size=200)
    assert len(loaded) == 40
    for one in loaded.examples:
        ids = np.asarray(Image.open(masks / f"{one.image_path.stem}.png"))
        assert np.array_equal(one.mask(*ids.shape) > 127, ids == 2)
    with pytest.raises(FtlError, match="class"):  # ids 0 to 3 are no grey values: which one is meant must be said
        load_masks(images, masks, size=200)


def test_from_whole_photographs_to_a_pick(shared: Path, tmp_path: Path) -> None:
    cracks = shared / "data" / "deepcrack"
    copy(cracks / "images", tmp_path / "Images", 4)
    copy(cracks / "masks", tmp_path / "Segmented", 4)
    for split, folder, count in (("train", "dataset", 16), ("test", "evaluation", 8)):
        for name in ("Crack", "Background"):
            copy(shared / "data" / "metu" / split / name, tmp_path / folder / name, count)
    vgg16 = shared / "backbones" / "vgg16_hed.safetensors"
    settings = ["--keep", "0.05", "0.3", "--positive", "Background"]
    assert main(["run", str(tmp_path), "vgg16", "--weights", str(vgg16), *settings]) == 0
    results = json.loads((tmp_path / "models" / "results.json").read_text())["candidates"]
    by_name = {one["name"]: one for one in results}
    assert set(by_name) == {"base", "keep-0.05", "keep-0.3"}
    assert by_name["base"]["test_accuracy"] >= 0.8
    assert by_name["keep-0.3"]["macs"] < 0.15 * by_name["base"]["macs"]
    assert json.loads((tmp_path / "models" / "base" / "test.json").read_text())["positive"] == "Background"
