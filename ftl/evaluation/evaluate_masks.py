"""Measure a segmenter on photographs with masks that it has not seen."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ftl.data.masks import NOT_JUDGED
from ftl.data.segmentation import SegmentationSet, check_classes
from ftl.device import Device, device_of, run_on
from ftl.evaluation.segmentation import (
    THRESHOLDS,
    Measure,
    average_precision,
    bootstrap,
    choose_threshold,
    cl_dice,
    cl_dice_counts,
    class_counts,
    f1,
    iou,
    level_of,
    likeliest_of,
    mean_f1,
    mean_of_classes,
    tolerant_counts,
    tolerant_f1,
)
from ftl.models.segmenter import Segmenter
from ftl.models.tiling import Run, segment
from ftl.progress import Report, silent

TOLERANCE = 2
"""Pixels by which an edge may be off in `tolerant_f1`."""


class Look(NamedTuple):
    """What a segmenter makes of one photograph beside its mask, for any threshold; packed, as many may be held.

    `counts`: as `ftl.evaluation.segmentation.class_counts` has them. `packed`: of each pixel how probable a defect is,
    in 256ths rounded down, the likeliest class, and the true one.
    """

    counts: np.ndarray
    packed: bytes
    shape: tuple[int, int]

    def masks(self, cut: int) -> tuple[np.ndarray, np.ndarray]:
        """The mask that is drawn at one of the `THRESHOLDS`, and the true one: class numbers, uint8 (H, W).

        Nothing is drawn where the truth is `NOT_JUDGED`.
        """
        level, likeliest, truth = np.frombuffer(zlib.decompress(self.packed), np.uint8).reshape(3, *self.shape)
        return np.where((level > cut) & (truth != NOT_JUDGED), likeliest, np.uint8(0)), truth


def look(
    model: Segmenter,
    data: SegmentationSet,
    *,
    run: Run | None = None,
    device: Device = None,
    report: Report = silent,
) -> Iterator[Look]:
    """Run a segmenter over each photograph once; `run` and `device` as `evaluate_masks` takes them."""
    with run_on(device):
        model = model.to(device_of())
    for done in range(len(data)):
        report(done, len(data), "drawing masks")
        image, truth = data.read(done)
        probabilities = segment(model, image, run=run)
        seen = np.stack([level_of(probabilities), likeliest_of(probabilities), truth])
        yield Look(class_counts(probabilities, truth), zlib.compress(seen.tobytes(), 1), truth.shape)
    report(len(data), len(data), "drawing masks")


def threshold_of(looks: Sequence[Look]) -> float:
    """The threshold, 0..1, that validation photographs choose (`choose_threshold`)."""
    return float(THRESHOLDS[choose_threshold(np.stack([seen.counts for seen in looks]))])


def evaluate_masks(
    model: Segmenter,
    data: SegmentationSet,
    *,
    run: Run | None = None,
    device: Device = None,
    report: Report = silent,
) -> dict[str, Any]:
    """How well a segmenter draws at its threshold, with 95 % intervals by bootstrap over photographs.

    Returns `f1`, `iou`, `tolerant_f1` (an edge may be off by `TOLERANCE` pixels) and `cl_dice`, each with `_low` and
    `_high`, summed over all pixels and averaged over the classes that occur; `ods`, the F1 at the best threshold in
    hindsight, and `average_precision`, which need no threshold; `threshold`, `photographs`, `classes`; and
    `per_photograph`: `file`, and each class' `pixels` (true and false positives, false negatives), so that two
    segmenters can be compared on the same photographs. `run`: what computes in the model's stead, as
    `ftl.models.tiling.segment` takes it. `device` as in `ftl.device.run_on`. Raises `FtlError` where the masks hold
    other classes than the network draws.
    """
    check_classes(data, model.classes)
    return figures_of(model, data, look(model, data, run=run, device=device, report=report))


def figures_of(model: Segmenter, data: SegmentationSet, looks: Iterable[Look]) -> dict[str, Any]:
    """`evaluate_masks` of what a segmenter made of the photographs, at its threshold: that of `THRESHOLDS` nearest."""
    every = np.zeros((len(model.classes), len(THRESHOLDS), 3), np.int64)
    at, tolerant, skeletons = list[np.ndarray](), list[list[np.ndarray]](), list[list[np.ndarray]]()
    cut = int(np.argmin(np.abs(THRESHOLDS - model.threshold)))
    for seen in looks:
        every += seen.counts
        at.append(seen.counts[:, cut])
        mask, truth = seen.masks(cut)
        pairs = [(mask == number, truth == number) for number in range(1, len(model.classes) + 1)]
        tolerant.append([tolerant_counts(*pair, TOLERANCE) for pair in pairs])
        skeletons.append([cl_dice_counts(*pair) for pair in pairs])
    found: dict[str, Any] = {"photographs": len(data), "classes": [*model.classes], "threshold": model.threshold}
    measures: dict[str, tuple[Measure, Sequence[Any]]] = {
        "f1": (f1, at), "iou": (iou, at), "tolerant_f1": (tolerant_f1, tolerant), "cl_dice": (cl_dice, skeletons)
    }  # fmt: skip
    for name, (measure, counted) in measures.items():
        of_classes, counts = mean_of_classes(measure), np.array(counted)  # (photographs, classes, 3 or 4)
        low, high = bootstrap(counts, of_classes)
        found |= {name: float(of_classes(counts.sum(0))), f"{name}_low": low, f"{name}_high": high}
    found["ods"] = float(mean_f1(np.swapaxes(every, 0, 1)).max())
    found["average_precision"] = float(average_precision(every).mean())
    found["per_photograph"] = [
        {"file": str(path), "pixels": counts.tolist()} for path, counts in zip(data.images, at, strict=True)
    ]
    return found
