"""Fine-tuned candidates in the studio: what a job's settings ask for, and how their learning is told."""

from __future__ import annotations

import pytest

from ftl.config import SweepConfig
from ftl.errors import FtlError
from ftl.progress import LOOKING, TESTED, TIMED, TRAINING, CandidateProgress
from ftl.training.early_stopping import Epoch
from studio.jobs import progress, queue, reporting
from studio.jobs.request import SweepRequest, request_of
from studio.jobs.sweeps import job_in
from studio.ui.jobs.learning_curves import learning_chart
from tests.studio.conftest import Someone


def test_a_configuration_says_what_is_made() -> None:
    assert SweepConfig(keep=[0.1]).candidates() == ["base", "keep-0.1"]
    config = SweepConfig(keep=[0.1, 0.2], budgets=["1%", "5 ms", "1.0%"])
    assert config.networks == ["base", "keep-0.1", "keep-0.2", "macs-0.01", "ms-5"]
    assert SweepConfig(rule="above-average").networks == ["base", "above-average"]
    config = SweepConfig(keep=[0.1], heads=["tuned"], fine_tune_unpruned=True)
    assert config.candidates() == ["base", "base-tuned", "keep-0.1", "keep-0.1-tuned"]
    with pytest.raises(FtlError, match="a budget is a share"):
        SweepConfig(budgets=["much"])


def test_epochs_are_kept_once_in_order_and_drawn(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    job = queue.launch(project.project_id, project.user_id, "sweep", "a", SweepRequest(sweep=SweepConfig(keep=[0.1])))
    reporting.await_candidates(job.id, ["base", "keep-0.1", "keep-0.1-tuned"])
    follow = reporting.follower(job.id)
    points = [Epoch(1, 0.7, 0.6, 0.8), Epoch(2, 0.4, 0.3, 0.9), Epoch(3, 0.2, 0.25, 0.92)]
    for point in (points[0], points[1], points[0], *points[1:]):  # cut off after the second, and gone on with
        follow(CandidateProgress("keep-0.1-tuned", TRAINING, point.epoch, 15, epoch=point))
    reporting.await_candidates(job.id, ["base", "keep-0.1", "keep-0.1-tuned"])  # at a retry
    assert progress.curves(job_in(project.project_id, job.id)) == {"keep-0.1-tuned": points}
    queue.change(job.id, state="running")
    states = {row["Network"]: row["State"] for row in progress.candidates(job_in(project.project_id, job.id))}
    assert states["0.1-tuned"] == "fine-tuned for 3 epochs"
    stop, own = learning_chart({"keep-0.1-tuned": points}).data
    assert (list(stop.x), list(stop.y)) == ([1, 2, 3], [0.6, 0.3, 0.25])
    assert list(own.y) == [0.7, 0.4, 0.2]


def test_what_is_settled_leaves_out_what_is_not_finished(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    config = SweepConfig(keep=[0.1], heads=["recalibrated", "tuned"], fine_tune_unpruned=True, budgets=["1%", "5ms"])
    job = queue.launch(project.project_id, project.user_id, "sweep", "a", SweepRequest(sweep=config))
    names = config.candidates()
    reporting.await_candidates(job.id, names)
    follow = reporting.follower(job.id)
    for name in names:
        follow(CandidateProgress(name, LOOKING))
    for name in ("base", "keep-0.1", "keep-0.1-recalibrated", "macs-0.01", "macs-0.01-recalibrated"):
        follow(CandidateProgress(name, TESTED if name == "base" else TIMED))
    queue.change(job.id, state="failed")
    queue.settle(project.project_id, job.id)
    left = request_of(job_in(project.project_id, job.id)).sweep
    assert left == config.but(heads=["recalibrated"], fine_tune_unpruned=False, budgets=["1%"])
