"""Delays between failed sign-ins: by name and address together, so that guessing elsewhere locks nobody out."""

from __future__ import annotations

import time
from ipaddress import ip_address
from math import ceil
from typing import NamedTuple

from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session as Database

from studio.errors import StudioError
from studio.store.database import writing
from studio.store.tables import SignInDelay

_FIRST_DELAY = 30  # seconds after the last free failure; it doubles with every further one


class _Limit(NamedTuple):
    """So many failures are free; one is forgotten every `forgets` seconds."""

    free: int
    forgets: float


_PER_NAME, _PER_ADDRESS = _Limit(5, 15 * 60), _Limit(50, 60)
_KEPT = 24 * 3600  # seconds; by then all is forgotten


class TooManyAttempts(StudioError):  # noqa: N818
    """Sign-ins for this name from this address, or from this address at all, have to wait for `seconds`."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        spoken = f"{seconds} seconds" if seconds <= 90 else f"{ceil(seconds / 60)} minutes"
        super().__init__(f"too many attempts: try again in {spoken}")


def count_attempt(name: str, address: str) -> None:
    """Count a sign-in as failed before it is checked, so that many at once count as well.

    Raises `TooManyAttempts` without counting while a delay runs.
    """
    with writing() as db:
        for key, where, limit in _counters(name, address):
            _count(db, key, where, limit)


def forget_attempt(name: str, address: str) -> None:
    """Take back what `count_attempt` counted for a sign-in that was right, and all earlier failures of that name."""
    with writing() as db:
        db.execute(delete(SignInDelay).where(SignInDelay.at < time.time() - _KEPT))
    with writing() as db:
        for key, where, _ in _counters(name, address):
            mine = update(SignInDelay).where(SignInDelay.name == key, SignInDelay.address == where)
            db.execute(mine.values(level=0.0 if key else SignInDelay.level - 1))


def _counters(name: str, address: str) -> list[tuple[str, str, _Limit]]:
    """The two counters of an attempt, always in this order: two attempts then never wait for each other."""
    where = _network(address)
    return [(name, where, _PER_NAME), ("", where, _PER_ADDRESS)]


def _network(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 address: one household or office has all of it."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:64]
    if found.version == 4:
        return str(found)
    return str(found.ipv4_mapped or ip_address(int(found) >> 64 << 64))


def _count(db: Database, name: str, address: str, limit: _Limit) -> None:
    now = time.time()
    # the update that changes nothing locks the row until this transaction ends: attempts take turns
    row = db.execute(
        text(
            "INSERT INTO sign_in_delays (name, address, level, at) VALUES (:name, :address, 0, :now) "
            "ON CONFLICT (name, address) DO UPDATE SET at = sign_in_delays.at RETURNING level, at"
        ),
        {"name": name, "address": address, "now": now},
    ).one()
    if row.level > limit.free - 1:  # a fraction below `free`: something was forgotten meanwhile
        wait = row.at + _FIRST_DELAY * 2 ** (row.level - limit.free) - now
        if wait > 0:
            raise TooManyAttempts(ceil(wait))
    level = max(0.0, row.level - max(0.0, now - row.at) / limit.forgets) + 1
    mine = update(SignInDelay).where(SignInDelay.name == name, SignInDelay.address == address)
    db.execute(mine.values(level=level, at=now))
