"""Rules: which filters of a layer stay, given their scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ftl.errors import FtlError

RULES = ("fraction", "above-average")


def keep_fraction(scores: np.ndarray, fraction: float, *, faithful: bool = False) -> list[int]:
    """Indices, rising, of the best `fraction` (0..1] of the filters.

    Keeps `round(n * fraction)`, at least one; of equal scores the lower index. `faithful=True` keeps the original's
    `round((n - 1) * fraction)` with Python's rounding, and of equal scores the higher index. Either way a smaller
    fraction keeps a subset of what a larger one keeps.
    """
    count = len(scores)
    if faithful:
        kept = round((count - 1) * fraction)
        if kept < 1:
            raise FtlError(f"keep fraction {fraction:g} leaves nothing of a layer with {count} filters: keep more")
        order = np.lexsort((-np.arange(count), -scores))
    else:
        kept = max(1, round(count * fraction))
        order = np.lexsort((np.arange(count), -scores))
    return sorted(int(index) for index in order[:kept])


def above_average(scores: np.ndarray) -> list[int]:
    """Indices of the filters that score the layer's average or more; the best if rounding leaves none."""
    kept = [int(index) for index in np.flatnonzero(scores >= np.mean(scores))]
    return kept or [int(scores.argmax())]


def check_rule(rule: str) -> None:
    """Raise `FtlError` that lists the rules when there is none of this name."""
    if rule not in RULES:
        raise FtlError(f"there is no rule {rule!r}: choose one of {', '.join(RULES)}")


class Picked(NamedTuple):
    """`kept`: indices, rising. `tied`: a dropped filter scores as high as one kept, so their order decided."""

    kept: list[int]
    tied: bool


def pick(
    scores: Mapping[str, np.ndarray],
    rule: str,
    fraction: float | None,
    *,
    faithful: bool = False,
    round_to: int = 1,
) -> Picked:
    """Apply a rule to each group's scores (crack, background, ...) and unite what they keep.

    `round_to`: so many filters more are kept, the best of the rest in any group, that a multiple of it stays, or all.
    """
    check_rule(rule)
    united: set[int] = set()
    tied = False
    for values in scores.values():
        if rule == "above-average" or fraction is None:
            kept = above_average(values)
        else:
            kept = keep_fraction(values, fraction, faithful=faithful)
        dropped = np.delete(values, kept)
        tied |= bool(dropped.size and dropped.max() == values[kept].min())
        united |= set(kept)
    if lacking := -len(united) % round_to:
        places = np.min([np.argsort(np.argsort(-values, kind="stable")) for values in scores.values()], 0)
        rest = sorted(set(range(len(places))) - united, key=lambda index: int(places[index]))
        more, left = rest[:lacking], rest[lacking:]
        tied = bool(left) and any(values[more[-1]] == values[left[0]] for values in scores.values())
        united |= set(more)
    return Picked(sorted(united), tied)
