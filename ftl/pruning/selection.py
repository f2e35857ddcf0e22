"""Selection rules: which filters stay, given their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ftl.errors import FtlError
from ftl.formatting import exact


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
            raise FtlError(f"keep fraction {exact(fraction)} leaves nothing of a layer with {count} filters: keep more")
        order = np.lexsort((-np.arange(count), -scores))
    else:
        kept = max(1, round(count * fraction))
        order = np.lexsort((np.arange(count), -scores))
    return sorted(int(index) for index in order[:kept])


def above_average(scores: np.ndarray) -> list[int]:
    """Indices of the filters that score the layer's average or more; the best if rounding leaves none."""
    kept = [int(index) for index in np.flatnonzero(scores >= np.mean(scores))]
    return kept or [int(scores.argmax())]


class Picked(NamedTuple):
    """`kept`: indices, rising. `equal`: a dropped filter scores as high as one kept, so their order decided."""

    kept: list[int]
    equal: bool


def pick(
    scores: Mapping[str, np.ndarray],
    rule: str,
    fraction: float | Mapping[str, float] | None,
    *,
    faithful: bool = False,
    round_to: int = 1,
) -> Picked:
    """Apply a rule (`PruneConfig.rule`) to each group's scores (crack, background, ...) and unite what they keep.

    `fraction`: for all groups, or by group. `round_to`: so many filters more are kept, the best of the rest in any
    group, that a multiple of it stays, or all.
    """
    united: set[int] = set()
    equal = False
    for group, values in scores.items():
        if rule == "above-average" or fraction is None:
            kept = above_average(values)
        else:
            share = fraction[group] if isinstance(fraction, Mapping) else fraction
            kept = keep_fraction(values, share, faithful=faithful)
        dropped = np.delete(values, kept)
        equal |= bool(dropped.size and dropped.max() == values[kept].min())
        united |= set(kept)
    if lacking := -len(united) % round_to:
        places = np.min([np.argsort(np.argsort(-values, kind="stable")) for values in scores.values()], 0)
        rest = sorted(set(range(len(places))) - united, key=lambda index: int(places[index]))
        more, left = rest[:lacking], rest[lacking:]
        equal = bool(left) and any(values[more[-1]] == values[left[0]] for values in scores.values())
        united |= set(more)
    return Picked(sorted(united), equal)


def pick_all(
    layers: Sequence[Mapping[str, np.ndarray]],
    rule: str,
    fraction: float | None,
    *,
    faithful: bool = False,
    round_to: int = 1,
) -> list[Picked]:
    """Apply a rule to the scores of all layers, each by group."""
    own = shared_out(layers, fraction) if rule == "global" and fraction is not None else [fraction] * len(layers)
    return [
        pick(scores, rule, share, faithful=faithful, round_to=round_to)
        for scores, share in zip(layers, own, strict=True)
    ]


def shared_out(layers: Sequence[Mapping[str, np.ndarray]], fraction: float) -> list[dict[str, float]]:
    """For each layer, by group, the fraction of its filters that are among the best `fraction` of the network's.

    A layer's scores count as multiples of their mean, so that layers compare (as in Torch-Pruning's global pruning).
    Of equal ones those of earlier layers are the best. Each layer keeps a filter at least.
    """
    found: list[dict[str, float]] = [{} for _ in layers]
    for group in layers[0]:
        relative = [scores[group] / max(float(scores[group].mean()), np.finfo(np.float32).tiny) for scores in layers]
        places = np.repeat(np.arange(len(layers)), [len(values) for values in relative])
        best = np.argsort(-np.concatenate(relative), kind="stable")[: round(len(places) * fraction)]
        for own, values, count in zip(found, relative, np.bincount(places[best], minlength=len(layers)), strict=True):
            own[group] = max(1, int(count)) / len(values)
    return found
