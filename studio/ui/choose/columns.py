"""The table of candidates on the Choose page, a column each with all that belongs to it.

What its user downloads is what the table shows, so a new column is added here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ftl.evaluation.candidate import Candidate, warnings
from ftl.evaluation.charts import shown_accuracy
from ftl.evaluation.decision import decision_score
from ftl.evaluation.fastest import fastest
from ftl.evaluation.runtimes import TITLES
from studio.ui.choose.ranking import Ranked, in_order, standing_of


class Column(NamedTuple):
    """A column: its name, and the value that a candidate of a sweep has there, or None where it is not known.

    `title`: what its head says, where that is not the name. `format`: of a number, as Streamlit's `NumberColumn` takes
    it. `when`: whether the table of these sweeps has the column.
    """

    name: str
    value: Callable[[Ranked, Candidate], str | float | None]
    format: str | None = None
    title: str | None = None
    help: str | None = None
    when: Callable[[Sequence[Ranked]], bool] = lambda sweeps: True


_VALIDATION = "on the validation images"


def _share(name: str, value: Callable[[Candidate], float | None], title: str | None, help_: str) -> Column:
    """A column in per cent of a value 0..1."""

    def percent(_: Ranked, candidate: Candidate) -> float | None:
        share = value(candidate)
        return None if share is None else 100 * share

    return Column(name, percent, "%.1f %%", title, help_)


def _standing(ranked: Ranked, candidate: Candidate) -> str:
    """What was found of a candidate; of a time that is unstable not why, which no column has room for."""
    found = standing_of(ranked, candidate)
    if candidate.unstable:
        found = found.replace(f": {candidate.unstable}", "")
    return ("⚠ " if warnings(candidate) else "") + found


def _score(ranked: Ranked, candidate: Candidate) -> float | None:
    weights = ranked.weights
    return None if weights is None else decision_score(candidate, ranked.sweep.unpruned, weights)


def _several_runtimes(sweeps: Sequence[Ranked]) -> bool:
    return any(candidate.runtimes for ranked in sweeps for candidate in ranked.sweep.candidates)


def _any_warning(sweeps: Sequence[Ranked]) -> bool:
    return any(warnings(candidate) for ranked in sweeps for candidate in ranked.sweep.candidates)


COLUMNS: tuple[Column, ...] = (
    Column("Sweep", lambda ranked, _: ranked.sweep.name, when=lambda sweeps: len(sweeps) > 1),
    Column("Network", lambda _, candidate: candidate.name),
    Column("Standing", _standing),
    Column("Score", _score, "%.3f", when=lambda sweeps: sweeps[0].weights is not None),
    _share("Validation accuracy", lambda candidate: candidate.accuracy, "Validation", f"accuracy {_VALIDATION}"),
    _share("Test accuracy", shown_accuracy, "Test", "accuracy on the test images"),
    _share(
        "Balanced accuracy",
        lambda candidate: candidate.balanced_accuracy,
        "Balanced",
        f"mean recall of the classes, {_VALIDATION}",
    ),
    _share("Recall", lambda candidate: candidate.recall, None, _VALIDATION),
    Column("Latency", lambda _, candidate: candidate.time_ms, "%,.2f ms"),
    Column(
        "Times as fast",
        lambda ranked, candidate: ranked.sweep.unpruned.time_ms / candidate.time_ms,
        "%,.1f",
        "Faster",
        "how many times as fast as the unpruned network, both in the runtime that is shown",
    ),
    Column(
        "Fastest latency",
        lambda _, candidate: fastest(candidate).time_ms,
        "%,.2f ms",
        "Fastest",
        "in the runtime that it is fastest in, of those that lose 2 points of accuracy at most",
        when=_several_runtimes,
    ),
    Column("Fastest in", lambda _, candidate: TITLES[fastest(candidate).runtime], when=_several_runtimes),
    Column("Size", lambda _, candidate: candidate.size_mb, "%,.2f MB"),
    Column(
        "Parameters",
        lambda ranked, candidate: 100 * candidate.parameters / ranked.sweep.unpruned.parameters,
        "%.2f %%",
        "Params",
        "of the unpruned network's",
    ),
    Column("Warnings", lambda _, candidate: "; ".join(warnings(candidate)), when=_any_warning),
)
"""In the order of the table."""


def columns_of(ranked: Sequence[Ranked]) -> list[Column]:
    """The columns that the table of these sweeps has."""
    return [column for column in COLUMNS if column.when(ranked)]


def rows_of(
    ranked: Sequence[Ranked], members: Sequence[tuple[Ranked, Candidate]] | None = None
) -> list[dict[str, str | float | None]]:
    """A row for each candidate, in order, by the columns' names; `members`: of these candidates only."""
    columns = columns_of(ranked)
    members = in_order(ranked) if members is None else members
    return [{column.name: column.value(sweep, one) for column in columns} for sweep, one in members]
