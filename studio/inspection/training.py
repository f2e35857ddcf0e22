"""What a sweep's networks were trained on: which photographs, and how large they are."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ftl.data.images import list_images
from ftl.errors import FtlError
from ftl.sweeping.segmented import roles_of
from studio.jobs.layout import image_id
from studio.store.files import heads

SIDE = 256
"""A tile's side where nothing is known of the photographs that the network was trained on."""

_SAMPLE = 25


class Training(NamedTuple):
    """`images`: ids of the project's photographs among them. `side`: of tiles that look like them, in pixels."""

    images: frozenset[int]
    side: int


def trained_on(workspace: Path) -> Training:
    """Read it from a job's folder; without one, nothing is known."""
    photographs = [file for folder in sorted((workspace / "dataset").glob("*/")) for file in list_images(folder)]
    sample = photographs[:: max(1, len(photographs) // _SAMPLE)]
    sizes = [(head.width, head.height) for head in heads(sample)] if sample else []
    ids = (image_id(file) for file in photographs)
    return Training(frozenset(one for one in ids if one is not None), usual_side(sizes))


def usual_side(sizes: Iterable[tuple[int, int]]) -> int:
    """The side for tiles: the median of the shorter sides of the photographs (width, height) trained on, or `SIDE`."""
    sides = sorted(min(size) for size in sizes)
    return sides[len(sides) // 2] if sides else SIDE


def mask_network_trained_on(folder: Path) -> frozenset[int]:
    """Ids of the project's photographs that the network in a folder, which draws masks, was trained on."""
    with suppress(FtlError):  # one that does not say
        return frozenset(number for name, _ in roles_of(folder).train if (number := image_id(name)) is not None)
    return frozenset()
