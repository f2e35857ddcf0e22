"""Training a segmenter further, on all photographs with masks that there are now; what has tested it still tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ftl.config import SegmentConfig
from ftl.data.dataset import Scored, photo_ids
from ftl.data.segmentation import SegmentationSet, check_classes, photos_of
from ftl.errors import FtlError
from ftl.evaluation.evaluate_masks import evaluate_masks
from ftl.files import made_before, read_json, write_json
from ftl.models.layout import BEFORE, VALIDATION
from ftl.models.segmenter_files import draws_masks, load_segmenter
from ftl.progress import Report, silent
from ftl.sweeping.manifest import SETTINGS, claim_folder, scored_in
from ftl.sweeping.segmented import (
    APART,
    MaskParts,
    Roles,
    make_segmenter,
    measure_segmenter,
    roles_of,
    segmenter_digest,
)
from ftl.training.early_stopping import Epoch


def begin_further(source: Path, out: Path) -> None:
    """Claim `out` for the segmenter in the folder `source`, which lies in its sweep, trained further.

    Raises `FtlError` where it is none, or `out` holds anything else.
    """
    if not draws_masks(source):
        raise FtlError(f"{source} holds no network that draws masks, so it cannot be trained further")
    roles_of(source)
    settings = read_json(source.parent / SETTINGS)["settings"] | {"trained_further": segmenter_digest(source)}
    claim_folder(out, settings, scored_in(source.parent))


def part_again(data: SegmentationSet, photo: str | None, seed: int, before: Roles, scored: Scored) -> MaskParts:
    """Part photographs with masks for a network that has seen some: each keeps its role, and so do its photo's others.

    Of new ones as many report and choose the threshold as it takes to come to `APART` of all again; none reports where
    none did, and none that is `scored`, for those rank filters. A photo of two roles is trained on, else held out.
    Raises `FtlError` where nothing trains, or chooses the threshold.
    """
    photos = photos_of(data, photo)
    own = dict(zip((sha256 for _, sha256 in data.names()), photos, strict=True))

    def known(rows: Sequence[tuple[str, str]]) -> set[str]:
        named = photo_ids([Path(name) for name, _ in rows], photo) if photo else []
        return {*named, *(own[sha256] for _, sha256 in rows if sha256 in own)}

    ranked = known([*zip(scored.names, scored.digests, strict=True)])
    train, held_out, test = map(known, before)
    held_out -= train
    test -= train | held_out | ranked
    sizes = Counter(photos)
    new = sorted(sizes.keys() - train - held_out - test - ranked)
    for name in np.random.default_rng(seed).permutation(new).tolist():
        for role, wanted in ((test, bool(before.test)), (held_out, True)):
            if wanted and sum(sizes[photo_name] for photo_name in role) < APART * len(data):
                role.add(name)
                break
    indices = [np.flatnonzero([name in role for name in photos]) for role in (held_out, test)]
    rest = np.setdiff1d(np.arange(len(data)), np.concatenate(indices))
    if not len(rest) or not len(indices[0]):
        raise FtlError("the photographs that the network was trained on, or validated by, are gone: draw more masks")
    if before.test and not len(indices[1]):
        raise FtlError("the photographs that the network was tested on are gone: draw more masks")
    return MaskParts(data, rest, *indices)


def train_further(
    source: Path,
    out: Path,
    data: SegmentationSet,
    photo: str | None = None,
    *,
    report: Report = silent,
    hear: Callable[[Epoch], None] = lambda epoch: None,
) -> tuple[Path, MaskParts]:
    """Write the segmenter in the folder `source`, trained further, below `out`; what fits already stays.

    With its own settings, in a quarter of the steps; `photo`: how a file's name names its photo. Returns its folder,
    and which photographs it was trained on. Raises `FtlError`, also where the masks hold other classes than it draws.
    """
    check_classes(data, load_segmenter(source).classes)
    validation, before = read_json(source / VALIDATION), roles_of(source)
    parts = part_again(data, photo, validation["seed"], before, scored_in(source.parent))
    config = SegmentConfig(**validation["segment"])
    made = make_segmenter(
        source, parts, config, out=out, before=before, seed=validation["seed"], photo=photo, report=report, hear=hear
    )
    return made, parts


def measure_further(source: Path, made: Path, test: SegmentationSet, name: str, report: Report = silent) -> None:
    """Write what a segmenter is worth on test photographs and, as `before.json`, what `source` is worth on the same.

    `name`: what `source` is called there.
    """
    measure_segmenter(made, test, report)
    made_from = {"name": name, "evaluation_sha256": test.digest(), "segmenter_sha256": segmenter_digest(source)}
    if not made_before(made / BEFORE, made_from):
        write_json(made / BEFORE, evaluate_masks(load_segmenter(source), test, report=report) | made_from)
