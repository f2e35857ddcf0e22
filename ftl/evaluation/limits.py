"""Limits that a person sets for a network."""

from __future__ import annotations

from typing import NamedTuple

from ftl.evaluation.candidate import Candidate


class Limits(NamedTuple):
    """Constraints on a network; None: any. Shares are 0..1, of the validation images."""

    max_ms: float | None = None
    min_recall: float | None = None
    max_mb: float | None = None
    min_accuracy: float | None = None
    min_f1: float | None = None
    min_precision: float | None = None
    min_balanced_accuracy: float | None = None

    def allow(self, candidate: Candidate) -> bool:
        """Whether a candidate keeps within all limits; what is not known of it does not."""
        return all(
            (
                _at_most(candidate.time_ms, self.max_ms),
                _at_most(candidate.size_mb, self.max_mb),
                _at_least(candidate.recall, self.min_recall),
                _at_least(candidate.accuracy, self.min_accuracy),
                _at_least(candidate.f1, self.min_f1),
                _at_least(candidate.precision, self.min_precision),
                _at_least(candidate.balanced_accuracy, self.min_balanced_accuracy),
            )
        )


def _at_most(value: float, most: float | None) -> bool:
    return most is None or value <= most


def _at_least(value: float | None, least: float | None) -> bool:
    return least is None or (value is not None and value >= least)
