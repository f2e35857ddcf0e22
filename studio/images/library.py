"""Photographs of a project: add, find, sort into classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Select, and_, case, func, select, update
from sqlalchemy.orm import Session as Database

from ftl.errors import FtlError
from studio.accounts.rights import changing
from studio.accounts.settings import settings
from studio.errors import Forbidden, StudioError
from studio.images.file_names import tidy_name
from studio.images.work import check_acceptance
from studio.projects.audit import record
from studio.projects.classes import classes_of
from studio.store import files
from studio.store.database import reading
from studio.store.tables import STATES, Image, ImageClass, Project, Proposal, Stroke

_AT_ONCE = 500
"""Ids in a query: databases bound the number of variables."""


def add_image(
    project_id: int,
    user_id: int,
    file: Path,
    name: str,
    class_id: int | None = None,
    split: str | None = None,
    keep: files.Keep = files.keep,
) -> tuple[Image, bool]:
    """Add one file to a project: its row, and whether it is new; the same bytes are there once.

    One that was deleted comes back, with all that was drawn on it. `name` is the uploader's and only shown; `keep`:
    what `files.keeping` gives, for many files. Raises `StudioError` when the file is no image, has more pixels than
    the settings allow, or the project has as many images as they allow; then nothing is kept.
    """
    shown, limits = tidy_name(name) or "photograph", settings()
    with reading() as db:
        if db.scalar(_known(project_id, files.sha256_of(file))) is None:
            _check_room(db, project_id, limits.most_images)
    try:
        sha256, width, height = keep(file, limits.most_pixels)
    except FtlError as error:
        raise StudioError(str(error).replace(str(file), shown)) from error
    with changing(user_id, project_id, trash=True) as db:
        db.get_one(Project, project_id, with_for_update={"key_share": True})  # two at once are counted one by one
        known = db.scalar(_known(project_id, sha256))
        if known is not None and known.deleted_at is None:
            return known, False
        _check_room(db, project_id, limits.most_images)
        if known is not None:  # it comes back, with all that was drawn on it
            known.deleted_at = known.deleted_by = None
            record(db, project_id, user_id, "taken out of the trash", known.id, name=known.name)
            return known, True
        added = Image(
            project_id=project_id,
            sha256=sha256,
            name=shown,
            width=width,
            height=height,
            class_id=class_id,
            split=split,
            added_by=user_id,
        )
        db.add(added)
        db.flush()
        return added, True


def _known(project_id: int, sha256: str) -> Select[Image]:
    return select(Image).where(Image.project_id == project_id, Image.sha256 == sha256)


def _check_room(db: Database, project_id: int, most: int) -> None:
    """Raise `StudioError` when a project has as many images as it may."""
    if (db.scalar(select(func.count()).where(Image.project_id == project_id, Image.deleted_at.is_(None))) or 0) >= most:
        raise StudioError(f"a project may have {most:,} images, and this one has: ask the studio's owner for more")


@dataclass(frozen=True)
class Filter:
    """Which images are asked for; None means any. `class_id` 0: those without a class. `drawn`: with or without mask.

    `annotator`: id of a user who drew on it. `text`: part of the name. `proposed`: whether proposals of a network wait
    there for a decision.
    """

    class_id: int | None = None
    state: str | None = None
    annotator: int | None = None
    drawn: bool | None = None
    text: str = ""
    proposed: bool | None = None


def waiting() -> Any:
    """The condition that a row of `Proposal` waits for a decision, on an image that is still to be drawn on."""
    to_do = select(Image.id).where(Image.state.in_(("open", "returned"))).correlate(None)
    return and_(Proposal.count > 0, Proposal.seen_at.is_(None), Proposal.image_id.in_(to_do))


_CLASS_NUMBER = select(ImageClass.number).where(ImageClass.id == Image.class_id, ~ImageClass.removed).scalar_subquery()
ORDERS: dict[str, tuple[Any, ...]] = {
    "oldest": (),
    "newest": (Image.id.desc(),),
    "name": (func.lower(Image.name),),
    "class": (_CLASS_NUMBER.is_(None), _CLASS_NUMBER),
    "state": (case({state: place for place, state in enumerate(STATES)}, value=Image.state),),
}
"""How images can be sorted; equal ones stand in the order in which they were added, those without a class last."""


def _where(project_id: int, chosen: Filter, *columns: Any) -> Select[Any]:
    query = select(*columns).where(Image.project_id == project_id)
    if chosen.class_id is not None:
        query = query.where(Image.class_id.is_(None) if chosen.class_id == 0 else Image.class_id == chosen.class_id)
    if chosen.state is not None:
        query = query.where(Image.state == chosen.state)
    if chosen.drawn is not None:
        query = query.where(Image.strokes > 0 if chosen.drawn else Image.strokes == 0)
    if chosen.annotator is not None:
        query = query.where(Image.id.in_(select(Stroke.image_id).where(Stroke.author_id == chosen.annotator)))
    if chosen.proposed is not None:
        there = Image.id.in_(select(Proposal.image_id).where(waiting()))
        query = query.where(there if chosen.proposed else ~there)
    if chosen.text:
        query = query.where(Image.name.icontains(chosen.text, autoescape=True))
    return query


def count_images(project_id: int, chosen: Filter | None = None) -> int:
    """How many images of a project there are."""
    with reading() as db:
        return db.scalar(_where(project_id, chosen or Filter(), func.count(Image.id))) or 0


def count_by_class(project_id: int, chosen: Filter) -> dict[int, int]:
    """How many images each class has, by its id, 0 for none, whatever class the filter asks for."""
    found = _count_by(project_id, replace(chosen, class_id=None), Image.class_id)
    return {class_id or 0: count for class_id, count in found.items()}


def count_classes(image_ids: Sequence[int]) -> dict[int, int]:
    """How many of these images each class has, by its id, 0 for none."""
    found: dict[int, int] = {}
    with reading() as db:
        for start in range(0, len(image_ids), _AT_ONCE):
            for class_id in db.scalars(select(Image.class_id).where(Image.id.in_(image_ids[start : start + _AT_ONCE]))):
                found[class_id or 0] = found.get(class_id or 0, 0) + 1
    return found


def count_by_state(project_id: int, chosen: Filter) -> dict[str, int]:
    """How many images are in each state, whatever state the filter asks for; states without any are left out."""
    return _count_by(project_id, replace(chosen, state=None), Image.state)


def _count_by(project_id: int, chosen: Filter, column: Any) -> dict[Any, int]:
    with reading() as db:
        query = _where(project_id, chosen, column, func.count(Image.id)).group_by(column)
        return {value: count for value, count in db.execute(query)}  # noqa: C416


@dataclass(frozen=True)
class Standing:
    """How many images a project has, how many of them are drawn on, and the one that was added first."""

    images: int = 0
    drawn: int = 0
    first: Image | None = None


def standing_of(project_ids: Sequence[int]) -> dict[int, Standing]:
    """The standing of each of these projects, by its id."""
    drawn = func.sum(case((Image.strokes > 0, 1), else_=0))
    query = select(Image.project_id, func.count(), drawn, func.min(Image.id))
    query = query.where(Image.project_id.in_(project_ids)).group_by(Image.project_id)
    with reading() as db:
        rows = list(db.execute(query))
        firsts = {image.id: image for image in db.scalars(select(Image).where(Image.id.in_([row[3] for row in rows])))}
        found = {project_id: Standing(count, drawn, firsts[first]) for project_id, count, drawn, first in rows}
    return dict.fromkeys(project_ids, Standing()) | found


def find_images(
    project_id: int, chosen: Filter | None = None, start: int = 0, count: int | None = None, order: str = "oldest"
) -> list[Image]:
    """A page of a project's images, sorted as a key of `ORDERS` says."""
    with reading() as db:
        query = _where(project_id, chosen or Filter(), Image).order_by(*ORDERS[order], Image.id).offset(start)
        return list(db.scalars(query if count is None else query.limit(count)))


def find_ids(project_id: int, chosen: Filter) -> list[int]:
    """The ids of all images that the filter lets through."""
    with reading() as db:
        return list(db.scalars(_where(project_id, chosen, Image.id).order_by(Image.id)))


def neighbour(project_id: int, image_id: int, step: int, chosen: Filter | None = None) -> Image | None:
    """The next (step 1) or previous (-1) image that the filter lets through; None at the end."""
    with reading() as db:
        query = _where(project_id, chosen or Filter(), Image)
        query = query.where(Image.id > image_id if step > 0 else Image.id < image_id)
        return db.scalar(query.order_by(Image.id if step > 0 else Image.id.desc()).limit(1))


def image_in(project_id: int, image_id: int) -> Image:
    """An image, if it is the project's. Raises `Forbidden` else, also where there is no such image."""
    with reading() as db:
        image = db.get(Image, image_id)
        if image is None or image.project_id != project_id:
            raise Forbidden("there is no such image in this project")
        return image


def set_class(project_id: int, user_id: int, image_ids: Sequence[int], class_id: int | None) -> None:
    """Put images into a class of the project, or with None out of any."""
    names = {one.id: one.name for one in classes_of(project_id)} | {None: "none"}
    if class_id not in names:
        raise StudioError("there is no such class in this project")
    _update(project_id, user_id, "annotator", image_ids, f"class {names[class_id]}", class_id=class_id)


def give_class(project_id: int, user_id: int, image_id: int, seen: int | None, class_id: int | None) -> None:
    """Put one image into a class of the project, or with None out of any, if it still has the class that was seen.

    Raises `StudioError` if somebody gave it another meanwhile: theirs is not undone unread.
    """
    names = {one.id: one.name for one in classes_of(project_id)} | {None: "none"}
    if class_id not in names:
        raise StudioError("there is no such class in this project")
    with changing(user_id, project_id) as db:
        image = db.get(Image, image_id, with_for_update=True)
        if image is None or image.project_id != project_id:
            raise Forbidden("there is no such image in this project")
        if image.class_id not in (seen, class_id):
            now = f"{names[image.class_id]} by now" if image.class_id in names else "another by now"
            raise StudioError(f"the class of {image.name} is {now}: look at it again")
        if image.class_id != class_id:
            image.class_id = class_id
            record(db, project_id, user_id, "classed", image_id, to=names[class_id])


def set_state(project_id: int, user_id: int, image_ids: Sequence[int], state: str) -> None:
    """Say where the work on images stands. Raises `Forbidden` for accepting one's own, see `own_work`."""
    _update(project_id, user_id, "reviewer", image_ids, state, state=state)


def set_split(project_id: int, user_id: int, image_ids: Sequence[int], split: str | None) -> None:
    """Fix images to the "train" or "test" side of a sweep, or with None let it draw."""
    _update(project_id, user_id, "annotator", image_ids, f"use {split or 'drawn by the sweep'}", split=split)


def _update(project_id: int, user_id: int, role: str, image_ids: Sequence[int], to: str, **values: Any) -> None:
    with changing(user_id, project_id, role) as db:
        if values.get("state") == "accepted":
            check_acceptance(db, project_id, image_ids, user_id)
        for start in range(0, len(image_ids), _AT_ONCE):
            part = list(image_ids[start : start + _AT_ONCE])
            db.execute(update(Image).where(Image.project_id == project_id, Image.id.in_(part)).values(**values))
        record(db, project_id, user_id, "changed", count=len(image_ids), to=to)
