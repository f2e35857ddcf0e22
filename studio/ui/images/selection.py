"""Which images a user has ticked in the gallery, over all its pages, until the filter changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from studio.ui import state


@dataclass
class Selection:
    """The images ticked under one filter, in this tab."""

    scope: str = ""
    """Names project and filter."""

    turns: int = 0
    """How often the ticks were set by a button."""

    ticked: frozenset[int] = frozenset()

    @property
    def turn(self) -> str:
        """Another one each time that the ticks are set by a button rather than by clicks on them."""
        return f"{self.scope} {self.turns}"

    def ids(self) -> list[int]:
        """The ids, in the order in which the images were added."""
        return sorted(self.ticked)

    def put(self, ids: Iterable[int]) -> None:
        """Tick these and no others."""
        self.ticked = frozenset(ids)
        self.turns += 1

    def add(self, ids: Iterable[int]) -> None:
        """Tick these as well."""
        self.put({*self.ticked, *ids})

    def replace(self, shown: set[int], ticked: set[int]) -> None:
        """Take over what was clicked: of those shown, these are ticked."""
        self.ticked = self.ticked - shown | ticked & shown


def selection_of(scope: str) -> Selection:
    """This tab's selection; empty where `scope`, which names project and filter, is another than last time."""
    kept = state.of(Selection)
    if kept.scope != scope:
        kept.scope, kept.turns, kept.ticked = scope, 0, frozenset()
    return kept
