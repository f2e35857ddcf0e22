"""What a network's filters answer to: their activation maps, and heat over a photograph."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image
from torch import fx

from ftl.backbones.chain import Backbone, blocks
from ftl.backbones.graph import walk
from ftl.backbones.load import load_backbone
from ftl.images import list_images, read_image
from ftl.masks import read_mask
from ftl.pruning.network import read_description
from ftl.pruning.ties import ties

OUTLINE = (56, 189, 248)
_HEAT: np.ndarray = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_INFERNO)[:, 0, ::-1]


def jpeg(pixels: np.ndarray) -> bytes:
    """RGB uint8 (height, width, 3) as JPEG."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=88)
    return out.getvalue()


def heat_over(photo: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A photograph (height, width, 3), in grey, under heat 0..1 of any size: glowing at 1. RGB uint8."""
    height, width = photo.shape[:2]
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None]  # else red bricks would seem to glow
    grown = cv2.resize(heat.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    glow = _HEAT[(55 + 200 * grown).astype(np.uint8)]  # the darkest colours would only look like shadow
    strength = (0.8 * np.sqrt(grown))[..., None]
    return (grey * (1 - strength) + glow * strength).astype(np.uint8)


def outlined(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A copy of RGB uint8 (height, width, 3) with the outline of a mask (height, width), inside where above 127."""
    drawn = picture.copy()
    edges, _ = cv2.findContours((mask > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, edges, -1, OUTLINE, 1)
    return drawn


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
    """A layer's kept filters with the best scores: (channel in the pruned layer, number in the base's, score).

    The base has no scores, so none of its filters is stronger: the list is empty.
    """
    entry = next(one for one in read_description(folder)["layers"] if one["name"] == layer)
    if not entry["scores"]:
        return []
    kept = [(channel, number, entry["scores"][number]) for channel, number in enumerate(entry["kept"])]
    return sorted(kept, key=lambda one: -one[2])[:count]


@torch.inference_mode()
def layer_maps(network: Backbone, image: np.ndarray, layer: str) -> np.ndarray:
    """The maps (C, H, W) of one RGB uint8 image on which a layer's filters are scored.

    Of filters that can only go together, the last map where they meet.
    """
    x = network.preprocess([image])
    if isinstance(network.features, fx.GraphModule):
        name = next(tie.after[-1] for tie in ties(network) if tie.name == layer)
        ((_, maps),) = walk(network.features, x, [name])
        return np.asarray(maps[0].numpy())
    for block in blocks(network):
        x = block.run(x)
        if block.name == layer:
            return np.asarray(x[0].numpy())
        x = block.tail(x)
    raise ValueError(f"there is no layer {layer}")


def filter_maps(folder: Path, layer: str, photo: Path, mask: Path, count: int = 8, side: int = 224) -> list[FilterMap]:
    """The strongest kept filters of a layer over a photograph, the mask outlined; each map is scaled to its own top."""
    chosen = strongest(folder, layer, count)
    if not chosen:
        return []
    pixels = read_image(photo)
    maps = layer_maps(load_backbone(folder), pixels, layer)
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    edge = cv2.resize(read_mask(mask), (side, side), interpolation=cv2.INTER_NEAREST)
    found = []
    for channel, number, score in chosen:
        values = maps[channel].clip(min=0)
        heat = values / max(float(values.max()), 1e-9)
        found.append(FilterMap(number, score, jpeg(outlined(heat_over(small, heat), edge))))
    return found
