"""What a backup holds as a whole: every row is read once, and fits the others, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from studio.backup.rows import Row
from studio.backup.unpacking import Unpacked
from studio.errors import StudioError
from studio.images.archives import shown
from studio.projects.audit import TEXTS

_MOST_PEOPLE = 1000

_Reading = Callable[[Unpacked, "Plan"], Iterator[Row]]


class Plan(NamedTuple):
    """What is known of a backup before anything of it is written. `images`: by SHA-256; `strokes`: of each, how many.

    `people`: everybody whom it names, but those who are only members.
    """

    about: Row
    images: dict[str, Row]
    strokes: dict[str, int]
    people: list[str]

    def image(self, row: Row) -> Row:
        """The image that a row is about."""
        found = self.images.get(row["image"])
        if found is None:
            raise StudioError(f"the backup tells of an image that is not in it, {row['image'][:12]}...")
        return found


def look_through(given: Unpacked) -> Plan:
    """Read all rows once. So a backup that is refused holds up nobody who draws meanwhile.

    Raises `StudioError` for one whose rows do not fit each other.
    """
    plan = Plan(given.about(), {}, {}, [])
    people: dict[str, None] = {}  # a set that keeps its order
    live = {one["number"] for one in plan.about["classes"] if not one["removed"]}
    for row in given.rows("images"):
        if row["sha256"] in plan.images:
            raise StudioError("the backup has an image twice")
        if row["class"] not in live | {None}:
            raise StudioError(f"the backup has {shown(row['name'])} in a class that it does not have")
        plan.images[row["sha256"]] = row
        plan.strokes[row["sha256"]] = 0
        people[row["added_by"]] = None
    if plan.images.keys() != given.photographs():
        raise StudioError("the photographs of the backup are not those that it lists")
    for row in _strokes(given, plan):
        plan.strokes[row["image"]] += 1
        people[row["author"]] = None
    for read in [read for table, read in REST.items() if table != "strokes"]:
        for row in read(given, plan):
            named = (row.get(key) for key in ("user", "author", "done_by", "to", "seen_by"))
            people |= dict.fromkeys(name for name in named if name is not None)
    if len(people) > _MOST_PEOPLE:
        raise StudioError(f"the backup names more than {_MOST_PEOPLE:,} people")
    plan.people.extend(people)
    return plan


def _strokes(given: Unpacked, plan: Plan) -> Iterator[Row]:
    seen, last = set(), 0
    for row in given.rows("strokes"):
        plan.image(row)
        if row["seq"] <= last or (row["image"], row["id"]) in seen:
            raise StudioError("the log of the backup is out of order, or has a stroke twice")
        last = row["seq"]
        seen.add((row["image"], row["id"]))
        yield row


def _once(table: str, what: str, *columns: str) -> _Reading:
    """How a table is read in which no two rows have the same in all of these columns."""

    def read(given: Unpacked, plan: Plan) -> Iterator[Row]:
        seen = set()
        for row in given.rows(table):
            plan.image(row)
            own = tuple(row[column] for column in columns)
            if own in seen:
                raise StudioError(f"the backup has {what} twice")
            seen.add(own)
            yield row

    return read


def _comments(given: Unpacked, plan: Plan) -> Iterator[Row]:
    for row in given.rows("comments"):
        image, x, y = plan.image(row), row["x"], row["y"]
        if (x is None) != (y is None) or (x is not None and not (x <= image["width"] and y <= image["height"])):
            raise StudioError("the backup has a comment on a place that is not on its image")
        yield row


def _events(given: Unpacked, plan: Plan) -> Iterator[Row]:
    for row in given.rows("events"):
        if row["image"] is not None:
            plan.image(row)
        try:
            TEXTS[row["what"]].format_map(row["details"])
        except (KeyError, ValueError) as error:
            raise StudioError("a line of the backup's audit log lacks a part") from error
        yield row


REST: dict[str, _Reading] = {
    "strokes": _strokes,
    "works": _once("works", "somebody's work on an image", "image", "user"),
    "comments": _comments,
    "events": _events,
    "proposals": _once("proposals", "proposals for an image", "image"),
    "turns": _once("turns", "an image's turn to be drawn", "image"),
}
"""How the rows of each table are read: those that fit the plan's images and classes, else a `StudioError`."""
