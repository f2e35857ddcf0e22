"""Small drawn photographs with masks, and segmenters without any training, for tests of networks that draw masks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ftl.config import SegmentConfig
from ftl.data.segmentation import SegmentationSet, load_segmentation
from ftl.files import write_json
from ftl.models.layout import SEGMENTED, VALIDATION, candidate_name
from ftl.models.network_folder import rewrite_network, write_network
from ftl.models.segmenter import Segmenter
from ftl.models.segmenter_files import write_decoder
from ftl.models.tiling import segment
from tests.conftest import make_backbone, save_png

QUICK = SegmentConfig(steps=24, crop=32, crops=2, decoder_width=4)
"""A training that hardly learns, but goes through all its rounds."""

SHAPE = (40, 52)


def draw_photograph(
    rng: np.random.Generator, shape: tuple[int, int] = SHAPE, blob: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """A noisy surface with a dark line, class 1, and perhaps a bright blob, class 2; RGB, and class numbers."""
    image = rng.integers(120, 200, (*shape, 3), dtype=np.uint8)
    mask = np.zeros(shape, np.uint8)
    if blob:
        row, column = (int(rng.integers(2, side - 12)) for side in shape)
        mask[row : row + 9, column : column + 9] = 2
        image[mask == 2] = 250
    at, across = int(rng.integers(4, min(shape) - 6)), rng.random() < 0.5
    where = (slice(at, at + 3), slice(None)) if across else (slice(None), slice(at, at + 3))
    mask[where] = 1
    image[mask == 1] //= 4
    return image, mask


def make_photographs(
    folder: Path, count: int = 8, shape: tuple[int, int] = SHAPE, *, classes: bool = False, seed: int = 0
) -> tuple[Path, Path]:
    """The folders of photographs and masks: 0 and 255, or (`classes`) ids of lines, 1, and blobs, 3."""
    rng, images, masks = np.random.default_rng(seed), folder / "Images", folder / "Segmented"
    for number in range(count):
        image, mask = draw_photograph(rng, shape, classes)
        save_png(image, images / f"{number}.png")
        save_png(np.array([0, 1, 3], np.uint8)[mask] if classes else mask * np.uint8(255), masks / f"{number}.png")
    if classes:
        (masks / "classes.json").write_text(json.dumps({"line": 1, "blob": 3}))
    return images, masks


def load_photographs(folder: Path, count: int = 8, *, classes: bool = False, seed: int = 0) -> SegmentationSet:
    """`make_photographs`, loaded."""
    return load_segmentation(*make_photographs(folder, count, classes=classes, seed=seed))


def make_segmenter(classes: Sequence[str] = ("crack",), seed: int = 0) -> Segmenter:
    """One with random weights, whose threshold has it draw about a quarter of noise."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Segmenter(make_backbone(), classes, 4).eval().requires_grad_(False)
    noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    x = model.network.preprocess.normalised(noise[None].astype(np.float32))
    while float(model(x).std()) > 1:  # of large logits, all probabilities are 0 or 1
        for weights in model.decoder.parameters():
            weights.mul_(0.8)
    model.threshold = float(np.quantile(1 - segment(model, noise)[0], 0.75))
    return model


def write_segmenter(out: Path, model: Segmenter, photographs: Sequence[Path] = ()) -> Path:
    """Its folder in a sweep, as if it had been trained and validated on these photographs."""
    network = out / "keep-0.5"
    write_network(network, model.network, [], 0.5, {"seed": 0})
    folder = out / candidate_name(network.name, SEGMENTED)
    folder.mkdir()
    rewrite_network(folder, network, model.network, SEGMENTED)
    write_decoder(folder, model)
    files = [str(path) for path in photographs]
    validation = {"dataset_sha256": "", "seed": 0, "photo": None, "trained_on": files}
    write_json(folder / VALIDATION, validation | {"per_photograph": [{"file": file} for file in files]})
    return folder
