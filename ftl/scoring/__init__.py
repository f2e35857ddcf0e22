"""How well each filter of a layer answers to the masks."""

from ftl.scoring.criteria import CRITERIA, Criterion, Maps, criterion

__all__ = ["CRITERIA", "Criterion", "Maps", "criterion"]
