"""Who the people of a backup are in this studio: the one who restores it, and others whom nobody can sign in as."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain, count

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.accounts import add_user
from studio.store.tables import User

_MOST_LETTERS = 64


def accounts(db: Session, user_id: int, names: Iterable[str]) -> dict[str, int]:
    """The accounts of these names: the user's own for theirs, and a new one without password for every other.

    So a backup that was tampered with can neither put strokes into others' names nor let anybody in.
    """
    taken = {name.lower() for name in db.scalars(select(User.name))}
    own = db.get_one(User, user_id).name
    found: dict[str, int] = {}
    for name in names:
        if name == own:
            found[name] = user_id
            continue
        free = free_name(name, taken)
        taken.add(free.lower())
        found[name] = add_user(db, free, None).id
    return found


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, with a suffix where it is `taken` (in lower case): "Ada (from backup)", "Ada (from backup 2)"."""
    suffixes = chain(["", " (from backup)"], (f" (from backup {number})" for number in count(2)))
    tries = (f"{name[: _MOST_LETTERS - len(one)].rstrip()}{one}" for one in suffixes)
    return next(one for one in tries if one.lower() not in taken)
