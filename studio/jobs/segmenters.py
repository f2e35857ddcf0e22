"""The networks of a project that draw masks: which its sweeps have made, and what they see on a photograph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ftl.errors import FtlError
from ftl.files import read_json
from ftl.models.layout import DESCRIPTION, HEAD, SEGMENTED, VALIDATION
from ftl.sweeping.networks import segmenters
from studio.annotation.assists.network import Seen, areas
from studio.annotation.assists.network import look as look_at
from studio.annotation.patches import area
from studio.errors import Forbidden, Missing, StudioError
from studio.jobs.layout import image_id
from studio.jobs.sweeps import DRAW, deleted_networks, done_jobs, job_in, models, network, picked
from studio.projects.classes import classes_of

if TYPE_CHECKING:
    from ftl.models.segmenter import Segmenter

_MOST_MODELS = 4
_MOST_BYTES = 400_000_000  # of what is remembered: 33 photographs of 12 megapixels
MOST_AREAS = 5000
_LONGEST_WAIT = 60.0  # seconds for another photograph, or for somebody else's

_SEEN: dict[tuple[Path, int, str], Seen] = {}
_LOCK, _TURN = Lock(), Lock()


class MaskNetwork(NamedTuple):
    """A network that draws masks. `title`: as people read it. `threshold`: its own, 0..1.

    `f1`: on the validation photographs of its sweep; None where that is not known. `photographs`: ids of those that it
    was trained, validated or tested on; None where it does not say, so that it cannot be trained further.
    """

    job_id: int
    name: str
    title: str
    classes: tuple[str, ...]
    threshold: float
    f1: float | None
    photographs: frozenset[int] | None = None


def mask_networks(project_id: int) -> list[MaskNetwork]:
    """The networks of a project's finished sweeps that draw masks.

    The project's own first (`studio.jobs.sweeps.picked`), then those of the newest sweep, the best first.
    """
    found: list[MaskNetwork] = []
    for job in done_jobs(project_id):
        gone, own, folders = deleted_networks(job.id), list[MaskNetwork](), list[Path]()
        with suppress(FtlError):  # a damaged one is not offered
            folders = [folder for folder in segmenters(models(job.id)) if folder.name not in gone]
        for folder in folders:
            with suppress(FtlError):
                own.append(_described(job.id, job.name, folder))
        found += sorted(own, key=lambda known: -(known.f1 or 0.0))
    pick = picked(project_id).get(DRAW)
    return sorted(found, key=lambda known: pick is None or (known.job_id, known.name) != (pick.job_id, pick.candidate))


def mask_network(project_id: int, job_id: int, name: str) -> MaskNetwork:
    """One of them. Raises `Missing` where it is no longer there, `StudioError` for one that draws no masks."""
    return _described(job_id, *_place(project_id, job_id, name))


def look(
    project_id: int, job_id: int, name: str, sha256: str, read: Callable[[], np.ndarray], wait: float = _LONGEST_WAIT
) -> Seen:
    """What a network sees on a photograph, of the project or not; of the last ones it is remembered.

    `read`: gives the photograph of that SHA-256, RGB uint8 (height, width, 3). Only one is looked at at once, for that
    takes all processors. Raises `StudioError` after `wait` seconds, and as `mask_network` does.
    """
    _, folder = _place(project_id, job_id, name)
    key = (folder, _written(folder), sha256)
    if (known := _remembered(key)) is not None:
        return known
    if not _TURN.acquire(timeout=wait):
        raise StudioError("the network is busy with other photographs: try again in a moment")
    try:
        if (known := _remembered(key)) is None:  # somebody else may have asked for it
            known = look_at(segmenter_of(folder), read())
            _remember(key, known)
        return known
    finally:
        _TURN.release()


def features(project_id: int, job_id: int, name: str, image: np.ndarray) -> np.ndarray:
    """What a network's encoder makes of a photograph, `ftl.evaluation.draw_next.level_means`: float32 (d,)."""
    from ftl.evaluation.draw_next import level_means

    _, folder = _place(project_id, job_id, name)
    return level_means(_model(folder, _written(folder)), image)


def encoder(project_id: int, job_id: int, name: str) -> Any:
    """The pruned network that a network was made of, as it was before it saw a mask: a `Backbone`.

    Raises `StudioError` where it is no longer there.
    """
    from ftl.models.io import load_backbone

    _, folder = _place(project_id, job_id, name)
    source = folder.with_name(name.removesuffix(f"-{SEGMENTED}"))
    if source == folder or not (source / DESCRIPTION).is_file():
        raise StudioError("the pruned network that this one was made of is no longer there: choose another")
    return load_backbone(source)


def segmenter_of(folder: Path) -> Segmenter:
    """A network that draws masks, read once and warm: its first photograph takes longer than all others."""
    return _model(folder, _written(folder))


def class_numbers(project_id: int, names: Sequence[str]) -> list[int]:
    """The numbers of a project's classes that are called as those of a network; 0 for one that the user chooses.

    A network that knows only one class does not say which it is: it is the one that is chosen.
    """
    known = {one.name.casefold(): one.number for one in classes_of(project_id)}
    return [known.get(name.casefold(), 0) for name in names] if len(names) > 1 else [0] * len(names)


def proposals(
    seen: Seen, threshold: float, least: int, numbers: Sequence[int], free: np.ndarray | None = None
) -> list[dict[str, Any]]:
    """The areas of `studio.annotation.assists.network.areas` as a browser takes them, at most `MOST_AREAS`.

    `numbers`: of the project's classes, as of `class_numbers`; each area has its `class_number`.
    """
    found = areas(seen, threshold, least, free)[:MOST_AREAS]
    return [area(part.place, part.inside) | {"class_number": numbers[number - 1]} for part, number in found]


def least_of(height: int, width: int) -> int:
    """Pixels of the smallest area that is proposed on a photograph unless its user says otherwise, as in propose.js."""
    return max(20, max(height, width) ** 2 // 50_000)


def _remembered(key: tuple[Path, int, str]) -> Seen | None:
    with _LOCK:
        known = _SEEN.pop(key, None)
        if known is not None:
            _SEEN[key] = known  # the last one used is the last to go
        return known


def _remember(key: tuple[Path, int, str], new: Seen) -> None:
    with _LOCK:
        _SEEN[key] = new
        while len(_SEEN) > 1 and sum(seen.bytes for seen in _SEEN.values()) > _MOST_BYTES:
            del _SEEN[next(iter(_SEEN))]


def _place(project_id: int, job_id: int, name: str) -> tuple[str, Path]:
    """A sweep's name, and the folder of its network."""
    from ftl.models.segmenter_files import draws_masks

    try:
        job = job_in(project_id, job_id)
    except Forbidden as error:
        raise Missing("the sweep of this network is no longer there: choose another network") from error
    folder = network(project_id, job_id, name)
    if not draws_masks(folder):
        raise StudioError("this network draws no masks: choose another")
    return job.name, folder


def _described(job_id: int, sweep: str, folder: Path) -> MaskNetwork:
    return _read(job_id, sweep, folder, _written(folder))


@lru_cache(maxsize=200)
def _read(job_id: int, sweep: str, folder: Path, at: int) -> MaskNetwork:
    from ftl.models.weights import read_tensors

    about = read_tensors(folder / HEAD)[1].get("decoder", {})  # the network itself, which is large, is not read
    figures: dict[str, Any] = {}
    with suppress(FtlError):  # of a network that nobody has measured
        figures = read_json(folder / VALIDATION)
    try:
        classes, threshold = tuple(map(str, about["classes"])), float(about["threshold"])
    except (KeyError, TypeError, ValueError) as error:
        raise FtlError(f"{folder} holds no network that draws masks") from error
    roles = figures.get("roles")
    names = [name for rows in roles.values() for name, _ in rows] if roles else []
    photographs = frozenset(number for name in names if (number := image_id(name)) is not None) if roles else None
    title = f"{folder.name} of {sweep}"
    return MaskNetwork(job_id, folder.name, title, classes, threshold, figures.get("f1"), photographs)


@lru_cache(maxsize=_MOST_MODELS)
def _model(folder: Path, at: int) -> Segmenter:
    from ftl.models.segmenter_files import load_segmenter
    from ftl.models.tiling import segment

    model = load_segmenter(folder)
    side = model.network.preprocess.size
    segment(model, np.zeros((side, side, 3), np.uint8))
    return model


def _written(folder: Path) -> int:
    """When a network was written; the same network in another sweep of that folder is another."""
    try:
        return (folder / HEAD).stat().st_mtime_ns
    except OSError as error:
        raise Missing("this network is no longer there: choose another") from error
