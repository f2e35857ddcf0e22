"""Which networks a table shows: those in the box that was drawn on the chart, with the words that were typed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import streamlit as st

from ftl.formatting import counted

_Member = TypeVar("_Member")


def filtered(members: Sequence[_Member], words: str, text_of: Callable[[_Member], str]) -> list[_Member]:
    """Those whose text has all of these words, or parts of them, in small or capital letters."""
    wanted = words.casefold().split()
    return [member for member in members if all(word in text_of(member).casefold() for word in wanted)]


def show(
    members: Sequence[_Member],
    text_of: Callable[[_Member], str],
    key_of: Callable[[_Member], str],
    boxed: Collection[str],
) -> list[_Member]:
    """Draw the field for words, and how many of all networks are left. `boxed`: keys of those in the box, if any."""
    with st.container(horizontal=True, vertical_alignment="center"):
        words = st.text_input(
            "Filter the table", placeholder="Filter by words of name or standing", label_visibility="collapsed",
            icon=":material/filter_list:", width=380,
        )  # fmt: skip
        inside = [member for member in members if not boxed or key_of(member) in boxed]
        left = filtered(inside, words, text_of)
        if boxed or words:
            box = " in the box on the chart; a double click there shows all again" if boxed else ""
            st.caption(f"{len(left)} of {counted(len(members), 'network')}{box}")
    return left
