"""The classes of a project, for images and for pixels. A class's number is for good: strokes hold it."""

from __future__ import annotations

import re

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as Database

from studio.accounts.rights import changing
from studio.errors import StudioError
from studio.projects.audit import record
from studio.store.database import reading
from studio.store.tables import Image, ImageClass

CLASSES = {"Crack": "#e5484d", "Pore": "#0090ff", "Dirt": "#ffb224", "Background": "#30a46c"}
"""The original labeler's classes, with the studio's colours."""

_MORE_COLOURS = ("#8e4ec6", "#12a594", "#f76b15", "#e93d82", "#5b5bd6", "#978365")


def classes_of(project_id: int) -> list[ImageClass]:
    """A project's classes by number, without those that were removed."""
    return [one for one in _all(project_id) if not one.removed]


def removed_classes(project_id: int) -> list[ImageClass]:
    """The classes that were removed and can be brought back."""
    return [one for one in _all(project_id) if one.removed]


def numbers_of(project_id: int) -> set[int]:
    """The numbers that strokes of a project may have: of its classes, also of those that were removed."""
    return {known.number for known in _all(project_id)}


def _all(project_id: int) -> list[ImageClass]:
    with reading() as db:
        found = select(ImageClass).where(ImageClass.project_id == project_id).order_by(ImageClass.number)
        return list(db.scalars(found))


def checked_name(db: Database, project_id: int, name: str, own: int | None = None) -> str:
    """A class's name as it is kept. Raises `StudioError` for one that another has, or that no folder can have."""
    name = " ".join(name.split())
    if not name:
        raise StudioError("please give a name")
    if not 1 <= len(name) <= 60 or not name.isprintable() or re.search(r'[\\/:*?"<>|]', name) or name[0] == ".":
        raise StudioError("a class's name has 1 to 60 letters, does not begin with a dot, and has none of \\/:*?\"<>|")
    for one in db.scalars(select(ImageClass).where(ImageClass.project_id == project_id)):
        if one.name.lower() == name.lower() and one.id != own:
            hint = " among the removed ones: bring it back" if one.removed else " already"
            raise StudioError(f"there is a class {name}{hint}")
    return name


def add_class(db: Database, project_id: int, user_id: int, name: str, colour: str | None = None) -> ImageClass:
    """Add a class with the next number, within a transaction of `studio.accounts.rights`.

    Raises `StudioError` for a name that cannot be, or no colour.
    """
    name = checked_name(db, project_id, name)
    if colour is not None and not re.fullmatch("#[0-9a-fA-F]{6}", colour):  # pages write it into HTML
        raise StudioError("a colour is written as #rrggbb")
    number = 1 + (db.scalar(select(func.max(ImageClass.number)).where(ImageClass.project_id == project_id)) or 0)
    if number > 254:
        raise StudioError("a project has at most 254 classes")
    made = colour or CLASSES.get(name) or _MORE_COLOURS[number % len(_MORE_COLOURS)]
    added = ImageClass(project_id=project_id, number=number, name=name, colour=made)
    db.add(added)
    db.flush()
    record(db, project_id, user_id, "class added", name=name)
    return added


def create_class(project_id: int, user_id: int, name: str, colour: str | None = None) -> ImageClass:
    """Add a class, as an admin does by hand. Raises as `add_class` does."""
    with changing(user_id, project_id, "admin") as db:
        return add_class(db, project_id, user_id, name, colour)


def rename_class(project_id: int, user_id: int, class_id: int, name: str) -> None:
    """Give a class another name. Raises `StudioError` for one that cannot be."""
    with changing(user_id, project_id, "admin") as db:
        found, before = _class(db, project_id, class_id)
        found.name = checked_name(db, project_id, name, class_id)
        if found.name != before:
            record(db, project_id, user_id, "class renamed", name=before, new=found.name)


def remove_class(project_id: int, user_id: int, class_id: int, *, removed: bool = True) -> None:
    """Take a class out of the palette, the masks and the images, or with `removed` False bring it back.

    Strokes of it stay in the log, those that are on their way too. Images of that class have none then.
    """
    with changing(user_id, project_id, "admin") as db:
        found, name = _class(db, project_id, class_id)
        kept = select(func.count()).where(ImageClass.project_id == project_id, ImageClass.removed.is_(False))
        if removed and db.scalar(kept) == 1:
            raise StudioError("a project needs a class: add another first")
        if found.removed != removed:
            found.removed = removed
            if removed:
                db.execute(update(Image).where(Image.class_id == class_id).values(class_id=None))
            record(db, project_id, user_id, "class removed" if removed else "class brought back", name=name)


def _class(db: Database, project_id: int, class_id: int) -> tuple[ImageClass, str]:
    found = db.get(ImageClass, class_id)
    if found is None or found.project_id != project_id:
        raise StudioError("there is no such class in this project")
    return found, found.name
