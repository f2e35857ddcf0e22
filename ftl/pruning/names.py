"""What the folders of a sweep's networks are called."""

from __future__ import annotations

BASE = "base"
"""The unpruned network's."""


def folder_name(keep: float | None) -> str:
    """`keep-0.05`; `above-average` for the rule that needs no fraction."""
    return "above-average" if keep is None else f"keep-{keep:g}"
