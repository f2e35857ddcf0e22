"""What a row of a backup may hold. A backup may come from anybody: nothing in it is believed."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from math import isfinite
from typing import Any

from ftl.data.photo_names import photo_of
from ftl.errors import FtlError
from studio.annotation.strokes import KINDS
from studio.backup.rows import FORMAT, VERSION, Row
from studio.collaboration.drawing_order import ORDERS, REASONS, UPLOADED
from studio.errors import StudioError
from studio.projects.audit import TEXTS
from studio.store.tables import ROLES, STATES

Fits = Callable[[Any], bool]

_LAST_DAY = 4_102_444_800  # the year 2100: pages show all days between the first and the last
_MOST_CLASSES = 254


def _whole(least: int, most: int) -> Fits:
    return lambda value: type(value) is int and least <= value <= most


def _number(least: float, most: float) -> Fits:
    return lambda value: type(value) in (int, float) and least <= value <= most and isfinite(value)


def _text(most: int) -> Fits:
    return lambda value: isinstance(value, str) and 1 <= len(value) <= most and _is_unicode(value)


def _is_unicode(value: str) -> bool:
    """Whether it has no half of a surrogate pair, which JSON can tell of and no database takes."""
    return not any("\ud800" <= one <= "\udfff" for one in value)


def _line(most: int) -> Fits:
    """Text as `studio.accounts` and others keep it: all of it prints, no blanks at its ends nor two of them."""
    return lambda value: _text(most)(value) and value.isprintable() and value == " ".join(value.split())


def _one_of(*values: str) -> Fits:
    return lambda value: isinstance(value, str) and value in values


def _or_none(fits: Fits) -> Fits:
    return lambda value: value is None or fits(value)


def _is_sha(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _is_name(value: Any) -> bool:
    """Whether it is a name as `studio.images.library.tidy_name` makes them."""
    return _text(200)(value) and value.isprintable() and not set(value) & set("/\\")


def _is_details(value: Any) -> bool:
    return isinstance(value, dict) and all(
        type(one) in (str, int, float, bool, type(None)) and len(str(one)) <= 5000 for one in value.values()
    )


def _is_json(value: Any) -> bool:
    """Whether it is text: `studio.backup.cleaning` has made it of what it has checked."""
    return isinstance(value, str)


def _is_colour(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("#[0-9a-fA-F]{6}", value) is not None


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_pattern(value: Any) -> bool:
    with suppress(FtlError):
        return _text(10_000)(value) and bool(photo_of(value))
    return False


_PERSON, _TIME, _PLACE = _line(64), _number(0, _LAST_DAY), _or_none(_number(0, 1e6))
_SHAPES: dict[str, dict[str, Fits]] = {
    "project": {
        "name": _line(100), "photo_pattern": _or_none(_is_pattern), "overlap": _whole(1, 20), "accept_own": _is_bool,
        "created_at": _TIME,
    },
    "classes": {
        "number": _whole(1, _MOST_CLASSES), "name": _line(60), "colour": _is_colour,
        "removed": _is_bool,
    },
    "members": {"name": _PERSON, "role": _one_of(*ROLES)},
    "images": {
        "sha256": _is_sha, "name": _is_name, "width": _whole(1, 1_000_000), "height": _whole(1, 1_000_000),
        "class": _or_none(_whole(1, _MOST_CLASSES)), "split": _or_none(_one_of("train", "test")),
        "state": _one_of(*STATES), "added_by": _PERSON, "added_at": _TIME,
    },
    "strokes": {
        "seq": _whole(1, 2**62), "image": _is_sha, "id": _text(100), "kind": _one_of(*KINDS),
        "class_number": _whole(0, 255), "geometry": _is_json, "author": _PERSON,
        "at": _TIME,
    },
    "works": {
        "image": _is_sha, "user": _PERSON, "state": _one_of(*STATES), "assigned_at": _or_none(_TIME),
        "seen_at": _TIME, "seconds": _TIME,
    },
    "comments": {
        "image": _is_sha, "author": _PERSON, "text": _text(2000), "x": _PLACE, "y": _PLACE, "at": _TIME,
        "done_by": _or_none(_PERSON), "by_reviewer": _is_bool, "to": _or_none(_PERSON),
    },
    "proposals": {
        "image": _is_sha, "network": _text(100), "title": _text(250), "digest": _is_sha, "threshold": _number(0, 1),
        "count": _whole(0, 100_000), "areas": _is_json, "made_at": _TIME, "seen_at": _or_none(_TIME),
        "seen_by": _or_none(_PERSON),
    },
    "turns": {"image": _is_sha, "place": _whole(0, 2**31 - 1), "why": _one_of(*REASONS)},
    "events": {
        "user": _PERSON, "image": _or_none(_is_sha), "what": _one_of(*TEXTS), "details": _is_details, "at": _TIME,
    },
}  # fmt: skip


def checked(table: str, row: Any, where: str) -> Row:
    """A row that has all its columns, no other, and in each what can be in it. `where`: tells its place.

    Raises `StudioError`.
    """
    shape = _SHAPES[table]
    if not isinstance(row, dict) or row.keys() != shape.keys():
        raise StudioError(f"{where} of the backup has not the columns {', '.join(shape)}")
    for column, fits in shape.items():
        if not fits(row[column]):
            raise StudioError(f"{where} of the backup cannot have such a {column}")
    return row


def checked_about(given: Any) -> Row:
    """What `project.json` holds. Raises `StudioError`, also for a version that this studio does not know."""
    if not isinstance(given, dict) or given.get("format") != FORMAT:
        raise StudioError("this is no backup of a studio's project: its project.json says nothing of one")
    if type(given.get("version")) is not int or not 1 <= given["version"] <= VERSION:
        raise StudioError(
            f"this studio reads backups up to version {VERSION} and this is another: restore it with a newer studio"
        )
    lists = [given.get("classes"), given.get("members")]
    if any(not isinstance(one, list) or len(one) > 10_000 for one in lists) or not given["classes"]:
        raise StudioError("project.json of the backup has no lists of classes and members")
    if not _one_of(*ORDERS)(given.setdefault("drawing_order", UPLOADED)):  # earlier versions do not tell
        raise StudioError("project.json of the backup cannot have such a drawing_order")
    given["project"] = checked("project", given.get("project"), "the project")
    for table in ("classes", "members"):
        for number, row in enumerate(given[table], 1):
            checked(table, row, f"number {number} of the {table}")
    classes = given["classes"]
    for column in ("number", "name"):
        if len({str(one[column]).lower() for one in classes}) < len(classes):
            raise StudioError(f"two classes of the backup have the same {column}")
    return given
