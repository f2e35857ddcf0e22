"""Names of a sweep's folders and of the files in them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ftl.errors import FtlError

DESCRIPTION, WEIGHTS = "network.json", "network.safetensors"
"""A network's description (what it is and how it was made), and its weights."""

FEATURES, EVALUATION = "features.h5", "evaluation.h5"
"""Features of the data set and of the test set."""

HEAD, VALIDATION, TEST, REPEATS = "head.safetensors", "validation.json", "test.json", "repeats.json"
"""A candidate's head, and its measurements on the validation set, on the test set, and repeated."""

TIME = "time.json"
"""A candidate's latency in PyTorch."""

BEFORE = "before.json"
"""What the segmenter that a segmenter was trained further from is worth on its test photographs."""

UNPRUNED = "base"
"""The folder of the unpruned network."""


def folder_name(keep: float | None) -> str:
    """The folder of a pruned network: `keep-0.05`; `above-average` for the rule that needs no keep fraction."""
    return "above-average" if keep is None else f"keep-{keep:g}"


LINEAR, RECALIBRATED, TUNED = "linear", "recalibrated", "tuned"
HEADS = (LINEAR, RECALIBRATED, TUNED)
"""Kinds of classifiers made of one pruned network.

`linear`: a linear classifier on all features of the network as it was cut. `recalibrated`: the same after its batch
norms have learnt the statistics of its own maps. `tuned`: the network itself trained, with a classifier on the means
of its last maps.
"""

SEGMENTED = "segmented"
"""The candidate of a pruned network that draws masks: a segmenter, no classifier."""


def candidate_name(network: str, head: str) -> str:
    """The folder of a pruned network's candidate: the network's own, or `keep-0.05-tuned` beside it."""
    return network if head == LINEAR else f"{network}-{head}"


class Budget(NamedTuple):
    """At most `limit` of a `unit`: "macs", as a share (0..1) of the unpruned network's, or "ms" for one image."""

    limit: float
    unit: str

    @property
    def name(self) -> str:
        """The name of its network's folder: `macs-0.01`, `ms-5`."""
        return f"{self.unit}-{self.limit:g}"


def parse_budget(text: str) -> Budget:
    """Read `1%` of the unpruned network's MACs, or `5ms` for one image. Raises `FtlError` for anything else."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*(%|ms)\s*", text)
    if match is None or not float(match[1]) or (match[2] == "%" and float(match[1]) >= 100):
        raise FtlError(f"a budget is a share of the MACs below 100 %, as 1%, or a time, as 5ms; not {text!r}")
    amount = float(match[1])
    return Budget(amount / 100, "macs") if match[2] == "%" else Budget(amount, "ms")


def parse_budgets(texts: Iterable[str]) -> list[Budget]:
    """Read budgets as `parse_budget`, each once. Raises `FtlError` also for two that are nearly the same."""
    budgets = [*dict.fromkeys(map(parse_budget, texts))]
    if len({budget.name for budget in budgets}) < len(budgets):
        raise FtlError("two budgets differ by less than six digits: leave one out")
    return budgets
