"""SIGKILL at random moments of a worker, the scheduler, all of the studio's own processes: jobs end as they should."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from ftl import load_backbone, load_masks, sweep
from ftl.config import SweepConfig
from studio.jobs import backbones, queue, reporting
from studio.jobs.sweeps import job_in, models, workspace
from studio.store.tables import Job
from tests.ftl.cli.test_cli import outcome
from tests.studio.conftest import Someone
from tests.studio.jobs.test_jobs import KEEP as EVERY
from tests.studio.jobs.test_jobs import fill, give_backbone, processes, request

KILLS = int(os.environ.get("FTL_KILLS", "1"))  # of each kind; twenty take minutes
KEEP = [0.2, 0.5, 1.0] if KILLS < 5 else EVERY
FORKS = "multiprocessing.forkserver"
VICTIMS = {
    "worker": (FORKS,),
    "scheduler": ("distributed.cli.dask_scheduler",),
    "studio": ("studio.jobs.supervisor", "studio.jobs.sweep_job"),
}
"""Words of their commands. The web server has no part in a job; tests/e2e/test_jobs.py kills it."""
PAUSE = {"worker": (0.5, 3.0), "scheduler": (2.0, 8.0), "studio": (2.0, 8.0)}


def victims(home: Path, words: tuple[str, ...]) -> Iterator[psutil.Process]:
    for process in processes(home):
        with suppress(psutil.Error):
            if any(word in part for word in words for part in process.cmdline()) and not forks(process):
                yield process


def forks(process: psutil.Process) -> bool:
    """Whether workers are forked from it, which have the same command."""
    return FORKS in str(process.cmdline()) and FORKS not in str(process.parent().cmdline())


def finished(job: Job) -> dict[str, int]:
    """When the figures of each candidate that is called finished were written."""
    names = [row.name for row in queue.candidates_of(job.id) if row.stage in ("tested", "timing", "timed")]
    return {name: (models(job.id) / name / "test.json").stat().st_mtime_ns for name in names}


@pytest.mark.parametrize("kinds", [[one] for one in VICTIMS] if KILLS > 1 else [list(VICTIMS)], ids=" ".join)
def test_a_job_ends_with_the_right_result_whatever_is_killed(
    project: Someone, home: Path, tmp_path: Path, kinds: list[str]
) -> None:
    fill(project, tmp_path / "drawn")
    give_backbone(project)
    rng, kills, expected = random.Random(1), 0, None
    while kills < KILLS * len(kinds):
        job = queue.launch(project.project_id, project.user_id, "sweep", "killed", request(project, keep=KEEP))
        first: dict[str, int] = {}
        while (now := job_in(project.project_id, job.id)).state in queue.UNFINISHED:
            victim = kinds[kills % len(kinds)]
            time.sleep(rng.uniform(*PAUSE[victim]))
            first = finished(job) | first
            found = list(victims(home, VICTIMS[victim]))
            if found and kills < KILLS * len(kinds):
                for process in found if victim == "studio" else rng.sample(found, 1):
                    with suppress(psutil.Error):
                        process.kill()
                kills += 1
                queue.start_worker()  # as the studio does when it starts
        assert now.state == "done", reporting.log(job.id)
        assert finished(job) == finished(job) | first  # none was computed again once it was finished
        if expected is None:
            expected = alone(job, project, tmp_path / "alone", KEEP)
        assert outcome(models(job.id)) == expected


def alone(job: Job, project: Someone, out: Path, keep: list[float]) -> dict[str, object]:
    """What one process makes of the same photographs and masks."""
    backbone, folder = load_backbone(backbones.file_of(project.project_id, "tiny.safetensors")), workspace(job.id)
    masks = load_masks(folder / "Images", folder / "Segmented", size=backbone.preprocess.size)
    sets = {"dataset": folder / "dataset", "evaluation": folder / "evaluation"}
    sweep(backbone, masks, SweepConfig(keep=keep, positive="Crack"), out=out, **sets)  # type: ignore[arg-type]
    return outcome(out)
