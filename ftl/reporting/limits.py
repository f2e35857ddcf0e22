"""What a network is not to be used for, as far as its own figures tell: sentences for its model card."""

from __future__ import annotations

from collections.abc import Sequence

from ftl.evaluation.candidate import Candidate, warnings
from ftl.evaluation.segmented_candidate import SegmentedCandidate
from ftl.formatting import counted, listed, percent
from ftl.reporting.document import Bullets

FEW = 30
"""Test photographs of a class below which its figures say little."""

_PLACES = "Latencies hold for the machines, runtimes and threads named above."
_PHOTOS = (
    "The files' names do not tell which images are of one photo, so images of one photo may stand on both sides of the "
    "split, and the figures may be too good."
)


def limits_of_classes(own: Candidate, classes: Sequence[str], size: int, photo: str | None) -> Bullets:
    """Of a network that classifies photographs shrunk to `size` pixels. `photo`: what tells photos apart, or None."""
    images = {name: sum(row) for name, row in zip(classes, own.confusion, strict=False)}
    total = sum(images.values())
    shares = ", ".join(f"{name} {percent(count / total)}" for name, count in images.items() if total)
    return _bullets(
        _collection(total),
        f"It knows {listed(classes)} and nothing else: whatever it is shown, it calls it one of these.",
        f"A photograph is shrunk to {size} × {size} pixels: what is thin on a large photograph may vanish. Cut large "
        "photographs into tiles first.",
        "Its answer is the most probable class: with two classes, a threshold of 50 %. The probabilities were not "
        "calibrated.",
        f"Precision, and with it the share of false alarms, holds for the shares of classes in the test set ({shares})"
        ". Where a class is rarer, more of the alarms are false." if shares else "",
        *(f"There are only {counted(count, 'test photograph')} of {name}: its figures say little."
          for name, count in images.items() if count < FEW),
        "" if photo else _PHOTOS,
        "The checks on leakage do not find photographs that are nearly the same under other names.",
        _PLACES,
        *(f"A sign that it may not work: {warning}." for warning in warnings(own)),
    )  # fmt: skip


def limits_of_masks(own: SegmentedCandidate, photo: str | None) -> Bullets:
    """Of a network that draws masks."""
    tested = own.test.photographs
    return _bullets(
        _collection(tested),
        f"It draws {listed(own.classes)} and nothing else.",
        f"There are only {counted(tested, 'test photograph')}: the intervals are too narrow." if tested < FEW else "",
        f"The threshold of {percent(own.threshold)} gave the best F1 on the validation photographs. A lower one misses "
        "less and draws more outside.",
        "Photographs are not shrunk: defects much larger or smaller in pixels than those that it was trained on were "
        "not tested.",
        "F1 counts pixels: a crack that is drawn too thin or too thick counts as a mistake, though it was found.",
        "" if photo else _PHOTOS,
        _PLACES,
    )


def _collection(tested: int) -> str:
    what = f"It was tested on {counted(tested, 'photograph')} of one collection." if tested else "It was not tested."
    return f"{what} Other cameras, distances, light, materials and structures were not tested."


def _bullets(*sentences: str) -> Bullets:
    return Bullets(tuple(filter(None, sentences)))
