"""Each annotator's own mask of an image: what they drew themselves, whatever was agreed on since."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import func, select

from studio.annotation import log
from studio.annotation.rasterise import fold, visible
from studio.annotation.strokes import Drawn, Revision, Shape, Toggle, kinds_of
from studio.store.database import reading
from studio.store.tables import Image, Stroke, User

CONSENSUS = "consensus-"
"""How the id of a revision begins that settles what annotators drew."""


def is_consensus(stroke: Drawn) -> bool:
    """Whether a stroke is a mask that annotators' masks were made into."""
    return isinstance(stroke, Revision) and stroke.id.startswith(CONSENSUS)


def is_settled(strokes: Sequence[Drawn]) -> bool:
    """Whether a log holds a consensus that is not undone."""
    return any(map(is_consensus, visible(strokes)))


def own_strokes(strokes: Sequence[Drawn], author_id: int) -> list[Drawn]:
    """The strokes of a log that are an annotator's say, in order.

    They are that person's, without any consensus. What a person draws behind a consensus of their own mends it, and is
    no say of theirs, unless they undid it.
    """
    mine = [one for one in strokes if one.author_id == author_id]
    counting = {one.id for one in visible(mine) if is_consensus(one)}
    first = next((at for at, one in enumerate(mine) if one.id in counting), len(mine))
    before = [one for one in mine[:first] if not is_consensus(one)]  # those are undone
    return before + [one for one in mine[first:] if isinstance(one, Toggle)]


def people(strokes: Sequence[Drawn]) -> list[int]:
    """Ids of those who drew, in the order of their ids: they have strokes that are not undone and no revision."""
    authors = sorted({one.author_id for one in strokes})
    return [who for who in authors if any(isinstance(one, Shape) for one in visible(own_strokes(strokes, who)))]


def own_mask(image: Image, author_id: int, upto: int | None = None) -> np.ndarray:
    """An annotator's own index mask, uint8 (height, width), as of now or of an earlier position of the log.

    Without revisions by others and without any consensus. Pixels of classes that were removed are 0.
    """
    return _mask(image, [log.drawn(row) for row in log.read(image.id, 0, author_id, upto)], author_id)


def layers(image: Image, upto: int | None = None) -> dict[int, np.ndarray]:
    """The own masks, as of `own_mask`, of all who drew on an image, by user id."""
    strokes = [log.drawn(row) for row in log.read(image.id, upto=upto)]
    return {who: _mask(image, strokes, who) for who in people(strokes)}


def _mask(image: Image, strokes: Sequence[Drawn], author_id: int) -> np.ndarray:
    return log.shown(fold(own_strokes(strokes, author_id), image.height, image.width), image.project_id)


def names(user_ids: Sequence[int]) -> dict[int, str]:
    """The names of users, in the order of their ids."""
    with reading() as db:
        query = select(User.id, User.name).where(User.id.in_(user_ids)).order_by(User.id)
        return dict(db.execute(query).all())


def drawn_by_several(project_id: int) -> dict[int, int]:
    """Images of a project on which two or more drew, undone or not: the last position of their logs by image id."""
    draws = Stroke.kind.in_(kinds_of(Shape))
    authors = select(Stroke.image_id).join(Image).where(Image.project_id == project_id, draws)
    several = authors.group_by(Stroke.image_id).having(func.count(Stroke.author_id.distinct()) > 1)
    with reading() as db:
        query = select(Stroke.image_id, func.max(Stroke.seq)).where(Stroke.image_id.in_(several))
        return dict(db.execute(query.group_by(Stroke.image_id)).all())
