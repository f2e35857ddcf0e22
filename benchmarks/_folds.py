"""Real photographs that networks are pruned, trained and judged on: METU, and crops of deepcrack in folds by photo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks._inspector import read_mask
from benchmarks._material import SHARED
from ftl import Dataset, MaskSet, load_dataset, load_masks
from ftl.data.dataset import without

CROP, FOLDS = 128, 4
LEAST, MARGIN = 0.005, 8  # a crop with a crack has this share of its pixels in it; one without, none this near its edge


class Fold(NamedTuple):
    """What one set of networks is made from: masks to rank filters, photographs to learn from, and to judge on."""

    name: str
    masks: MaskSet
    learn: Dataset
    judge: Dataset
    photo: str | None


def metu() -> Iterator[Fold]:
    """METU as its folders divide it."""
    data = SHARED / "data"
    masks = load_masks(data / "masonry" / "images", data / "masonry" / "masks", size=224)
    yield Fold("metu", masks, load_dataset(data / "metu" / "train"), load_dataset(data / "metu" / "test"), None)


def deepcrack(out: Path, folds: list[int]) -> Iterator[Fold]:
    """Crops of photos, a quarter of the photos judged in each fold."""
    photos = sorted((SHARED / "data" / "deepcrack" / "images").iterdir())
    turn = np.random.default_rng(0).permutation(len(photos)) % FOLDS
    for fold in folds:
        folder = out / "crops" / str(fold)
        for part in range(2):
            if not (folder / f"{part}").is_dir():
                _crop([one for one, own in zip(photos, turn, strict=True) if (own == fold) == part], folder, str(part))
        learn, judge = (load_dataset(folder / str(part)) for part in range(2))
        masks = load_masks(folder / "0" / "Crack", folder / "0-masks", size=CROP)
        photo = r"(.+)_\d+"
        assert not without(judge, learn, photo)[1].sentence()
        yield Fold(f"fold-{fold}", masks, learn, judge, photo)


def _crop(photos: list[Path], folder: Path, part: str) -> None:
    for name in (f"{part}/Crack", f"{part}/Background", f"{part}-masks"):
        (folder / name).mkdir(parents=True)
    for photo in photos:
        image = cv2.imread(str(photo))
        mask = read_mask(next((SHARED / "data" / "deepcrack" / "masks").glob(f"{photo.stem}.*")))
        corners = [
            (y, x) for y in range(0, len(mask) - CROP + 1, CROP) for x in range(0, mask.shape[1] - CROP + 1, CROP)
        ]
        for number, (y, x) in enumerate(corners):
            crop = slice(y, y + CROP), slice(x, x + CROP)
            near = mask[max(0, y - MARGIN) : y + CROP + MARGIN, max(0, x - MARGIN) : x + CROP + MARGIN]
            cracked = mask[crop].mean() >= LEAST
            if cracked or not near.any():
                name = f"{photo.stem}_{number}.png"
                cv2.imwrite(str(folder / part / ("Crack" if cracked else "Background") / name), image[crop])
                if cracked:
                    cv2.imwrite(str(folder / f"{part}-masks" / name), mask[crop] * np.uint8(255))
