"""What the filters of a layer that stayed see on photographs with masks, small enough to be kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from ftl.data.masks import Example, MaskSet, read_pairs
from ftl.evaluation.explain import best_first, filter_views
from ftl.evaluation.layers_left import read_layers
from ftl.evaluation.overlays import heat_over, outlined
from ftl.models.io import load_backbone
from ftl.models.network_folder import read_description
from studio.store.files import pixels
from studio.store.home import scratch
from studio.ui.choose.filter_maps import jpeg

_SIDE = 112
"""Maps are kept at most so many pixels high and wide; they are drawn twice that size."""


class Look(NamedTuple):
    """A layer on N photographs: `numbers` of its C filters in the base, `iou` (N, C), `heat` uint8 (N, C, h, w).

    Heat is what counts for the IoU, each map scaled to its own top.
    """

    examples: tuple[Example, ...]
    numbers: tuple[int, ...]
    iou: np.ndarray
    heat: np.ndarray


def look(folder: Path, layer: str, pairs: Sequence[tuple[Path, Path]]) -> Look:
    """Run a network's folder up to a layer on photographs, each with its mask's file.

    The IoU is that of the sweep if it ranked by `iou`, and of "active at all" otherwise.
    Raises `FtlError` when a file is unreadable or a mask does not fit its photograph.
    """
    network = load_backbone(folder)
    masks = _read(pairs, network.preprocess.size)
    criterion = "iou" if read_description(folder)["made_with"].get("criterion") == "iou" else "binary_iou"
    least = 1 if criterion == "iou" else 0  # that one takes the integer part
    seen = filter_views(network, layer, masks, criterion)
    numbers = next(one.kept for one in read_layers(folder) if one.name == layer)
    heat = np.stack([np.stack([_small(np.where(values < least, 0, values)) for values in maps]) for maps in seen.maps])
    return Look(masks.examples, numbers, seen.iou, heat)


def _read(pairs: Sequence[tuple[Path, Path]], size: int) -> MaskSet:
    """Photographs as children have decoded them, with their masks, which were drawn here."""
    with scratch() as folder:
        decoded = []
        for number, (photo, mask) in enumerate(pairs):
            plain = Path(folder) / f"{number}.png"
            Image.fromarray(pixels(photo)).save(plain, compress_level=1)
            decoded.append((photo.parent.name, plain, mask))
        return read_pairs(decoded, size)


def _small(values: np.ndarray) -> np.ndarray:
    """A map (H, W), nowhere negative, as heat 0-255 of at most `_SIDE` pixels."""
    size = min(values.shape[1], _SIDE), min(values.shape[0], _SIDE)
    heat = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    return (255 * heat / (heat.max() or 1)).astype(np.uint8)


def spread(count: int, wanted: int) -> list[int]:
    """Up to `wanted` of `count` places, evenly spread, so that each class folder has its share."""
    return [int(at) for at in np.linspace(0, count - 1, min(count, wanted)).round()]


def best_and_worst(iou: np.ndarray, most: int) -> tuple[list[int], list[int]]:
    """Places of the highest and of the lowest values (n,), the best first; at most `most` of each, none in both."""
    order = best_first(iou)
    best = order[: min(most, (len(order) + 1) // 2)]
    return best, order[len(best) :][-most:]


def clearest(iou: np.ndarray) -> int:
    """The photograph, of iou (N, C), on which a filter comes closest to the mask."""
    return int(iou.max(1).argmax())


def picture(found: Look, photograph: int, channel: int | None = None, longest: int = 224) -> bytes:
    """A photograph as the network sees it, with its mask outlined, as JPEG; under the heat of a filter if one is given.

    It has the proportions that it was taken with.
    """
    example = found.examples[photograph]
    scale = longest / max(example.shape)
    height, width = (max(1, round(scale * side)) for side in example.shape)
    shown = cv2.resize(example.image, (width, height), interpolation=cv2.INTER_AREA)
    if channel is not None:
        shown = heat_over(shown, found.heat[photograph, channel] / np.float32(255))
    return jpeg(outlined(shown, example.mask(height, width)))
