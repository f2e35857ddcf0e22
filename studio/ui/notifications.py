"""Notifications of jobs that have ended, on any open page, and the button by which a browser's user allows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st


def listen() -> None:
    """Have this page ask for ends of jobs, show them, and mark its title; once a run, on every page."""
    _component()(key="notices")


def offer() -> None:
    """A button that asks the browser's user whether they want notifications; nothing where they have them."""
    _component()(key="notices-offer", data={"offer": True})


def _component() -> Any:
    script = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    return st.components.v2.component("notices", html='<div class="offer"></div>', js=script)
