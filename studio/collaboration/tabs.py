"""What the tabs that have an image open do at this moment: where their pointer is, and the stroke that it draws.

Kept in memory alone, for seconds: what is lost with the process is sent again a moment later.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from studio.store.home import home

SECONDS = 3.0
"""So long after it last asked, a tab is forgotten."""

_MOST_OF_A_USER = 8
_MOST = 2000


class Tab(NamedTuple):
    """A browser's tab. `cursor`: [x, y] in image pixels, or None; `drawing`: a row without an id, or None."""

    user_id: int
    name: str
    tab: str
    cursor: list[float] | None
    drawing: dict[str, Any] | None
    at: float


_TABS: dict[tuple[Path, int, int, str], Tab] = {}
_LOCK = Lock()


def meet(image_id: int, mine: Tab) -> list[Tab]:
    """Say what a tab does on an image; the other tabs on it, by name. Not for those who draw blind."""
    own = (home(), image_id, mine.user_id, mine.tab)
    with _LOCK:
        for key in [key for key, tab in _TABS.items() if not 0 <= mine.at - tab.at <= SECONDS]:
            del _TABS[key]
        _TABS.pop(own, None)
        _drop(key for key in _TABS if key[2] == mine.user_id)
        if len(_TABS) < _MOST:
            _TABS[own] = mine
        others = [tab for key, tab in _TABS.items() if key[:2] == own[:2] and key != own]
    return sorted(others, key=lambda tab: (tab.name.lower(), tab.tab))


def others(image_id: int, user_id: int) -> list[Tab]:
    """The tabs of other users on an image, by name."""
    now = time.monotonic()
    with _LOCK:
        found = [tab for key, tab in _TABS.items() if key[:2] == (home(), image_id) and key[2] != user_id]
    return sorted((tab for tab in found if now - tab.at <= SECONDS), key=lambda tab: (tab.name.lower(), tab.tab))


def _drop(keys: Iterable[tuple[Path, int, int, str]]) -> None:
    """Make room for one more tab of a user."""
    oldest_first = sorted(keys, key=lambda key: _TABS[key].at)
    for key in oldest_first[: max(0, len(oldest_first) - _MOST_OF_A_USER + 1)]:
        del _TABS[key]
