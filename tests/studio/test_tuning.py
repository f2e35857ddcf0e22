"""Fine-tuned candidates in the studio: what a job's settings ask for, and how their learning is told."""

from __future__ import annotations

import pytest

from ftl.errors import FtlError
from ftl.progress import LOOKING, TESTED, TIMED, TRAINING, Told
from ftl.training.early_stopping import Epoch
from ftl.training.settings import Recipe, Tuning
from studio.jobs import progress, queue, reporting
from studio.jobs.sweeps import job_in
from studio.jobs.tuning import network_names, tuning_of
from studio.ui.jobs.learning_curves import learning_chart
from tests.studio.conftest import Someone


def test_settings_say_what_is_made_and_old_ones_nothing() -> None:
    assert tuning_of({}) == Tuning()
    asked = {"also": ["tuned"], "tuning_epochs": 20, "distil": 0.5, "tune_base": True, "keep": [0.1]}
    assert tuning_of(asked) == Tuning(("tuned",), True, Recipe(epochs=20, distil=0.5))
    names = network_names({"keep": [0.1, 0.2], "budgets": ["1%", "5 ms", "1.0%"]})
    assert names == ["base", "keep-0.1", "keep-0.2", "macs-0.01", "ms-5"]
    assert network_names({"keep": []}) == ["base", "above-average"]
    assert tuning_of(asked).names(["base", "keep-0.1"]) == ["base", "base-tuned", "keep-0.1", "keep-0.1-tuned"]
    with pytest.raises(FtlError, match="a budget is a share"):
        network_names({"keep": [0.1], "budgets": ["much"]})


def test_epochs_are_kept_once_in_order_and_drawn(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    job = queue.launch(project.project_id, project.user_id, "sweep", "a", {"keep": [0.1]})
    reporting.await_candidates(job.id, ["base", "keep-0.1", "keep-0.1-tuned"])
    follow = reporting.follower(job.id)
    points = [Epoch(1, 0.7, 0.6, 0.8), Epoch(2, 0.4, 0.3, 0.9), Epoch(3, 0.2, 0.25, 0.92)]
    for point in (points[0], points[1], points[0], *points[1:]):  # cut off after the second, and gone on with
        follow(Told("keep-0.1-tuned", TRAINING, point.epoch, 15, epoch=point))
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
    settings = {"keep": [0.1], "also": ["recalibrated", "tuned"], "tune_base": True, "budgets": ["1%", "5ms"]}
    job = queue.launch(project.project_id, project.user_id, "sweep", "a", settings)
    names = tuning_of(settings).names(network_names(settings))
    reporting.await_candidates(job.id, names)
    follow = reporting.follower(job.id)
    for name in names:
        follow(Told(name, LOOKING))
    for name in ("base", "keep-0.1", "keep-0.1-recalibrated", "macs-0.01", "macs-0.01-recalibrated"):
        follow(Told(name, TESTED if name == "base" else TIMED))
    queue.change(job.id, state="failed")
    queue.settle(project.project_id, job.id)
    left = job_in(project.project_id, job.id).settings
    assert left == {"keep": [0.1], "also": ["recalibrated"], "tune_base": False, "budgets": ["1%"]}
