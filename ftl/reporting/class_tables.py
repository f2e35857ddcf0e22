"""Tables of classes: figures, the confusion matrix, kinds of mistakes, and what photographs there were of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ftl.evaluation.candidate import Candidate
from ftl.evaluation.metrics import wilson
from ftl.formatting import NOTHING, count, fixed, percent
from ftl.reporting.document import Table


def by_class(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> Table:
    """Recall and precision of each class, with 95 % intervals, from counts (true class, answer)."""
    rows = []
    for index, name in enumerate(classes):
        true, called = sum(confusion[index]), sum(row[index] for row in confusion)
        hits = confusion[index][index]
        rows.append((name, count(true), _share(hits, true), _share(hits, called)))
    head = ("Class", "Test photographs", "Recall (95 % interval)", "Precision (95 % interval)")
    return Table(head, tuple(rows))


def _share(hits: int, trials: int) -> str:
    if not trials:
        return NOTHING
    low, high = wilson(hits, trials)
    return f"{percent(hits / trials)} ({fixed(100 * low, 1)} to {percent(high)})"


def confusion_table(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> Table:
    """Counts by true class (rows) and answer (columns), shaded by the share of the row."""
    rows = tuple((f"is {name}", *map(count, row)) for name, row in zip(classes, confusion, strict=True))
    shades = tuple((0.0, *(value / max(1, sum(row)) for value in row)) for row in confusion)
    return Table(("", *(f"called {name}" for name in classes)), rows, shades=shades)


def mistakes(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> list[tuple[str, str, int, int]]:
    """Each kind of mistake: true class, answer, how many images, of how many of the class; most frequent first."""
    found = [
        (classes[true], classes[said], counts, sum(row))
        for true, row in enumerate(confusion)
        for said, counts in enumerate(row)
        if true != said and counts
    ]
    return sorted(found, key=lambda kind: -kind[2])


def data_table(labels: Mapping[str, int] | None, own: Candidate, classes: Sequence[str]) -> Table:
    """Photographs of each class that were trained on, that validated, and that tested.

    `labels`: of those that were trained on and validated together; None where that is not known.
    """
    validated, tested = own.validation_confusion, own.confusion
    rows = []
    for index, name in enumerate(classes):
        held_out = sum(validated[index]) if validated else None
        together = None if labels is None else labels.get(name)
        trained = None if together is None or held_out is None or held_out > together else together - held_out
        rows.append((name, count(trained), count(held_out), count(sum(tested[index]) if tested else None)))
    return Table(("Class", "Trained on", "Validation", "Test"), tuple(rows))
