"""The demo project, whose job is in nobody's way."""

from __future__ import annotations

import subprocess

import psutil
import pytest

from ftl import read_results
from ftl.config import SweepConfig
from ftl.models.io import load_backbone
from ftl.progress import silent
from studio.images.library import Filter, count_images
from studio.jobs import backbones, demo, queue, supervisor, sweep_job, waiting
from studio.jobs.request import SweepRequest
from studio.jobs.sweep_job import SCHEDULER, TIME_ON
from studio.jobs.sweeps import job_in, models, workspace
from studio.store.tables import Job
from tests.studio.conftest import Someone


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker takes up what is launched."""
    monkeypatch.setattr(queue, "start_worker", lambda: None)


def own_job(project: Someone) -> Job:
    return queue.launch(project.project_id, project.user_id, "sweep", "own", SweepRequest())


def test_all_other_jobs_come_before_a_demo(project: Someone) -> None:
    launched = demo.launch_demo(project.user_id)
    own = own_job(project)
    assert [job.id for job in queue.in_turn()] == [own.id, launched.id]
    queue.change(own.id, state="done")
    queue.change(launched.id, state="running", started_at=0.0)
    assert waiting.ahead(project.project_id) == (0, 0.0)  # it gives way


def test_a_running_demo_gives_way_to_another_job_and_waits_again(
    project: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["sleep", "600"]
    monkeypatch.setattr(supervisor, "_command", lambda job_id: command)
    launched = demo.launch_demo(project.user_id)
    process = subprocess.Popen(command, start_new_session=True)
    queue.change(launched.id, state="running", process=process.pid, share=0.5)
    demo.launch_demo(project.user_id)
    assert not supervisor._gives_way(job_in(launched.project_id, launched.id))  # to another demo
    own = own_job(project)
    supervisor._watch(launched.id)
    assert not psutil.pid_exists(process.pid)
    again = job_in(launched.project_id, launched.id)
    assert (again.state, again.process, again.share) == ("queued", None, 0.0)
    assert queue.next_job().id == own.id


def test_its_job_makes_photographs_masks_and_a_sweep_without_a_cluster(
    project: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, count in (("MASKS", 1), ("TRAIN", 8), ("TEST", 1)):
        monkeypatch.setattr(demo, name, count)
    for name in (SCHEDULER, TIME_ON):
        monkeypatch.setenv(name, "")
    launched = demo.launch_demo(project.user_id)
    demo.fill(launched.project_id, project.user_id, workspace(launched.id) / "drawn", silent)  # before it gave way
    sweep_job.demo(launched, silent)
    assert count_images(launched.project_id) == 2 * (1 + 8 + 1)
    assert count_images(launched.project_id, Filter(drawn=True)) == 2
    assert backbones.uploaded(launched.project_id) == [demo.NETWORK.name]
    made = {candidate.name for candidate in read_results(models(launched.id))}
    assert made == {"base", "keep-0.1", "keep-0.35", "keep-0.5", "keep-0.75"}


def test_the_network_of_the_demo_is_small_and_can_be_cut_as_its_sweep_asks() -> None:
    assert demo.NETWORK.stat().st_size < 200_000
    network = load_backbone(demo.NETWORK)
    SweepConfig().check_network(network.name, network.has_norms)
    assert network.preprocess.size == 224
