"""Signs that a network does not work although its figures may look fine: it answers alike, or hardly responds."""

from __future__ import annotations

from ftl.evaluation.candidate import Candidate
from ftl.formatting import counted, number

FLAT = 0.05
"""Probabilities that differ by less than this between images are flat."""


def warnings(candidate: Candidate) -> list[str]:
    """What is suspicious of a candidate, a phrase each; nothing where it looks sound or nothing is known.

    The same answer for every validation image; probabilities that hardly differ between them; filters that no test
    image activates; equal scores in more than half of the layers, so that the order of the filters decided which of
    them stayed. The unpruned network holds filters for other photographs (on 40 of concrete, masonry and steel 340 of
    VGG16's 4,224 were silent): more than half of them must be silent there.
    """
    found = []
    matrix, layers = candidate.validation_confusion, len(candidate.channels)
    answered = sum(any(column) for column in zip(*matrix, strict=True))
    if answered == 1:
        found.append("gives every validation image the same class")
    elif candidate.spread is not None and candidate.spread < FLAT:
        points = number(100 * candidate.spread)
        found.append(f"flat outputs: its probabilities differ by {points} points between validation images")
    silent, filters = candidate.silent or (0, 0)
    if silent and (not candidate.is_base or 2 * silent > filters):
        verb = "is" if silent == 1 else "are"
        found.append(f"{silent:,} of {counted(filters, 'filter')} {verb} silent: no test image activates them")
    if 2 * candidate.tied_layers > layers > 0:
        found.append(f"equal scores in {candidate.tied_layers} of {layers} layers: filters stayed by their order")
    return found
