"""How filters are chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ftl.config import PruneConfig
from ftl.pruning.criteria import Criterion

JOINTS: dict[str, Callable[..., Any]] = {"mean": np.mean, "max": np.max}
"""How the scores of coupled filters become one."""


@dataclass(frozen=True)
class How:
    """A configuration with its criterion, which may be bound to a network and its labelled photographs."""

    criterion: Criterion
    config: PruneConfig = PruneConfig()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.config, {"joint": "coupling_score", "read": "coupling_maps"}.get(name, name))
