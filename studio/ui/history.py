"""The browser's Back and Forward: its side of them is `history.js`, in what it opens first."""

from __future__ import annotations

from pathlib import Path

from streamlit.runtime.scriptrunner import get_script_run_ctx

SCRIPT = Path(__file__).with_name("history.js").read_text(encoding="utf-8")


def went_back() -> bool:
    """Whether the browser's Back or Forward has asked for this run."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation
