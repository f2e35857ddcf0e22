"""Large photographs of a sweep as tiles: what each shows, and their files in the folders that `ftl` reads."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ftl.data import tiles
from ftl.data.images import read_image
from ftl.data.tiles import Tile
from ftl.formatting import counted
from studio.annotation import log
from studio.jobs.tiling import SCORED, Large
from studio.store import files
from studio.store.tables import Image


class Pieces(NamedTuple):
    """A photograph's tiles, and what each shows: a class's number, 0 for the background, None if it is not used.

    `scored`: those that may rank filters, by their index: the number of the class that they show.
    """

    tiles: list[Tile]
    shown: list[int | None]
    scored: dict[int, int]

    @property
    def counts(self) -> Counter[int]:
        """How many show each class, by its number."""
        return Counter(label for label in self.shown if label is not None)


def pieces_of(image: Image, mask: np.ndarray | None, large: Large, mask_classes: Sequence[int], seed: int) -> Pieces:
    """The tiles of a large photograph. `mask`: class numbers, uint8 (height, width); None: all shows the background."""
    cut = tiles.cut(image.width, image.height, large.side)
    if mask is None:
        return Pieces(cut, [0] * len(cut), {})
    shown = tiles.shown(mask, cut, [*large.classes])
    if not any(shown) and image.class_id in large.classes.values():
        shown = [None] * len(cut)  # the class is there, and nobody has drawn where
    ranks = tiles.shown(mask, cut, mask_classes)
    able = [index for index, number in enumerate(ranks) if number]
    some = np.random.default_rng([seed, image.id]).permutation(able)[:SCORED].tolist()
    return Pieces(cut, shown, {int(index): number for index in some if (number := ranks[int(index)])})


def only_used(pieces: Mapping[int, Pieces], seed: int) -> dict[int, Pieces]:
    """The same with those tiles alone that `ftl.data.tiles.used` chooses of all."""
    chosen = tiles.used([one.shown for one in pieces.values()], seed)
    return {
        key: one._replace(shown=[label if index in own else None for index, label in enumerate(one.shown)])
        for (key, one), own in zip(pieces.items(), map(set, chosen), strict=True)
    }


def cut_photograph(
    image: Image,
    name: str,
    pieces: Pieces,
    names: Mapping[int, str],
    written: set[bytes],
    *,
    target: Path | None,
    scoring: Path | None,
    mask_classes: Sequence[int],
) -> int:
    """Write a photograph's tiles below `target`, in the folder of their class. Returns how many.

    Those that rank filters are written below `scoring`, with their masks. `names`: of classes, by number. `written`:
    what was written before, so that the same pixels, as of a sky, are never there twice, and in two classes.
    """
    photograph, before = read_image(files.original(image.sha256)), len(written)
    if target is not None:
        for tile, label in zip(pieces.tiles, pieces.shown, strict=True):
            part = _part(photograph, tile)
            content = hashlib.sha256(part.tobytes()).digest()
            if label is not None and content not in written:
                written.add(content)
                write_png(target / names[label] / _tile_name(name, tile), part)
    if scoring is not None and pieces.scored:
        mask = np.isin(log.mask(image), list(mask_classes))
        for index, number in pieces.scored.items():
            tile, place = pieces.tiles[index], Path(names[number]) / _tile_name(name, pieces.tiles[index])
            write_png(scoring / "Images" / place, _part(photograph, tile))
            write_png(scoring / "Segmented" / place, _part(mask, tile).astype(np.uint8) * 255)
    return len(written) - before


def what_became(
    images: Sequence[Image],
    large: Large,
    pieces: Mapping[int, Pieces],
    names: Mapping[int, str],
    classes: Mapping[int, str],
) -> tuple[str, ...]:
    """What became of large photographs, a sentence each. `names`: of classes by number; `classes`: by id."""
    square = f"{large.side} x {large.side}"
    if not large.cut:
        shrunk = f"{counted(len(large.rows), 'large photograph')} shrunk to {square} pixels"
        return (f"{shrunk}: to have them cut into tiles, {large.why_not_cut(classes)}",) if large.rows else ()
    sizes = sorted((image.width * image.height, image.width, image.height) for image in images if image.id in pieces)
    _, width, height = sizes[len(sizes) // 2]
    cut = f"{counted(len(pieces), 'photograph')} of {width:,} x {height:,} were cut into"
    if not large.classes:
        return (f"{cut} tiles of {square} to rank filters",)
    counts = sum((one.counts for one in pieces.values()), Counter[int]())
    kinds = ", ".join(f"{count:,} with {names[number]}" for number, count in sorted(counts.items(), reverse=True))
    told = [f"{cut} {counts.total():,} tiles of {square} pixels: {kinds}"]
    if large.left_out:
        told.append(
            f"{counted(len(large.left_out), 'large photograph')} left out: nobody has drawn on them, so nobody knows "
            "which of their tiles show a defect"
        )
    return tuple(told)


def write_png(target: Path, pixels: np.ndarray) -> None:
    """Write RGB uint8 (H, W, 3), or grey (H, W), as PNG."""
    target.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(target), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels)


def _part(pixels: np.ndarray, tile: Tile) -> np.ndarray:
    return np.ascontiguousarray(pixels[tile.top : tile.bottom, tile.left : tile.right])


def _tile_name(name: str, tile: Tile) -> str:
    """As `12_wall+448+224.png`: the photograph's own name has no plus, see `studio.jobs.layout`."""
    return f"{name.rpartition('.')[0]}+{tile.left}+{tile.top}.png"
