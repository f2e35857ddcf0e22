"""How many images each class and each state has, in a line below the filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from studio.store.tables import STATES, ImageClass

_STYLE = """<style>
.counts, .counts > span { display: flex; flex-wrap: wrap; gap: 0.1rem 0.9rem }
.counts { column-gap: 2.4rem; font-size: 0.8rem; opacity: 0.8 }
.counts i { display: inline-block; width: 0.6rem; height: 0.6rem; margin-right: 0.3rem; border-radius: 50% }
</style>"""


def line(classes: Sequence[ImageClass], by_class: Mapping[int, int], by_state: Mapping[str, int]) -> None:
    """Draw the line. `by_class`: by id, 0 for none. What no image has is left out."""
    named = [
        f'<span><i style="background: {one.colour}"></i>{escape(one.name)} <b>{by_class[one.id]:,}</b></span>'
        for one in classes
        if one.id in by_class
    ]
    if 0 in by_class:
        named.append(f"<span>no image class <b>{by_class[0]:,}</b></span>")
    states = [f"<span>{one} <b>{by_state[one]:,}</b></span>" for one in STATES if one in by_state]
    st.html(f'{_STYLE}<div class="counts"><span>{"".join(named)}</span><span>{"".join(states)}</span></div>')
