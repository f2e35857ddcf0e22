"""Large photographs of a project: whether a sweep cuts them into tiles, and about how many tiles that makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sqlalchemy import distinct, func, select

from ftl.data import tiles
from studio.annotation import log
from studio.annotation.strokes import Toggle, kinds_of
from studio.images.library import Filter, count_by_class, count_images, image_in
from studio.jobs.request import AUTOMATIC, SHRINK, TILES
from studio.projects.classes import classes_of
from studio.store.database import reading
from studio.store.home import home
from studio.store.tables import Image, Stroke

INPUT = 224
"""Pixels of a side of most networks' input, where no network was chosen yet."""

ENOUGH = 8
"""Large photographs with masks from which tiles are made: fewer leave too few photos on some side of a split."""

SCORED = 4
"""Tiles of a photograph that rank filters, at most."""

_MEASURED, _PIXELS = 8, 25_000_000
"""So many masks, and pixels of masks, are cut to know about how many tiles there will be."""


class Row(NamedTuple):
    """A large photograph's row."""

    id: int
    width: int
    height: int
    strokes: int
    class_id: int | None


class Large(NamedTuple):
    """The large photographs of a project, and what becomes of them in a sweep of some image classes.

    `cut`: into tiles of `side` pixels; else they are shrunk. `drawn`: those with masks, which say what a tile shows.
    `plain`: those of the class `background` (its id; None: there is none), all of whose tiles show it. `left_out`:
    those of other classes that nobody has drawn on, so that nobody knows which of their tiles show the class.
    `classes`: ids of those that masks hold, by their numbers. `unclear`: ids of several classes without masks, of which
    any might be the background.
    """

    side: int = INPUT
    cut: bool = False
    drawn: tuple[Row, ...] = ()
    plain: tuple[Row, ...] = ()
    left_out: tuple[Row, ...] = ()
    background: int | None = None
    classes: Mapping[int, int] = {}
    unclear: tuple[int, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """All that a sweep could use."""
        return self.drawn + self.plain + self.left_out

    @property
    def pieces(self) -> frozenset[int]:
        """Ids of those that are cut into tiles."""
        return frozenset(row.id for row in self.drawn + self.plain) if self.cut else frozenset()

    @property
    def lacking(self) -> int:
        """On how many more someone has to draw before they are cut: on `ENOUGH`, and on as many as are left out."""
        return max(0, ENOUGH - len(self.drawn), ceil((len(self.left_out) - len(self.drawn)) / 2))

    def why_not_cut(self, names: Mapping[int, str]) -> str:
        """What has to be drawn before they are cut into tiles, in a clause. `names`: of classes, by their ids."""
        if self.unclear:
            without = " and ".join(names[one] for one in self.unclear)
            return f"draw {without}, or leave all but one out: now a tile with nothing drawn could show any of them"
        return f"draw on {self.lacking or 1:,} more of those with defects"


def large_photographs(project_id: int, image_classes: Collection[int], side: int, how: str = AUTOMATIC) -> Large:
    """The large photographs of a project.

    `image_classes`: ids of those told apart; without any, tiles only rank filters. `side`: of the network's input.
    `how`: one of `AUTOMATIC`, `TILES`, `SHRINK`.
    """
    least = tiles.LARGE * side
    query = select(Image.id, Image.width, Image.height, Image.strokes, Image.class_id).order_by(Image.id)
    query = query.where(Image.project_id == project_id, Image.width >= least, Image.height >= least)
    with reading() as db:
        rows = [Row(*row) for row in db.execute(query)]
    kinds = [known for known in classes_of(project_id) if known.id in image_classes]
    drawn = tuple(row for row in rows if row.strokes)
    if not kinds:
        return Large(side, how != SHRINK and bool(drawn), drawn)
    numbers = drawn_on(project_id)
    rest = tuple(known.id for known in kinds if known.number not in numbers)
    background = rest[0] if len(rest) == 1 else None
    classes = {known.number: known.id for known in kinds if known.id != background}
    found = Large(
        side,
        False,
        drawn,
        tuple(row for row in rows if not row.strokes and row.class_id is not None and row.class_id == background),
        tuple(row for row in rows if not row.strokes and row.class_id in classes.values()),
        background,
        classes,
        rest if len(rest) > 1 else (),
    )
    wanted = how == TILES or (how == AUTOMATIC and not found.lacking)
    return found._replace(cut=wanted and bool(drawn) and not found.unclear)


def drawn_on(project_id: int) -> dict[int, int]:
    """Photographs with strokes of each class, by its number."""
    query = select(Stroke.class_number, func.count(distinct(Stroke.image_id)))
    query = query.join(Image, Image.id == Stroke.image_id)
    query = query.where(Image.project_id == project_id, Stroke.kind.not_in(kinds_of(Toggle)))
    with reading() as db:
        return dict(db.execute(query.group_by(Stroke.class_number)).all())


class Material(NamedTuple):
    """What a sweep has: masks that rank filters, and photographs or tiles (of these about how many) of each class."""

    masks: int
    classes: Mapping[int, int]
    large: Large

    @property
    def images(self) -> int:
        """All that train and report classifiers."""
        return sum(self.classes.values())


def material(project_id: int, image_classes: Collection[int], side: int, how: str = AUTOMATIC) -> Material:
    """What a project has for a sweep of image classes, by their ids; arguments as of `large_photographs`."""
    large = large_photographs(project_id, image_classes, side, how)
    masks, counts = count_images(project_id, Filter(drawn=True)), count_by_class(project_id, Filter())
    classes = Counter({one: counts.get(one, 0) for one in image_classes})
    if large.cut:
        masks += (SCORED - 1) * len(large.drawn)
    if large.cut and large.classes:
        classes.subtract(row.class_id or 0 for row in large.rows if row.class_id in image_classes)
        classes += _expected(project_id, large)
    return Material(masks, classes, large)


def _expected(project_id: int, large: Large) -> Counter[int]:
    """About how many tiles of each class there will be, by the class's id, from the masks of some photographs."""
    seen, pixels = list[Sequence[int | None]](), 0
    for index in np.linspace(0, len(large.drawn) - 1, min(_MEASURED, len(large.drawn))).round().astype(int):
        row = large.drawn[index]
        pixels += row.width * row.height
        if seen and pixels > _PIXELS:
            break
        seen.append(_shown(home(), project_id, row.id, row.strokes, tuple(large.classes), large.side))
    every = [seen[index % len(seen)] for index in range(len(large.drawn))]
    every += [[0] * len(tiles.cut(row.width, row.height, large.side)) for row in large.plain]
    ids = {**large.classes, **({} if large.background is None else {0: large.background})}
    labels = (labels[index] for labels, own in zip(every, tiles.used(every, 0), strict=True) for index in own)
    return Counter(ids[label] for label in labels if label is not None and label in ids)


@lru_cache(1024)
def _shown(
    home: Path, project_id: int, image_id: int, strokes: int, classes: tuple[int, ...], side: int
) -> list[int | None]:
    """`ftl.data.tiles.shown` of a photograph with so many strokes: of one with more it is asked anew."""
    image = image_in(project_id, image_id)
    return tiles.shown(log.mask(image), tiles.cut(image.width, image.height, side), classes)
