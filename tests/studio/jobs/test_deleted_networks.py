"""A network of a sweep that is deleted stands nowhere, comes back as it was, and is gone after thirty days."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.errors import Forbidden, Missing, StudioError
from studio.jobs import progress, queue, reports, sweeps
from studio.jobs.kits import kit
from studio.jobs.reporting import await_candidates
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store import shared_store
from studio.store.database import reading, writing
from studio.store.tables import DeletedNetwork, Job
from studio.trash import deleting
from studio.trash.purging import purge
from studio.ui.choose.networks import sweep_of
from studio.ui.choose.read_sweep import Sweep

LATER = time.time() + 31 * 24 * 3600
NAMES = {"base", "keep-0.25", "keep-0.5"}
GONE = "keep-0.25"


@pytest.fixture
def job(swept: Sweep) -> Job:
    await_candidates(swept.job_id, sorted(NAMES))
    with reading() as db:
        return db.get_one(Job, swept.job_id)


def seen(job: Job) -> list[set[str]]:
    """The networks that pages and programs see, each in its own way: chart and report, table, curves, and files."""

    def served(ask: Callable[[str], object]) -> set[str]:
        found = set()
        for name in NAMES:
            try:
                ask(name)
            except Missing:
                continue
            found.add(name)
        return found

    report = reports.sweep_report(job.project_id, job.id, "html").decode()
    rows = {str(row["Network"]) for row in progress.candidates(job)}
    return [
        {one.name for one in sweep_of(job).candidates},
        {"base" if row == "unpruned" else f"keep-{row}" for row in rows},
        {row.name for row in queue.candidates_of(job.id)},
        served(lambda name: sweeps.network(job.project_id, job.id, name)),
        served(lambda name: sweeps.exported(job.project_id, job.id, name)),
        served(lambda name: reports.network_report(job.project_id, job.id, name, "html")),
        {name for name in NAMES if f'<td class="words">{name}</td>' in report},
    ]


def test_a_deleted_network_stands_nowhere_and_comes_back(job: Job) -> None:
    own, who = job.project_id, job.created_by
    assert all(names == NAMES for names in seen(job))
    deleting.delete_network(own, who, job.id, GONE)
    assert all(names == NAMES - {GONE} for names in seen(job)), seen(job)
    with zipfile.ZipFile(kit(own, job.id)) as packed:
        assert {*json.loads(packed.read("kit.json"))["networks"]} == NAMES - {GONE}
    with pytest.raises(Forbidden):
        kit(create_project(who, "Elsewhere").id, job.id)
    with pytest.raises(Missing, match="was deleted"):
        sweeps.pick(own, job.id, GONE, who)
    with pytest.raises(Missing):
        deleting.delete_network(own, who, job.id, GONE)
    (thing,) = deleting.trash_of(own)
    assert (thing.kind, thing.name, thing.by) == ("network", f"{GONE} of Tiny", "Ada")
    assert thing.size > (sweeps.models(job.id) / GONE / "network.safetensors").stat().st_size
    purge(time.time() + 29 * 24 * 3600)
    deleting.restore(own, who, thing.kind, thing.key)
    assert all(names == NAMES for names in seen(job))
    assert deleting.trash_of(own) == []


def test_the_unpruned_network_and_the_project_s_stay(job: Job) -> None:
    own, who = job.project_id, job.created_by
    with pytest.raises(StudioError, match="unpruned network stays"):
        deleting.delete_network(own, who, job.id, "base")
    sweeps.pick(own, job.id, "keep-0.5", who)
    with pytest.raises(StudioError, match="the project's network"):
        deleting.delete_network(own, who, job.id, "keep-0.5")
    reviewer = accept(invite(own, "reviewer"), None, "Grace", "a long enough password")
    with pytest.raises(Forbidden):
        deleting.delete_network(own, reviewer, job.id, GONE)
    with writing() as db:
        db.get_one(Job, job.id).state = "running"
    with pytest.raises(StudioError, match="not done"):
        deleting.delete_network(own, who, job.id, GONE)
    with writing() as db:
        db.get_one(Job, job.id).state = "done"
    assert all(names == NAMES for names in seen(job))


def test_after_thirty_days_its_files_are_gone_here_and_in_the_store(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, who = job.project_id, job.created_by
    monkeypatch.setenv("STUDIO_STORE", str(tmp_path / "store"))
    tree = shared_store.share_folder(sweeps.workspace(job.id))
    assert tree is not None
    queue.change(job.id, tree=tree)
    contents = shared_store.contents_of(tree) or {}
    mine = {sha256 for name, sha256 in contents.items() if name.startswith(f"models/{GONE}/")}
    others = {sha256 for name, sha256 in contents.items() if not name.startswith(f"models/{GONE}/")}
    sweeps.exported(own, job.id, GONE)
    deleting.delete_network(own, who, job.id, GONE)
    key = deleting.trash_of(own)[0].key
    purge(LATER)
    assert deleting.trash_of(own) == []
    assert not (sweeps.models(job.id) / GONE).exists()
    assert not list((sweeps.workspace(job.id) / "exports").glob(f"{GONE}.*"))
    kept = {file.name for file in (tmp_path / "store").rglob("*") if file.is_file()}
    assert mine - others
    assert not kept & (mine - others)
    assert others <= kept
    assert tree not in kept
    with pytest.raises(Missing):
        deleting.restore(own, who, "network", key)
    assert all(names == NAMES - {GONE} for names in seen(job))  # though its results are still in a file
    with reading() as db:
        left = db.get_one(Job, job.id).tree
        assert left is not None
        assert set((shared_store.contents_of(left) or {}).values()) == others
    deleting.delete_job(own, who, job.id)
    purge(LATER)
    assert not [file for file in (tmp_path / "store").rglob("*") if file.is_file()]
    with reading() as db:
        assert db.get(DeletedNetwork, (job.id, GONE)) is None
