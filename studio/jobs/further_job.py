"""Training a network that draws masks further, on all masks of now; the result stands on Choose as a sweep's do."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import select

from ftl.files import read_json
from ftl.models.layout import VALIDATION
from ftl.progress import TESTED, TIMED, TRAINING, CandidateProgress, Report
from ftl.training.early_stopping import Epoch
from studio.errors import StudioError
from studio.images.library import Filter, count_images, find_ids
from studio.jobs import queue, segmenters, sweeps
from studio.jobs.meter import LATENCY, LAYOUT, Meter
from studio.jobs.reporting import await_candidates, follower, say
from studio.jobs.request import FURTHER, FurtherRequest, mask_classes_of
from studio.jobs.sweeps import models, workspace
from studio.projects.classes import classes_of
from studio.store import shared_store
from studio.store.database import reading
from studio.store.tables import Job, Project

_SUFFIX = re.compile(r", further on [\d,]+ photographs$")


class Further(NamedTuple):
    """What training a network further would add: `more` photographs with strokes. `runs`: it waits or runs already."""

    more: int
    runs: bool


def launch_further(project_id: int, user_id: int, job_id: int, network: str) -> Job:
    """Queue it, for admins. Raises `StudioError` where the network cannot be trained further, or is already."""
    known = segmenters.mask_network(project_id, job_id, network)
    source = sweeps.job_in(project_id, job_id)
    if known.photographs is None or not (classes := mask_classes_of(source)):
        raise StudioError(f"{known.title} does not say which photographs it was trained on: launch a sweep")
    _check_classes(project_id, classes, known.classes)
    if what_further(project_id, [known])[known].runs:
        raise StudioError(f"{known.title} is being trained further already: the page Jobs shows how far it is")
    count = count_images(project_id, Filter(drawn=True))
    suffix = f", further on {count:,} photographs"
    name = f"{_SUFFIX.sub('', source.name)[: 100 - len(suffix)]}{suffix}"
    request = FurtherRequest(source=job_id, network=network, title=known.title, mask_classes=classes)
    return queue.launch(project_id, user_id, FURTHER, name, request)


def what_further(
    project_id: int, networks: Collection[segmenters.MaskNetwork]
) -> dict[segmenters.MaskNetwork, Further]:
    """What it would add to those of these networks that can be trained further."""
    able = [known for known in networks if known.photographs is not None]
    drawn = {*find_ids(project_id, Filter(drawn=True))} if able else set[int]()
    with reading() as db:
        own = Job.project_id == project_id, Job.kind == FURTHER, Job.state.in_(queue.UNFINISHED)
        running = [FurtherRequest(**settings) for settings in db.scalars(select(Job.settings).where(*own))]
    busy = {(request.source, request.network) for request in running}
    return {
        known: Further(len(drawn - (known.photographs or set())), (known.job_id, known.name) in busy) for known in able
    }


def train_further(job: Job, report: Report, meter: Meter) -> None:
    """Lay the project's masks out, train, choose the threshold, measure, time; what is done is not done again."""
    from ftl.data.segmentation import load_segmentation
    from ftl.latency.networks import time_all
    from ftl.sweeping.further import begin_further, measure_further, train_further
    from ftl.sweeping.manifest import SETTINGS
    from ftl.sweeping.mask_results import write_mask_results
    from ftl.training.segment import ROUNDS
    from studio.jobs.layout import DRAWN, PHOTO, lay_out

    request, folder = FurtherRequest(**job.settings), workspace(job.id)
    begun, name = folder / "begun", request.network
    source, ready = begun / name, folder / "ready"
    meter.weights = {LAYOUT: 2.0, name: 60.0, LATENCY: 6.0}
    if not ready.is_file():  # once: a retry trains the same network on the same masks, whatever was deleted meanwhile
        for left in (begun, folder / DRAWN, folder / "Images", folder / "Segmented"):
            shutil.rmtree(left, ignore_errors=True)
        known = segmenters.mask_network(job.project_id, request.source, name)
        _check_classes(job.project_id, request.mask_classes, known.classes)
        shutil.copytree(sweeps.network(job.project_id, request.source, name), source)
        shutil.copyfile(models(request.source) / SETTINGS, begun / SETTINGS)
        laid = lay_out(
            job.project_id, folder, mask_classes=request.mask_classes, image_classes=(), draws=True, only_masks=True,
            report=report,
        )  # fmt: skip
        say(job.id, f"{request.title} goes on with {laid.masks} photographs with masks")
        ready.touch()
    with reading() as db:
        photo = PHOTO if db.get_one(Project, job.project_id).photo_pattern else None
    await_candidates(job.id, [name])
    follow = follower(job.id, meter)

    def learnt(epoch: Epoch) -> None:
        follow(CandidateProgress(name, TRAINING, epoch.epoch, ROUNDS, epoch=epoch))

    data = load_segmentation(folder / DRAWN / "Images", folder / DRAWN / "Masks", report=report)
    begin_further(source, models(job.id))
    made, parts = train_further(source, models(job.id), data, photo, report=report, hear=learnt)
    measure_further(source, made, parts.tested_on, request.title, report)
    follow(CandidateProgress(name, TESTED, 1, 1))
    time_all([made], report=report)
    follow(CandidateProgress(name, TIMED, 1, 1))
    write_mask_results(models(job.id), [made])
    report(0, 1, "keeping the results")
    queue.change(job.id, tree=shared_store.share_folder(folder, suffixes=(".h5", ".txt")))
    say(job.id, f"threshold {read_json(made / VALIDATION)['threshold']:.3f}, chosen anew")


def _check_classes(project_id: int, numbers: Collection[int], names: Collection[str]) -> None:
    now = {one.number: one.name for one in classes_of(project_id)}
    if [now.get(number) for number in sorted(numbers)] != [*names]:
        raise StudioError(
            f"the network draws {', '.join(names)}, and those classes were renamed or removed since: launch a sweep"
        )
