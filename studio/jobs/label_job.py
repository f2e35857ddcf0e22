"""Labelling ahead: a network proposes areas on all images that nobody has drawn on, for people to decide."""

from __future__ import annotations

from functools import partial

from ftl.formatting import counted
from ftl.models.network_folder import network_digest
from ftl.progress import Report
from studio.annotation import proposals
from studio.jobs import segmenters, sweeps
from studio.jobs.meter import PROPOSALS, Meter
from studio.jobs.queue import launch
from studio.jobs.reporting import say
from studio.jobs.request import LABEL, LabelRequest
from studio.store import files
from studio.store.tables import Job


def launch_labelling(project_id: int, user_id: int, job_id: int, network: str) -> Job:
    """Queue it. Raises `StudioError` where the network is no longer there, or draws no masks."""
    known = segmenters.mask_network(project_id, job_id, network)
    name = f"Proposals of {known.title}"
    return launch(project_id, user_id, LABEL, name, LabelRequest(job=job_id, network=network))


def propose(job: Job, report: Report, meter: Meter) -> None:
    """Keep what the network proposes for each image; an image that is done is not done again."""
    request = LabelRequest(**job.settings)
    known = segmenters.mask_network(job.project_id, request.job, request.network)
    digest = network_digest(sweeps.network(job.project_id, request.job, request.network))
    network = proposals.Network(request.job, request.network, known.title, digest, known.threshold)
    numbers = segmenters.class_numbers(job.project_id, known.classes)
    images = proposals.lacking(job.project_id, network)
    meter.weights = {PROPOSALS: 1.0}
    kept = empty = 0
    for done, image in enumerate(images):
        report(done, len(images), "proposing")
        read = partial(files.array, image.sha256)
        looked = segmenters.look(job.project_id, request.job, request.network, image.sha256, read)
        areas = segmenters.proposals(looked, known.threshold, segmenters.least_of(image.height, image.width), numbers)
        if proposals.keep(image.id, network, areas):
            kept, empty = kept + bool(areas), empty + (not areas)
    report(len(images), len(images), "proposing")
    drawn_on = len(images) - kept - empty
    say(
        job.id,
        f"proposals on {counted(kept, 'image')}; nothing to propose on {counted(empty, 'image')}; "
        f"{counted(drawn_on, 'image')} drawn on or deleted meanwhile",
    )
