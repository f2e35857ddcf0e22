"""Looking for suspicious masks: each is judged by a small network that was trained on the other photographs."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ftl.data.dataset import photo_ids
from ftl.data.photo_names import photo_of
from ftl.evaluation.suspicious import Suspicion, suspicions
from ftl.files import read_json, write_json
from ftl.progress import Report
from studio.collaboration import suspicious
from studio.collaboration.suspicious import Looked
from studio.images.library import find_images
from studio.jobs import segmenters
from studio.jobs.layout import DRAWN, PHOTO, file_names, image_id, lay_out
from studio.jobs.meter import FOLDS, LAYOUT, Meter
from studio.jobs.queue import launch
from studio.jobs.reporting import say
from studio.jobs.request import SUSPECT, SuspectRequest
from studio.jobs.sweeps import workspace
from studio.projects.classes import classes_of
from studio.store import files
from studio.store.database import reading
from studio.store.tables import Image, Job, Project

_HANDED_IN = ("submitted", "accepted")


def launch_suspecting(project_id: int, user_id: int, known: segmenters.MaskNetwork, **more: Any) -> Job:
    """Queue it. `known`: the network whose pruned encoder is trained anew. Raises `StudioError` as `encoder` does."""
    segmenters.encoder(project_id, known.job_id, known.name)
    request = SuspectRequest(job=known.job_id, network=known.name, **more)
    return launch(project_id, user_id, SUSPECT, "Suspicious masks", request)


def look_for(job: Job, report: Report, meter: Meter) -> None:
    """Keep where networks disagree with masks; a fold that is done is not done again."""
    from ftl.data.segmentation import load_segmentation
    from ftl.models.tiling import segment
    from ftl.training.cross_validation import photo_folds, without_fold

    request, folder = SuspectRequest(**job.settings), workspace(job.id)
    meter.weights = {LAYOUT: 1.0, FOLDS: 20.0}
    if not (folder / "strokes.json").is_file():
        _lay_out(job, folder, report)
    strokes = read_json(folder / "strokes.json")
    data = load_segmentation(folder / DRAWN / "Images", folder / DRAWN / "Masks", report=report)
    with reading() as db:
        pattern = db.get_one(Project, job.project_id).photo_pattern
    photo = PHOTO if pattern else None
    network = segmenters.encoder(job.project_id, request.job, request.network)
    folds = photo_folds(data, photo, request.folds)
    empty = _handed_in_empty(job.project_id, pattern, {*strokes} - {str(image_id(path)) for path in data.images})
    turn = {name: number for number, fold in enumerate(folds) for name in photo_ids(data.take(fold).images, photo)}
    by_fold = [[image for image, name in empty if turn.get(name, 0) == number] for number in range(len(folds))]
    found = dict[str, list[Any]]()
    for number, fold in enumerate(folds):
        file = folder / f"fold-{number}.json"
        if not file.is_file():
            own = partial(_of_fold, report, number, len(folds))
            model = without_fold(network, data, fold, request.segment, report=own)
            of_fold = dict[str, list[Any]]()
            for index in fold:
                image, mask = data.read(int(index))
                areas = suspicions(1 - segment(model, image)[0], mask > 0, model.threshold)
                of_fold[str(image_id(data.images[index]))] = [area._asdict() for area in areas]
            for row in by_fold[number]:
                defect = 1 - segment(model, files.array(row.sha256))[0]
                areas = suspicions(defect, np.zeros(defect.shape, bool), model.threshold)
                of_fold[str(row.id)] = [area._asdict() for area in areas]
            write_json(file, of_fold)
        found |= read_json(file)
    looked = {
        int(own): Looked(strokes[own], [Suspicion(**area | {"box": tuple(area["box"])}) for area in areas])
        for own, areas in found.items()
    }
    kept = suspicious.keep(looked)
    say(job.id, f"{len(looked)} masks were looked at: {kept} places to look at again, on the page Review")


def _lay_out(job: Job, folder: Path, report: Report) -> None:
    """Lay the photographs and masks out, and write how many strokes each image had before that is to be judged."""
    images = find_images(job.project_id)
    strokes = {str(image.id): image.strokes for image in images if image.strokes or image.state in _HANDED_IN}
    numbers = [known.number for known in classes_of(job.project_id)]
    lay_out(
        job.project_id, folder, mask_classes=numbers, image_classes=(), draws=True, only_masks=True, report=report
    )  # fmt: skip
    write_json(folder / "strokes.json", strokes)


def _handed_in_empty(project_id: int, pattern: str | None, ids: Collection[str]) -> list[tuple[Image, str]]:
    """Those of some images on which people say that there is nothing to draw, each with its photo."""
    images = [image for image in find_images(project_id) if image.state in _HANDED_IN and str(image.id) in ids]
    names = file_names(images, photo_of(pattern) if pattern else None)
    photos = photo_ids([Path(names[image.id]) for image in images], PHOTO if pattern else None)
    return [*zip(images, photos, strict=True)]


def _of_fold(report: Report, number: int, folds: int, done: int, total: int, what: str) -> None:
    """Hear of a fold's training as of a part of all folds'."""
    report(number * total + done, folds * total, "judging")
