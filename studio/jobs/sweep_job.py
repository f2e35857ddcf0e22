"""What a job does, in a process of its own: `python -m studio.jobs.sweep_job JOB HOME`."""

from __future__ import annotations

import os
import shutil
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ftl.errors import FtlError
from ftl.progress import Report
from studio.errors import StudioError
from studio.jobs import queue
from studio.jobs.ending import end
from studio.jobs.meter import Meter
from studio.jobs.reporting import await_candidates, follower, reporter, say
from studio.jobs.request import DEMO, FURTHER, LABEL, ORDER, SUSPECT, request_of
from studio.jobs.sweeps import models, workspace
from studio.store import shared_store
from studio.store.database import reading
from studio.store.home import keep_private
from studio.store.tables import Job, Project

SCHEDULER, TIME_ON = "STUDIO_JOB_SCHEDULER", "STUDIO_JOB_TIME_ON"
"""Variables that tell a job's process where it is computed: an address, a file or nothing, by itself; and a worker's
name or nothing."""


def sweep(job: Job, report: Report, meter: Meter | None = None) -> None:
    """Lay the project out, load or train the backbone, and run the sweep; what is done already is not done again.

    `meter`: hears how far it is; what each part weighs is set here.
    """
    from ftl import load_backbone, load_masks
    from ftl import sweep as run_sweep
    from ftl.data.dataset import load_dataset
    from ftl.data.segmentation import load_segmentation
    from ftl.models.imagenet import DownloadError
    from ftl.models.io import save_backbone
    from ftl.models.layout import UNPRUNED
    from ftl.sweeping.evaluate import repeat
    from ftl.sweeping.segmented import part
    from ftl.training.pretrain import train_backbone, train_backbone_on_masks
    from studio.jobs.backbones import safe_file_of
    from studio.jobs.cost import network_of
    from studio.jobs.layout import DRAWN, lay_out, names_photos

    request, meter = request_of(job), meter or Meter()
    config = request.sweep
    _weigh(job, meter)
    folder = workspace(job.id)
    ready = folder / "ready"
    if not ready.is_file():  # laid out once: a retry sweeps the same photographs and masks
        for name in ("Images", "Segmented", "dataset", "evaluation", DRAWN):
            shutil.rmtree(folder / name, ignore_errors=True)
        laid = lay_out(
            job.project_id,
            folder,
            mask_classes=request.mask_classes,
            image_classes=request.image_classes,
            test_share=request.test_share,
            seed=config.seed,
            draws=config.draws,
            only_masks=config.only_masks,
            side=network_of(job.project_id, request.architecture, request.file).preprocess.size,
            large=request.large,
            report=report,
        )
        tiles = "" if laid.tile is None else " tiles"
        classified = "" if config.only_masks else f", {laid.train}{tiles} to train on, {laid.test} to report on"
        for sentence in (*laid.told, f"{laid.masks} photographs with masks{classified}", laid.left_out.sentence()):
            if sentence:
                say(job.id, sentence)
        ready.write_text(str(laid.tile or ""))
    tile = int(ready.read_text() or 0) or None
    with reading() as db:
        photo = names_photos(db.get_one(Project, job.project_id).photo_pattern, tile)
    dataset = None if config.only_masks else load_dataset(folder / "dataset", seed=config.seed, report=report)
    drawn = None
    if config.draws:
        drawn = load_segmentation(folder / DRAWN / "Images", folder / DRAWN / "Masks", report=report)
    if request.source == "scratch":
        name = request.architecture or ""
        file = folder / f"{name}.safetensors"
        if not file.is_file():
            if dataset is not None:
                trained = train_backbone(
                    name, dataset, epochs=request.epochs, seed=config.seed, photo=photo,
                    report=report,
                ).backbone  # fmt: skip
            else:
                assert drawn is not None  # who tells no classes apart draws masks
                own = part(drawn, photo, config.seed)
                trained = train_backbone_on_masks(
                    name, drawn, own.train, own.held_out, config=config.segment.shortened, seed=config.seed,
                    report=report,
                )  # fmt: skip
            save_backbone(trained.features, file, name=name)
        source: str | Path = file
    elif request.source == "file":
        source = safe_file_of(job.project_id, request.file or "")
    else:
        source = request.architecture or ""
    report(0, 1, "reading the backbone")
    try:
        backbone = load_backbone(source)
    except DownloadError as error:
        raise StudioError(
            f"the pretrained weights of {source} are not on this machine, and could not be downloaded: retry once it "
            "reaches the internet, or sweep again from a network that needs no download; on the page Sweep you can add "
            "a file of weights"
        ) from error
    masks = load_masks(folder / "Images", folder / "Segmented", size=backbone.preprocess.size, report=report)
    names = config.candidates()
    await_candidates(job.id, names)
    for left in models(job.id).glob("*/"):  # of fractions that are no longer wanted
        if left.name not in (*names, *config.networks):
            shutil.rmtree(left)
    done = run_sweep(
        backbone,
        masks,
        config.but(photo=photo, tile=tile),
        dataset=dataset,
        evaluation=None if config.only_masks else folder / "evaluation",
        segmentation=drawn,
        out=models(job.id),
        scheduler=os.environ[SCHEDULER] or None,
        time_on=os.environ[TIME_ON] or None,
        store=shared_store.address(),
        report=report,
        follow=follower(job.id, meter),
    )
    if (repeats := request.repeats) and done.candidates:
        pick = done.choose().pick
        for name in dict.fromkeys((UNPRUNED, *([pick.name] if pick else []))):
            try:
                repeat(models(job.id) / name, repeats, report)
            except FtlError as error:  # a cluster that does not see this folder keeps what it saw to itself
                say(job.id, f"{name} was not repeated: {error}")
    report(0, 1, "keeping the results")
    unstable = sum(bool(candidate.unstable) for candidate in done.candidates)
    queue.change(job.id, tree=shared_store.share_folder(folder, suffixes=(".h5", ".txt")), unstable=unstable)


def _weigh(job: Job, meter: Meter) -> None:
    """Tell a meter what each part of a sweep will cost on this machine; what cannot be estimated is refused later."""
    from studio.jobs.cost import network_of, parts
    from studio.jobs.estimate import narrow_step, speed, speeds
    from studio.jobs.tiling import material

    request = request_of(job)
    with suppress(FtlError, StudioError):
        network = network_of(job.project_id, request.architecture, request.file)
        there = material(job.project_id, request.image_classes, network.preprocess.size, request.large)
        measured = speeds(network, there.images, speed(network, 0.3), narrow_step(network, takes=1))
        meter.weights = parts(network, measured, request, there.masks, there.images)
        if job.seconds is None:
            queue.change(job.id, seconds=sum(meter.weights.values()))


def demo(job: Job, report: Report, meter: Meter | None = None) -> None:
    """Draw the demo's surfaces into the project, and sweep them."""
    from studio.jobs.demo import fill

    fill(job.project_id, job.created_by, workspace(job.id) / "drawn", report)
    sweep(job, report, meter)


def label(job: Job, report: Report, meter: Meter) -> None:
    """Let a network propose areas on the images that nobody has drawn on."""
    from studio.jobs.label_job import propose

    propose(job, report, meter)


def order(job: Job, report: Report, meter: Meter) -> None:
    """Work out what to draw next."""
    from studio.jobs.order_job import work_out

    work_out(job, report, meter)


def suspect(job: Job, report: Report, meter: Meter) -> None:
    """Look for masks that networks disagree with."""
    from studio.jobs.suspect_job import look_for

    look_for(job, report, meter)


def further(job: Job, report: Report, meter: Meter) -> None:
    """Train a network that draws masks further."""
    from studio.jobs.further_job import train_further

    train_further(job, report, meter)


_UNFORESEEN = "something unforeseen happened: retry; if it fails again, worker.log in the studio's folder says why"

KINDS: dict[str, Callable[[Job, Report, Meter], None]] = {
    "sweep": sweep, DEMO: demo, LABEL: label, FURTHER: further, ORDER: order, SUSPECT: suspect,
}  # fmt: skip


def main(job_id: int) -> int:
    """Do a job and write how it ended. Returns the exit code."""
    from ftl.memory import reuse_freed_memory

    reuse_freed_memory()
    with reading(trash=True) as db:
        job = db.get_one(Job, job_id)
    try:
        meter = Meter()
        KINDS[job.kind](job, reporter(job_id, meter), meter)
    except (FtlError, StudioError) as error:
        say(job_id, str(error))
        ended: dict[str, Any] = {"state": "failed", "error": str(error)}
    except MemoryError:
        ended = {"state": "failed", "error": "this machine's memory was not enough: take fewer images or fractions"}
    except Exception as error:
        traceback.print_exc()  # into the worker's log: people get a sentence
        say(job_id, f"something unforeseen happened: {type(error).__name__}")
        ended = {"state": "failed", "error": _UNFORESEEN}
    else:
        ended = {"state": "done", "error": None, "share": 1.0}
    end(job_id, **ended)
    return 0 if ended["state"] == "done" else 1


if __name__ == "__main__":
    keep_private()
    sys.exit(main(int(sys.argv[1])))
