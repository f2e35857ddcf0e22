"""The demo data set: drawn surfaces with cracks, pores and dirt, and their masks, the same for the same seed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from ftl.errors import FtlError
from ftl.files import read_json, whole_file, write_json
from ftl.progress import Report, silent

CLASSES = {"Crack": 1, "Pore": 2, "Dirt": 3}
SIZE = 224
SETTINGS = "demo.json"
_FINE = 2  # drawn at twice the size and scaled down, so that thin cracks have soft edges


class Surface(NamedTuple):
    """A drawn photograph, RGB uint8 (SIZE, SIZE, 3), and its class ids, uint8 (SIZE, SIZE), 0 where nothing is."""

    image: np.ndarray
    ids: np.ndarray


def _noise(rng: np.random.Generator, side: int, cell: int) -> np.ndarray:
    """Smooth noise about 0 with features of about `cell` pixels, float32 (side, side), deviation 1."""
    coarse = rng.standard_normal((side // cell + 3, side // cell + 3)).astype(np.float32)
    grown = cv2.resize(coarse, (side + 2 * cell, side + 2 * cell), interpolation=cv2.INTER_CUBIC)
    cut = grown[cell : cell + side, cell : cell + side]
    return cut / (cut.std() + 1e-6)


def _crack(rng: np.random.Generator, side: int) -> np.ndarray:
    """Darkness 0..1 of one crack with branches, float32 (side, side)."""
    canvas = np.zeros((side, side), np.uint8)
    angle = rng.uniform(0, np.pi)
    middle = np.array([rng.uniform(0.3, 0.7) * side, rng.uniform(0.3, 0.7) * side])
    start = middle - 0.75 * side * np.array([np.cos(angle), np.sin(angle)]) * rng.uniform(0.4, 1)
    paths = [(start, angle, rng.uniform(2.0, 7.0), rng.uniform(0.7, 1.5) * side)]
    while paths:
        point, heading, width, length = paths.pop()
        swing = heading
        for _ in range(int(length / 5)):
            swing += rng.normal(0, 0.28) + 0.12 * (heading - swing)
            following = point + 5 * np.array([np.cos(swing), np.sin(swing)])
            width = float(np.clip(width + rng.normal(0, 0.35), 1.2, 9))
            ends = [tuple(round(16 * float(value)) for value in end) for end in (point, following)]
            cv2.line(canvas, ends[0], ends[1], 255, max(1, round(width)), cv2.LINE_AA, 4)
            point = following
            if rng.random() < 0.012 and len(paths) < 3:
                paths.append((point, swing + rng.choice([-1, 1]) * rng.uniform(0.5, 1.1), width * 0.6, length * 0.4))
    return canvas.astype(np.float32) / 255


def _pores(rng: np.random.Generator, side: int, count: int) -> np.ndarray:
    """Darkness 0..1 of round air holes."""
    canvas = np.zeros((side, side), np.uint8)
    for _ in range(count):
        centre = (int(rng.uniform(0, side)), int(rng.uniform(0, side)))
        radius = rng.gamma(3.0, 1.6) + 2.5
        axes = (round(radius), round(radius * rng.uniform(0.7, 1)))
        cv2.ellipse(canvas, centre, axes, rng.uniform(0, 180), 0, 360, 255, -1, cv2.LINE_AA)
    return canvas.astype(np.float32) / 255


def _dirt(rng: np.random.Generator, side: int) -> np.ndarray:
    """Strength 0..1 of a blotch with a ragged edge."""
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    cy, cx = rng.uniform(0.15, 0.85, 2)
    distance = np.hypot((y - cy) / rng.uniform(0.5, 1.6), x - cx)
    field = rng.uniform(0.1, 0.22) - distance + 0.05 * _noise(rng, side, 40) + 0.02 * _noise(rng, side, 8)
    return np.clip(field * 25, 0, 1)


def draw(rng: np.random.Generator, cracked: bool) -> Surface:
    """Draw one surface; those without a crack have more pores and dirt, so that dark pixels alone say nothing."""
    side = SIZE * _FINE
    tone = np.float32(rng.uniform(110, 190))
    texture = sum(weight * _noise(rng, side, cell) for weight, cell in ((7, 120), (5, 30), (4, 8), (6, 2)))
    image = tone + texture * rng.uniform(0.6, 1.3)
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    image = image + rng.uniform(-25, 25) * (x - 0.5) + rng.uniform(-25, 25) * (y - 0.5)  # light falls from somewhere
    tint = (1 + np.array([0.03, 0.0, -0.05]) * rng.uniform(0, 1.5)).astype(np.float32)
    image = image[..., None] * tint
    dirt = np.zeros((side, side), np.float32)
    for _ in range(rng.integers(0, 3) if cracked else rng.integers(1, 4)):
        dirt = np.maximum(dirt, _dirt(rng, side))
    stain = (np.array([0.62, 0.55, 0.45]) * rng.uniform(0.8, 1.3)).astype(np.float32)
    image = image * (1 - 0.75 * dirt[..., None] * (1 - stain))
    pores = _pores(rng, side, int(rng.integers(0, 8) if cracked else rng.integers(3, 25)))
    image = image * (1 - rng.uniform(0.35, 0.65) * cv2.GaussianBlur(pores, (0, 0), 1.2)[..., None])
    crack = _crack(rng, side) if cracked else np.zeros((side, side), np.float32)
    image = image * (1 - rng.uniform(0.4, 0.75) * cv2.GaussianBlur(crack, (0, 0), 0.9)[..., None])
    image = image + 3.5 * rng.standard_normal(image.shape, dtype=np.float32)
    small = cv2.resize(image.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    ids = np.zeros((SIZE, SIZE), np.uint8)
    for name, layer in (("Dirt", dirt), ("Pore", pores), ("Crack", crack)):
        ids[cv2.resize(layer, (SIZE, SIZE), interpolation=cv2.INTER_AREA) > 0.5] = CLASSES[name]
    return Surface(small.clip(0, 255).astype(np.uint8), ids)


def _save(array: np.ndarray, path: Path) -> None:
    with whole_file(path) as draft:
        Image.fromarray(array).save(draft)


def make_demo(
    folder: str | Path, *, masks: int = 24, train: int = 160, test: int = 80, seed: int = 0, report: Report = silent
) -> Path:
    """Draw a workspace into `folder`, which must be missing or empty, or hold the same demo half-drawn.

    `Images` and `Segmented` hold `masks` surfaces of each class with 0/255 masks: of the crack in `Crack`, of pores and
    dirt in `Background`. `Index` holds the same as class ids, named in `classes.json`. `dataset` holds `train`, and
    `evaluation` `test`, surfaces per class.
    """
    folder = Path(folder)
    settings = {"masks": masks, "train": train, "test": test, "seed": seed}
    if min(masks, train, test) < 1:
        raise FtlError("a demo needs at least one surface of each part")
    if not (folder / SETTINGS).is_file():
        if folder.exists() and any(folder.iterdir()):
            raise FtlError(f"{folder} is not empty: choose another folder for the demo")
        write_json(folder / SETTINGS, settings)
    elif read_json(folder / SETTINGS) != settings:
        raise FtlError(f"{folder} holds a demo drawn otherwise ({read_json(folder / SETTINGS)}): choose another folder")
    parts = {"Images": (masks, 0), "dataset": (train, 1), "evaluation": (test, 2)}
    total, done = 2 * sum(count for count, _ in parts.values()), 0
    for part, (count, stream) in parts.items():
        for name, cracked in (("Crack", True), ("Background", False)):
            for number in range(count):
                done += 1
                report(done, total, "drawing")
                if (folder / part / name / f"{name.lower()}_{number:04d}.png").is_file():
                    continue
                surface = draw(np.random.default_rng([seed, stream, cracked, number]), cracked)
                file = f"{name.lower()}_{number:04d}.png"
                if part == "Images":
                    inside = surface.ids == CLASSES["Crack"] if cracked else surface.ids > CLASSES["Crack"]
                    _save(np.where(inside, 255, 0).astype(np.uint8), folder / "Segmented" / name / file)
                    _save(surface.ids, folder / "Index" / name / file)
                _save(surface.image, folder / part / name / file)  # last: where it is, its masks are
    write_json(folder / "Index" / "classes.json", CLASSES)
    return folder
