"""How far a job is, where it stands in the queue, and when it is expected."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ftl.config import FineTuneConfig, SweepConfig
from ftl.progress import LOOKING, TESTED, TIMED, TRAINING, CandidateProgress
from studio.accounts import add_user
from studio.jobs import meter as parts
from studio.jobs import progress, queue, waiting
from studio.jobs.meter import Meter
from studio.jobs.request import SweepRequest
from studio.jobs.sweeps import job_in
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Job
from studio.ui.jobs.times import times
from tests.studio.conftest import Someone
from tests.studio.jobs.test_jobs import fill, give_backbone, request

WEIGHTS = {
    parts.LAYOUT: 10.0, parts.SCORING: 20.0, "base": 10.0, "keep-0.5": 10.0, "keep-0.5-tuned": 100.0,
    parts.LATENCY: 40.0, parts.REPEATS: 8.0, parts.KEEPING: 2.0,
}  # fmt: skip


def test_each_part_counts_as_long_as_it_takes_and_the_bar_never_falls() -> None:
    meter = Meter(WEIGHTS)
    shares: list[float] = []

    def at(share: float) -> None:
        shares.append(meter.share)
        assert meter.share == pytest.approx(share / 200)

    at(0)
    meter.report(1, 2, "collecting masks")
    at(4)
    meter.report(2, 2, "collecting photographs")
    at(10)
    meter.report(5, 10, "scoring")
    at(10 + 5)
    meter.report(10, 10, "scoring")  # of the first branch
    at(10 + 10)
    meter.report(1, 10, "scoring")  # of another
    at(10 + 10)
    meter.follow(CandidateProgress("base", LOOKING, 50, 100))
    at(10 + 10 + 4.75)
    meter.follow(CandidateProgress("keep-0.5", LOOKING, 0, 100))
    at(10 + 20 * 2 / 3 + 4.75)
    meter.follow(CandidateProgress("keep-0.5-tuned", TRAINING, 50, 100))  # steps of fine-tuning
    at(10 + 20 + 4.75 + 45)
    meter.follow(CandidateProgress("keep-0.5-tuned", TRAINING, 5, 10))  # the same as an epoch
    at(10 + 20 + 4.75 + 45)
    meter.follow(CandidateProgress("keep-0.5-tuned", LOOKING, 100, 100))
    at(10 + 20 + 4.75 + 100)
    for name in ("base", "keep-0.5", "keep-0.5-tuned"):
        meter.follow(CandidateProgress(name, TESTED, 1, 1))
    at(150)
    meter.report(5, 10, "timing")
    at(150 + 16)
    meter.report(0, 1, "waiting until the machine is quiet, to time again")
    at(150 + 16)
    meter.report(1, 2, "timing again what is unstable")
    at(150 + 36)
    meter.follow(CandidateProgress("base", TIMED, 1, 1))
    meter.report(1, 4, "repeating base")
    at(150 + 40 + 2)
    meter.report(0, 1, "keeping the results")
    at(198)
    assert shares == sorted(shares)


def test_without_weights_nothing_is_claimed() -> None:
    meter = Meter()
    meter.report(1, 1, "scoring")
    meter.follow(CandidateProgress("base", TESTED, 1, 1))
    assert meter.share == 0


def test_the_bar_of_a_real_sweep_follows_its_work(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn")
    give_backbone(project)
    asked = request(project, heads=["tuned"], fine_tune=FineTuneConfig(epochs=4))
    job = queue.launch(project.project_id, project.user_id, "sweep", "far", asked)
    seen: list[float] = []
    stages: dict[str, float] = {}
    end = time.monotonic() + 240
    while (now := job_in(project.project_id, job.id)).state in queue.UNFINISHED and time.monotonic() < end:
        if not seen or now.share != seen[-1]:
            seen.append(now.share)
        stages[now.stage] = now.share
        time.sleep(0.05)
    assert (now.state, now.share) == ("done", 1.0), now.error
    assert seen == sorted(seen)
    assert all(0 <= share < 1 for share in seen)  # only a job that is done is at its end
    assert len(seen) > 10
    assert max(after - before for before, after in zip([0.0, *seen], [*seen, 1.0], strict=True)) < 0.35
    assert stages["timing"] > stages["looking at photographs"] > 0
    assert now.seconds is not None
    assert now.seconds > 0


def test_what_is_not_done_is_never_shown_as_done() -> None:
    job = Job(state="running", share=0.998, started_at=0.0, seconds=100.0)
    assert f"{progress.share(job):.0%}" == "99%"
    assert waiting.standing(job, waiting.Turn(0, 0.0, 30.0)) == "nearly done"
    job.share = 0.6
    assert waiting.standing(job, waiting.Turn(0, 0.0, 30.0)) == "about 30 s left"
    assert waiting.standing(job, waiting.Turn(0, 0.0, 1.0)) == "nearly done"  # the estimate has run out


def test_unstable_latencies_are_those_of_networks() -> None:
    several, one = (progress.unstable(Job(unstable=number)) for number in (5, 1))
    assert several == "The latencies of 5 networks are unstable: measured again once the machine is quiet."
    assert one.startswith("The latency of 1 network is unstable")


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker takes up what is launched."""
    monkeypatch.setattr(queue, "start_worker", lambda: None)


def test_a_queue_tells_place_whose_job_runs_and_when_each_is_expected(project: Someone, still: None) -> None:
    with writing() as db:
        bob = add_user(db, "Bob", "a long enough password").id
    other = create_project(bob, "Tunnel")

    def launched(project_id: int, seconds: float | None = None) -> int:
        user = bob if project_id == other.id else project.user_id
        return queue.launch(project_id, user, "sweep", "a", SweepRequest(), seconds).id

    first = launched(project.project_id, 600.0)
    queue.change(first, state="running", started_at=1000.0, share=0.5)
    second, third = launched(project.project_id, 120.0), launched(project.project_id, 60.0)
    theirs = launched(other.id, 300.0)
    found = waiting.turns(1100.0)
    # half of it took 100 s, 600 were estimated: half by its pace, half by the estimate
    assert found[first] == (0, 0.0, pytest.approx(0.5 * 100 + 0.5 * 300))
    assert found[theirs] == (1, pytest.approx(200), pytest.approx(500))  # projects take turns
    assert found[second] == (2, pytest.approx(500), pytest.approx(620))
    assert found[third] == (3, pytest.approx(620), pytest.approx(680))
    job = job_in(project.project_id, second)
    assert waiting.standing(job, found[second]) == "2nd in the queue · begins in about 8 min, done in about 10 min"
    assert waiting.standing(job, found[theirs]).startswith("next in the queue · begins in about 3 min")
    assert [one.id for one in queue.in_turn()] == [theirs, second, third]
    assert waiting.networks_to_come(project.project_id).startswith("a is running: about ")
    assert waiting.networks_to_come(other.id).startswith("a is waiting: next in the queue · begins in about ")
    assert waiting.networks_to_come(create_project(bob, "Nothing").id) == ""
    assert waiting.running_for(project.user_id) == "a of Bridge 42"
    assert waiting.running_for(bob) == "a job of another project"
    accept(invite(project.project_id, "annotator"), bob)
    assert waiting.running_for(bob) == "a of Bridge 42"
    assert waiting.ahead(other.id, 1100.0) == (3, pytest.approx(620))  # behind the second of ours, before the third
    assert waiting.ahead(project.project_id, 1100.0) == (4, pytest.approx(680))


def test_what_nobody_estimated_is_expected_to_take_what_others_took(project: Someone, still: None) -> None:
    def launched(**values: object) -> int:
        job = queue.launch(project.project_id, project.user_id, "sweep", "a", SweepRequest())
        queue.change(job.id, **values)
        return job.id

    waits = launched()
    assert waiting.turns(0.0)[waits] == (1, 0.0, None)
    assert waiting.standing(job_in(project.project_id, waits), waiting.turns(0.0)[waits]) == (
        "next in the queue · begins any moment"
    )
    for seconds in (100.0, 300.0, 5000.0):
        launched(state="done", started_at=1.0, ended_at=1.0 + seconds)
    assert waiting.turns(0.0)[waits] == (1, 0.0, 300.0)
    runs = launched(state="running", started_at=0.0)  # nothing is known of it yet
    found = waiting.turns(10.0)
    assert found[runs] == (0, 0.0, None)
    assert found[waits] == (1, None, None)
    assert waiting.standing(job_in(project.project_id, waits), found[waits]) == "next in the queue"


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (22, "22nd")]
)
def test_ordinals(number: int, text: str) -> None:
    assert waiting.ordinal(number) == text


def test_a_retry_begins_its_bar_anew(project: Someone, still: None) -> None:
    job = queue.launch(project.project_id, project.user_id, "sweep", "a", SweepRequest(sweep=SweepConfig(keep=[0.1])))
    queue.change(job.id, state="failed", share=0.7, told=True)
    queue.retry(project.project_id, job.id)
    again = job_in(project.project_id, job.id)
    assert (again.share, again.told) == (0.0, False)
    assert times(again).startswith("launched")
