"""What a network draws on the test photographs of its sweep: which are drawn worst and best, and how."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ftl.data.masks import class_ids, pair_files, read_class_ids
from ftl.evaluation.overlays import compared, fitted
from ftl.evaluation.segmentation import f1, mean_of_classes
from ftl.files import read_json
from ftl.formatting import percent
from ftl.models.layout import TEST
from ftl.models.segmenter import Segmenter, drawn
from ftl.models.tiling import segment
from studio.jobs.layout import DRAWN
from studio.store.files import pixels as decoded
from studio.ui.choose.candidate_details import own_name


class Tested(NamedTuple):
    """A test photograph with its mask, and how well a network draws it, 0..1. `has_defects`: its mask is not empty."""

    photo: Path
    mask: Path
    f1: float
    has_defects: bool

    @property
    def name(self) -> str:
        """The photograph's name, as it is shown."""
        return own_name(self.photo)

    @property
    def score(self) -> str:
        """How well it is drawn, in words."""
        return f"F1 {percent(self.f1)}" if self.has_defects else "has no defect"


def tested_photographs(folder: Path, workspace: Path) -> list[Tested]:
    """The test photographs of a network's folder that lie in its job's, the worst drawn first."""
    pairs, _ = pair_files(workspace / DRAWN / "Images", workspace / DRAWN / "Masks")
    there = {photo.name: (photo, mask) for _, photo, mask in pairs}
    rows = [row for row in read_json(folder / TEST)["per_photograph"] if Path(row["file"]).name in there]
    if not rows:
        return []
    counts = np.array([row["pixels"] for row in rows])  # (photographs, classes, 3)
    scores = mean_of_classes(f1)(counts)
    true = counts[..., [0, 2]].sum((1, 2)) > 0
    found = [
        Tested(*there[Path(row["file"]).name], float(score), bool(defects))
        for row, score, defects in zip(rows, scores, true, strict=True)
    ]
    return sorted(found, key=lambda tested: (tested.f1, tested.name))


def worst_and_best(tested: list[Tested], count: int = 2) -> tuple[list[Tested], list[Tested]]:
    """Some photographs that are drawn worst, and of the others some that are drawn best, which have defects."""
    worst = tested[:count]
    return worst, [other for other in reversed(tested[count:]) if other.has_defects][:count]


def compared_picture(model: Segmenter, tested: Tested, longest: int = 1000) -> np.ndarray:
    """What a network draws on a photograph beside its mask, as `compared` shows it, `longest` pixels long."""
    image, truth = decoded(tested.photo), _truth(tested.mask, model.classes)
    answer = drawn(segment(model, image), model.threshold)
    return compared(fitted(image, longest), answer, truth)


def _truth(mask: Path, classes: Sequence[str]) -> np.ndarray:
    """The true class of each pixel as the network numbers them, from 1; 0 outside."""
    values, ids = read_class_ids(mask), class_ids(mask.parent) or {}
    if len(classes) == 1:
        return (values > 0).astype(np.uint8)
    numbers = np.zeros(256, np.uint8)
    for number, name in enumerate(classes, 1):
        numbers[ids[name] if name in ids else int(name.rpartition(" ")[2])] = number  # as `load_segmentation` names it
    return np.asarray(numbers[values])
