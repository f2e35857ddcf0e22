"""How a job's settings say which candidates are fine-tuned."""

from __future__ import annotations

from typing import Any

from ftl.tuning.plan import Recipe, Tuning


def tuning_of(settings: dict[str, Any]) -> Tuning:
    """What a sweep makes beside linear heads, from its settings; nothing in those of older jobs."""
    also, epochs, distil = settings.get("also", []), settings.get("tuning_epochs"), settings.get("distil", 0.0)
    recipe = Recipe(distil=distil) if epochs is None else Recipe(epochs=epochs, distil=distil)
    return Tuning(tuple(also), bool(settings.get("tune_base")), recipe)
