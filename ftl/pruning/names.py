"""What the folders of a sweep's networks are called."""

from __future__ import annotations

BASE = "base"
"""The unpruned network's."""


def folder_name(keep: float | None) -> str:
    """`keep-0.05`; `above-average` for the rule that needs no fraction."""
    return "above-average" if keep is None else f"keep-{keep:g}"


LINEAR, RECALIBRATED, TUNED = "linear", "recalibrated", "tuned"
HEADS = (LINEAR, RECALIBRATED, TUNED)
"""Kinds of candidates made of one pruned network.

`linear`: a linear classifier on all features of the network as it was cut. `recalibrated`: the same after its batch
norms have learnt the statistics of its own maps. `tuned`: the network itself trained, with a classifier on the means
of its last maps.
"""


def candidate_name(network: str, head: str) -> str:
    """The folder of a pruned network's candidate: the network's own, or `keep-0.05-tuned` beside it."""
    return network if head == LINEAR else f"{network}-{head}"
