"""What a network's filters answer to: the activation maps of the kept ones over a photograph."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image

from ftl.data.images import list_images
from ftl.data.masks import read_mask
from ftl.evaluation.explain import scored_maps
from ftl.evaluation.overlays import heat_over, outlined
from ftl.models.io import load_backbone
from ftl.models.network_folder import read_description
from studio.store.files import pixels as decoded


def jpeg(pixels: np.ndarray) -> bytes:
    """RGB uint8 (height, width, 3) as JPEG."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=88)
    return out.getvalue()


def masked_photographs(workspace: Path) -> list[tuple[Path, Path]]:
    """The photographs of a job's folder that have a mask, with it."""
    pairs = [
        (photo, workspace / "Segmented" / folder.name / f"{photo.stem}.png")
        for folder in sorted((workspace / "Images").glob("*/"))
        for photo in list_images(folder)
    ]
    return [(photo, mask) for photo, mask in pairs if mask.is_file()]


class FilterMap(NamedTuple):
    """One kept filter on one photograph: `number` in the unpruned layer, `score`, and `picture` as JPEG."""

    number: int
    score: float
    picture: bytes


def strongest(folder: Path, layer: str, count: int) -> list[tuple[int, int, float]]:
    """A layer's kept filters with the best scores: (channel in the pruned layer, number in the unpruned's, score).

    The unpruned has no scores, so none of its filters is stronger: the list is empty.
    """
    entry = next(one for one in read_description(folder)["layers"] if one["name"] == layer)
    if not entry["scores"]:
        return []
    kept = [(channel, number, entry["scores"][number]) for channel, number in enumerate(entry["kept"])]
    return sorted(kept, key=lambda one: -one[2])[:count]


def filter_maps(folder: Path, layer: str, photo: Path, mask: Path, count: int = 8, side: int = 224) -> list[FilterMap]:
    """The strongest kept filters of a layer over a photograph, the mask outlined; each map is scaled to its own top."""
    chosen = strongest(folder, layer, count)
    if not chosen:
        return []
    pixels = decoded(photo)
    network = load_backbone(folder)
    with torch.inference_mode():
        maps = scored_maps(network, layer, network.preprocess([pixels]))
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    edge = cv2.resize(read_mask(mask), (side, side), interpolation=cv2.INTER_NEAREST)
    found = []
    for channel, number, score in chosen:
        values = maps[0, channel].clamp(min=0).numpy()
        heat = values / max(float(values.max()), 1e-9)
        found.append(FilterMap(number, score, jpeg(outlined(heat_over(small, heat), edge))))
    return found
