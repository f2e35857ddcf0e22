"""From strokes to the mask: a pure function, the same on every machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from studio.annotation.pixels import Box
from studio.annotation.strokes import Drawn, Painted, Toggle


def hidden(strokes: Iterable[Drawn]) -> set[str]:
    """Ids of the strokes whose last undo or redo, by their own author, is an undo."""
    authors: dict[str, int] = {}
    found: set[str] = set()
    for stroke in strokes:
        authors[stroke.id] = stroke.author_id
        if isinstance(stroke, Toggle) and authors.get(stroke.target) == stroke.author_id:
            (found.add if stroke.hides else found.discard)(stroke.target)
    return found


def visible(strokes: Sequence[Drawn]) -> list[Painted]:
    """The strokes that count, in order: neither undone nor an undo or redo themselves."""
    gone = hidden(strokes)
    return [stroke for stroke in strokes if isinstance(stroke, Painted) and stroke.id not in gone]


def fold(strokes: Sequence[Drawn], height: int, width: int) -> np.ndarray:
    """The index mask, uint8 (height, width): 0 where nothing is drawn, else the class's number."""
    mask = np.zeros((height, width), np.uint8)
    paint(mask, visible(strokes))
    return mask


def paint(mask: np.ndarray, strokes: Iterable[Painted], within: Box | None = None) -> None:
    """Draw visible strokes on an index mask, in order; `within`: only there."""
    height, width = mask.shape
    for stroke in strokes:
        if within and not _meet(stroke.extent(height, width), within):
            continue
        box, where = stroke.cover(height, width)
        values = stroke.values(height, width)
        if within:
            box, where, values = _cut(box, within, where, values)
        part = mask[box]
        if not stroke.over:
            where = where & (part == 0)
        np.copyto(part, values, where=where)


def topmost(strokes: Sequence[Drawn], height: int, width: int, x: int, y: int) -> Painted | None:
    """The stroke of a log that shows at a pixel; None where nothing is drawn, or it was erased."""
    value, found = 0, None
    for stroke in visible(strokes):
        rows, columns = stroke.extent(height, width)
        if not (rows.start <= y < rows.stop and columns.start <= x < columns.stop):
            continue
        (rows, columns), where = stroke.cover(height, width)
        if where[y - rows.start, x - columns.start] and (stroke.over or value == 0):
            values = stroke.values(height, width)
            value, found = int(values[y, x] if values.ndim else values), stroke
    return found if value else None


def repaint(mask: np.ndarray, strokes: Sequence[Drawn], changed: Collection[str]) -> None:
    """Bring a mask up to date where the strokes of these ids are undone or redone; `strokes`: the whole log."""
    height, width = mask.shape
    boxes = [stroke.extent(height, width) for stroke in strokes if isinstance(stroke, Painted) and stroke.id in changed]
    if not boxes:
        return
    rows, columns = zip(*boxes, strict=True)
    within = tuple(slice(min(one.start for one in axis), max(one.stop for one in axis)) for axis in (rows, columns))
    mask[within] = 0
    paint(mask, visible(strokes), within)  # type: ignore[arg-type]


def _meet(one: Box, other: Box) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(one, other, strict=True))


def _cut(box: Box, within: Box, where: np.ndarray, values: np.ndarray) -> tuple[Box, np.ndarray, np.ndarray]:
    """A box, its pixels and their values, where another box is."""
    both = tuple(slice(max(a.start, b.start), max(a.start, b.start, min(a.stop, b.stop)))
                 for a, b in zip(box, within, strict=True))  # fmt: skip
    local = tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(both, box, strict=True))
    return both, where[local], values[local] if values.ndim else values  # type: ignore[return-value]
