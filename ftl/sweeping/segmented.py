"""The segmenters of a sweep: candidates that draw masks, in folders beside the networks that they are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ftl.config import SegmentConfig, SweepConfig
from ftl.data.segmentation import LEAST_PHOTOS, SegmentationSet, split_photos
from ftl.device import trained_in
from ftl.errors import FtlError
from ftl.evaluation.evaluate_masks import evaluate_masks
from ftl.files import digest, digest_of, made_before, read_json, versions, whole_folder, write_json
from ftl.models.io import load_backbone
from ftl.models.layout import DESCRIPTION, HEAD, SEGMENTED, TEST, VALIDATION, candidate_name
from ftl.models.network_folder import network_digest, rewrite_network
from ftl.models.segmenter_files import draws_masks, load_segmenter, write_decoder
from ftl.progress import Report, silent
from ftl.sweeping.tuned_networks import CURVE
from ftl.training.early_stopping import Epoch
from ftl.training.segmenters import fit_segmenter

_STATE = "segmenting.safetensors"

APART = 0.2
"""Share of the photographs with masks that choose thresholds, and of those that report, where there are photos enough.
"""


class Roles(NamedTuple):
    """What photographs are to a network: it was trained on them, they chose its threshold, or they report.

    Each with its file's name and SHA-256, in order.
    """

    train: Sequence[tuple[str, str]] = ()
    held_out: Sequence[tuple[str, str]] = ()
    test: Sequence[tuple[str, str]] = ()

    def after(self, before: Roles) -> Roles:
        """Both together, for what weights have seen once they do not unsee."""
        return Roles(*(sorted({*own, *earlier}) for own, earlier in zip(self, before, strict=True)))


def roles_of(folder: Path) -> Roles:
    """Those of a segmenter's folder. Raises `FtlError` where it does not say."""
    found = read_json(folder / VALIDATION).get("roles")
    if found is None:
        raise FtlError(f"{folder} does not say which photographs it was trained on: make it anew")
    return Roles(**{role: [(name, sha256) for name, sha256 in rows] for role, rows in found.items()})


class MaskParts(NamedTuple):
    """Photographs with masks, and who of them trains, chooses the threshold, and reports: indices of each."""

    data: SegmentationSet
    train: np.ndarray
    held_out: np.ndarray
    test: np.ndarray

    @property
    def chosen_by(self) -> SegmentationSet:
        """The photographs that choose thresholds."""
        return self.data.take(self.held_out)

    @property
    def tested_on(self) -> SegmentationSet:
        """The photographs that report."""
        return self.data.take(self.test)

    @property
    def roles(self) -> Roles:
        """What each photograph is."""
        return Roles(*map(self.data.names, (self.train, self.held_out, self.test)))


def part(data: SegmentationSet, photo: str | None, seed: int) -> MaskParts:
    """Part photographs with masks in three, by photo. Raises `FtlError` where there are too few."""
    rest, test = split_photos(data, photo, seed + 1, APART, LEAST_PHOTOS + 1)
    train, held_out = split_photos(data.take(rest), photo, seed, APART / (1 - APART))
    return MaskParts(data, rest[train], rest[held_out], test)


def finish_segmenter(
    folder: Path,
    config: SweepConfig,
    parts: MaskParts,
    *,
    report: Report = silent,
    learnt: Callable[[Epoch], None] = lambda epoch: None,
) -> Path:
    """Make a network's segmenter and measure it on the photographs that report; what fits already stays. Its folder."""
    made = make_segmenter(
        folder, parts, config.segment, seed=config.seed, photo=config.photo, report=report, hear=learnt
    )
    measure_segmenter(made, parts.tested_on, report)
    return made


def is_segmented(folder: Path, made: Path, config: SweepConfig, parts: MaskParts) -> bool:
    """Whether the segmenter `made` of a network's folder was trained and measured on these photographs."""
    try:
        validation = read_json(made / VALIDATION)
        fits = _made_from(folder, parts, config.segment, config.seed, config.photo)
        return all(validation.get(key) == value for key, value in fits.items()) and is_measured(made, parts)
    except (FtlError, OSError):
        return False


def is_measured(made: Path, parts: MaskParts) -> bool:
    """Whether a segmenter, however it was trained, was validated and tested on these photographs as it is."""
    try:
        validation, tested = read_json(made / VALIDATION), read_json(made / TEST)
        fits = _validated_on(parts)
        return all(validation.get(key) == value for key, value in fits.items()) and all(
            tested.get(key) == value for key, value in _tested_on(made, parts.tested_on).items()
        )
    except (FtlError, OSError):
        return False


def segmenter_digest(folder: Path) -> str:
    """SHA-256 over a segmenter's folder: its network, its decoder, and its threshold."""
    return digest_of([("network", network_digest(folder)), (HEAD, digest(folder / HEAD))])


def _validated_on(parts: MaskParts) -> dict[str, Any]:
    held_out = [name for name, _ in parts.data.names(parts.held_out)]
    return {"dataset_sha256": parts.data.digest(), "held_out": held_out}


def _tested_on(made: Path, data: SegmentationSet) -> dict[str, Any]:
    return {
        "evaluation_sha256": data.digest(),
        "head_sha256": digest(made / HEAD),
        "network_sha256": network_digest(made),
    }


def _made_from(folder: Path, parts: MaskParts, config: SegmentConfig, seed: int, photo: str | None) -> dict[str, Any]:
    return {
        "from_sha256": segmenter_digest(folder) if draws_masks(folder) else network_digest(folder),
        "seed": seed,
        "photo": photo,
        "segment": config.model_dump(),
    } | _validated_on(parts)


def make_segmenter(
    folder: Path,
    parts: MaskParts,
    config: SegmentConfig,
    *,
    out: Path | None = None,
    before: Roles | None = None,
    seed: int = 0,
    photo: str | None = None,
    report: Report = silent,
    hear: Callable[[Epoch], None] = lambda epoch: None,
) -> Path:
    """Write the segmenter of a network's folder, whole or not at all; left alone if it fits. Returns its folder.

    Of a folder that holds a segmenter, the same one is trained further, as `SegmentConfig.further` has it.

    Args:
        out: the folder that it is written below; by default that which the network lies in.
        before: what its photographs were to the network already.
        photo: what the photographs were parted by.

    A run that was cut off goes on after its last whole round.
    """
    out, further = out or folder.parent, draws_masks(folder)
    made = out / candidate_name(folder.name.removesuffix(f"-{SEGMENTED}"), SEGMENTED)
    made_from = _made_from(folder, parts, config, seed, photo)
    if (made / DESCRIPTION).is_file() and made_before(made / VALIDATION, made_from):
        return made
    state_file = (out if further else folder) / _STATE
    trained, validation = fit_segmenter(
        load_segmenter(folder) if further else load_backbone(folder), parts.data, parts.train, parts.held_out,
        config=config.further if further else config, seed=seed,
        state_file=state_file, made_from=made_from, report=report, hear=hear,
    )  # fmt: skip
    model = trained.segmenter
    validation |= {"parameters": model.parameters_count()}
    with whole_folder(made) as draft:
        rewrite_network(draft, folder, model.network, SEGMENTED)
        write_decoder(draft, model)
        write_json(draft / CURVE, {"epochs": [point._asdict() for point in trained.curve]})
        validation["trained_on"] = [str(parts.data.images[index]) for index in parts.train]
        validation["roles"] = parts.roles.after(before or Roles())._asdict()
        write_json(draft / VALIDATION, validation | made_from | {"trained_in": trained_in(), "versions": versions()})
    state_file.unlink(missing_ok=True)
    return made


def measure_segmenter(folder: Path, data: SegmentationSet, report: Report = silent) -> dict[str, Any]:
    """Write `folder/test.json`: what a segmenter is worth on test photographs; left alone if it fits."""
    made_from = _tested_on(folder, data)
    if before := made_before(folder / TEST, made_from):
        return before
    result = evaluate_masks(load_segmenter(folder), data, report=report) | made_from | {"versions": versions()}
    write_json(folder / TEST, result)
    return result
