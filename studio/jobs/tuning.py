"""Which networks a job's settings ask for, and what is made of them."""

from __future__ import annotations

from typing import Any

from ftl.models.layout import BASE, folder_name, parse_budgets
from ftl.training.settings import Recipe, Tuning


def tuning_of(settings: dict[str, Any]) -> Tuning:
    """What a sweep makes beside linear heads, from its settings; nothing in those of older jobs."""
    also, epochs, distil = settings.get("also", []), settings.get("tuning_epochs"), settings.get("distil", 0.0)
    recipe = Recipe(distil=distil) if epochs is None else Recipe(epochs=epochs, distil=distil)
    return Tuning(tuple(also), bool(settings.get("tune_base")), recipe)


def network_names(settings: dict[str, Any]) -> list[str]:
    """All networks of a sweep, the unpruned one first. Raises `FtlError` for a budget that is none."""
    budgets = (one.name for one in parse_budgets(settings.get("budgets", ())))
    return [BASE, *map(folder_name, settings["keep"] or [None]), *budgets]
