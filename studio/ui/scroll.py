"""Brings a part of a page into view, where a click elsewhere on the page has opened it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st


@cache
def _component() -> Callable[..., Any]:
    script = Path(__file__).with_name("scroll.js").read_text(encoding="utf-8")
    return st.components.v2.component("scroll", js=script)


def to(key: str, turn: int) -> None:
    """Scroll to the container of this key; to be called behind it. `turn`: another for each time."""
    _component()(key=f"scroll-{key}-{turn}", data={"key": key, "turn": turn}, height=1)
