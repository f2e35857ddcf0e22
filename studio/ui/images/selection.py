"""Which images a user has ticked in the gallery, over all its pages, until the filter changes."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

_KEY = "chosen images"


class Selection:
    """The ids ticked under one filter, in this browser's session; `scope` names project and filter."""

    def __init__(self, scope: str) -> None:
        self._scope = scope
        if _KEY not in st.session_state or st.session_state[_KEY][0] != scope:
            st.session_state[_KEY] = (scope, 0, frozenset())

    @property
    def turn(self) -> str:
        """Another one each time that the ticks are set by a button rather than by clicks on them."""
        return f"{self._scope} {st.session_state[_KEY][1]}"

    def ids(self) -> list[int]:
        """The ids, in the order in which the images were added."""
        return sorted(st.session_state[_KEY][2])

    def put(self, ids: Iterable[int]) -> None:
        """Tick these and no others."""
        self._keep(ids, 1)

    def add(self, ids: Iterable[int]) -> None:
        """Tick these as well."""
        self._keep({*self.ids(), *ids}, 1)

    def replace(self, shown: set[int], ticked: set[int]) -> None:
        """Take over what was clicked: of those shown, these are ticked."""
        self._keep({*self.ids()} - shown | ticked & shown, 0)

    def _keep(self, ids: Iterable[int], turns: int) -> None:
        st.session_state[_KEY] = (self._scope, st.session_state[_KEY][1] + turns, frozenset(ids))
