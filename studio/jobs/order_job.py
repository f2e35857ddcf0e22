"""What to draw next: the images that nobody has drawn on, in an order by what teaches most."""

from __future__ import annotations

from functools import partial

import numpy as np

from ftl.evaluation.draw_next import describe, fingerprint, near_duplicates, order, uncertainty
from ftl.evaluation.segmentation import LEVELS
from ftl.progress import Report
from studio.annotation.proposals import TO_DO
from studio.collaboration import drawing_order
from studio.errors import StudioError
from studio.images.library import find_images
from studio.jobs import segmenters
from studio.jobs.meter import LOOKS, Meter
from studio.jobs.queue import launch
from studio.jobs.reporting import say
from studio.jobs.request import ORDER, OrderRequest
from studio.store import files
from studio.store.tables import Image, Job


def launch_ordering(project_id: int, user_id: int, known: segmenters.MaskNetwork | None) -> Job:
    """Queue it. `known`: the network that looks at the photographs; None: they are compared without any."""
    request = OrderRequest()
    if known is not None:
        request = OrderRequest(look_job=known.job_id, look_network=known.name)
    return launch(project_id, user_id, ORDER, f"What to draw next{f', by {known.title}' if known else ''}", request)


def work_out(job: Job, report: Report, meter: Meter) -> None:
    """Look at all images, and keep the order of those that nobody has drawn on."""
    request = OrderRequest(**job.settings)
    images = find_images(job.project_id)
    waits = np.array([not image.strokes and image.state in TO_DO for image in images], bool)
    if not waits.any():
        raise StudioError("every photograph is drawn on or handed in: there is nothing left to order")
    meter.weights = {LOOKS: 1.0}
    features, prints, unsure = list[np.ndarray](), list[np.ndarray](), np.zeros(len(images))
    for done, image in enumerate(images):
        report(done, len(images), "looking")
        small = files.pixels(files.thumbnail(image.sha256))
        prints.append(fingerprint(small))
        if request.look_job is None or request.look_network is None:
            features.append(describe(small))
            continue
        of = (job.project_id, request.look_job, request.look_network)
        features.append(segmenters.features(*of, files.array(image.sha256)))
        if waits[done]:
            unsure[done] = _unsure(of, image)
    drawn = np.flatnonzero(~waits).tolist()
    groups = near_duplicates(np.stack(prints))
    weights = unsure if request.look_job is not None else None
    turns, middle = list[tuple[int, str]](), np.median(unsure[waits])
    seen = {int(group) for group in groups[drawn]}
    for index, _ in order(np.stack(features), drawn, len(images), weights=weights, groups=groups):
        why = drawing_order.UNSURE if unsure[index] > middle else drawing_order.UNLIKE
        turns.append((images[index].id, drawing_order.ALIKE if int(groups[index]) in seen else why))
        seen.add(int(groups[index]))
    drawing_order.keep(job.project_id, turns)
    alike = sum(why == drawing_order.ALIKE for _, why in turns)
    say(job.id, f"{len(turns)} photographs in order; {alike} of them are nearly the same as others, and come last")


def _unsure(of: tuple[int, int, str], image: Image) -> float:
    looked = segmenters.look(*of, image.sha256, partial(files.array, image.sha256))
    defect = looked.level / np.float32(LEVELS)
    return uncertainty(np.stack([1 - defect, defect]))
