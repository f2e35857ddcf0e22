"""How filters are chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ftl.errors import FtlError
from ftl.pruning.criteria import Criterion

JOINTS: dict[str, Callable[..., Any]] = {"mean": np.mean, "max": np.max}
"""How the scores of tied filters become one (`ftl.pruning.coupling`)."""

READS = ("before", "after")
"""On which side of an addition, a multiplication or a depthwise convolution tied filters are scored."""


@dataclass(frozen=True)
class How:
    """How filters are chosen: criterion, rule, seed, and whether exactly as the original program does.

    `joint`, `read`: how filters that can only go together are scored, which a chain has none of
    (`ftl.pruning.coupling`). `round_to`: the number of filters that a layer keeps is rounded up to a multiple of it.
    """

    criterion: Criterion
    rule: str = "fraction"
    seed: int = 0
    faithful: bool = False
    joint: str = "mean"
    read: str = "after"
    round_to: int = 1


def check_how(how: How) -> None:
    """Raise `FtlError` that lists the choices for what there is not."""
    if how.joint not in JOINTS:
        raise FtlError(f"there is no joint score {how.joint!r}: choose one of {', '.join(JOINTS)}")
    if how.read not in READS:
        raise FtlError(f"tied filters cannot be read {how.read!r}: choose one of {', '.join(READS)}")
    if how.round_to < 1 or (how.faithful and how.round_to > 1):
        raise FtlError("filters are rounded up to multiples of 1 or more, and not where the original is reproduced")
