"""What is deleted is in the trash: served on no route, restored as it was, and after thirty days gone for good."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from ftl.errors import FtlError
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.backup.packing import backup
from studio.collaboration import annotator_masks, assignment, presence, progress, review
from studio.collaboration.comments import comment
from studio.errors import Forbidden, StudioError
from studio.images.library import Filter, add_image, count_images, find_ids, find_images, image_in, neighbour
from studio.jobs import backbones, queue, sweeps
from studio.jobs.layout import lay_out
from studio.jobs.request import SweepRequest, request_of
from studio.jobs.sweeps import job_in
from studio.projects.invitations import accept, invite, open_invitations, revoke
from studio.projects.members import require
from studio.projects.projects import projects_of
from studio.store import files
from studio.store import shared_store as shared
from studio.store.database import reading, writing
from studio.store.tables import BackboneFile, Base, Event, Image, Job, Project, Stroke
from studio.trash import deleting
from studio.trash.purging import purge
from tests.conftest import save_png
from tests.studio.conftest import Someone
from tests.studio.jobs.test_jobs import give_backbone

BOX = Rectangle("box", 1, {"box": [2, 2, 9, 9]})
LATER = time.time() + 31 * 24 * 3600


@pytest.fixture
def walls(project: Someone, tmp_path: Path) -> list[Image]:
    """Two images that were drawn on and handed in."""
    made = []
    for number in range(2):
        noise = np.random.default_rng(number).integers(0, 255, (24, 32, 3)).astype(np.uint8)
        file = save_png(noise, tmp_path / f"{number}.png")
        image = add_image(project.project_id, project.user_id, file, f"wall {number}.png")[0]
        log.append(image.id, project.user_id, [BOX])
        review.submit(image.id, project.user_id)
        comment(image, project.user_id, "look")
        made.append(image_in(project.project_id, image.id))
    return made


def seen(project: Someone) -> dict[str, Any]:
    """All that is read of a project's images."""
    own = project.project_id
    return {
        "count": count_images(own), "list": [image.id for image in find_images(own)], "ids": find_ids(own, Filter()),
        "progress": progress.project(own), "people": progress.annotators(own), "days": progress.days(own),
        "here": [image.id for _, image in presence.in_project(own)], "several": annotator_masks.drawn_by_several(own),
        "backup": len(b"".join(backup(own))), "named": find_images(own, Filter(text="wall 0")),
        "drawn": count_images(own, Filter(drawn=True)),
    }  # fmt: skip


def test_a_deleted_image_is_served_nowhere_and_comes_back_as_it_was(project: Someone, walls: list[Image]) -> None:
    own, who = project.project_id, project.user_id
    gone, kept = walls
    presence.beat(gone.id, who)
    whole = seen(project)
    mask = log.mask(gone)
    assert deleting.delete_images(own, who, [gone.id]) == 1
    assert deleting.delete_images(own, who, [gone.id]) == 0
    now = seen(project)
    assert now["list"] == now["ids"] == [kept.id]
    assert now["count"] == now["progress"].images == now["drawn"] == now["people"][0].images == 1
    assert now["named"] == now["here"] == []
    assert sum(day.submitted for day in now["days"]) == sum(day.strokes for day in now["days"]) == 1
    assert now["backup"] < whole["backup"]
    assert neighbour(own, kept.id, -1) is None
    with pytest.raises(StudioError):
        image_in(own, gone.id)
    for change in (
        lambda: log.append(gone.id, who, [replace(BOX, id="late")]),
        lambda: review.accept(gone.id, who),
        lambda: presence.beat(gone.id, who, time.time() + 60),
        lambda: comment(gone, who, "again"),
        lambda: assignment.assign(own, [gone.id], who, who),
    ):
        with pytest.raises(StudioError):
            change()
    (thing,) = deleting.trash_of(own)
    assert (thing.kind, thing.key, thing.name, thing.by) == ("image", gone.id, "wall 0.png", "Ada")
    assert thing.size == sum(file.stat().st_size for file in files.files_of(gone.sha256) if file.is_file()) > 0
    deleting.restore(own, who, "image", gone.id)
    after = seen(project)
    for one in (whole, after):
        one.pop("backup")  # the audit log has two lines more
        one["named"] = [image.id for image in one["named"]]
    assert after == whole
    assert np.array_equal(log.mask(gone), mask)
    assert deleting.trash_of(own) == []


def test_a_photograph_that_is_uploaded_again_comes_back(project: Someone, walls: list[Image]) -> None:
    gone = walls[0]
    deleting.delete_images(project.project_id, project.user_id, [gone.id])
    file = files.original(gone.sha256)
    image, new = add_image(project.project_id, project.user_id, file, "again.png")
    assert (image.id, new, count_images(project.project_id)) == (gone.id, True, 2)
    assert log.mask(image).any()


def test_after_thirty_days_rows_and_files_are_gone_but_for_what_others_need(
    project: Someone, walls: list[Image]
) -> None:
    own, who = project.project_id, project.user_id
    from studio.projects.projects import create_project

    other = create_project(who, "Other").id
    shared, alone = walls
    add_image(other, who, files.original(shared.sha256), "shared.png")
    for image in walls:
        for file in files.files_of(image.sha256):
            if file.is_file():
                os.utime(file, (1, 1))
    deleting.delete_images(own, who, [shared.id, alone.id])
    sizes = {thing.key: thing.size for thing in deleting.trash_of(own)}
    assert sizes[shared.id] == 0 < sizes[alone.id]
    purge(time.time() + 29 * 24 * 3600)
    assert len(deleting.trash_of(own)) == 2
    purge(LATER)
    with reading(trash=True) as db:
        assert db.scalar(select(func.count(Image.id)).where(Image.project_id == own)) == 0
        assert db.scalar(select(func.count(Stroke.seq))) == 0
        assert db.scalar(select(func.count(Event.id)).where(Event.project_id == own)) > 0
    assert files.original(shared.sha256).is_file()
    assert not any(file.exists() for file in files.files_of(alone.sha256))
    assert [image.sha256 for image in find_images(other)] == [shared.sha256]


def test_a_shared_store_keeps_what_somebody_needs_and_nothing_else(
    project: Someone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photograph of two projects, one of one, and a backbone; nothing goes while a job runs."""
    from studio.projects.projects import create_project

    own, who, store = project.project_id, project.user_id, tmp_path / "store"
    monkeypatch.setenv("STUDIO_STORE", str(store))
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    other = create_project(who, "Other").id
    both, alone = (
        save_png(
            np.random.default_rng(number).integers(0, 255, (24, 32, 3)).astype(np.uint8), tmp_path / f"{number}.png"
        )
        for number in range(2)
    )
    images = [add_image(own, who, file, file.name)[0] for file in (both, alone)]
    kept = add_image(other, who, both, "same.png")[0]
    (tmp_path / "own.pt").write_bytes(b"123")
    shared.share(tmp_path / "own.pt")
    with writing() as db:
        db.add(BackboneFile(project_id=own, name="own.pt", sha256=files.sha256_of(tmp_path / "own.pt")))

    def stored() -> set[str]:
        return {file.name for file in store.rglob("*") if file.is_file()}

    whole = stored()
    assert len(whole) == 3
    deleting.delete_images(own, who, [image.id for image in images])
    deleting.delete_backbone(own, who, "own.pt")
    running = queue.launch(other, who, "sweep", "runs", SweepRequest())
    purge(time.time() + 29 * 24 * 3600)
    purge(LATER)
    assert stored() == whole
    queue.change(running.id, state="cancelled")
    with monkeypatch.context() as patch, pytest.raises(FtlError):
        patch.setattr("studio.trash.shared_store.remove", away)
        purge(LATER)
    purge(LATER)
    assert stored() == {kept.sha256}


def away(*_: object) -> None:
    raise FtlError("the store does not answer")


def test_a_job_that_runs_is_stopped_before_it_goes(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    own, who = project.project_id, project.user_id
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    waiting, running = (queue.launch(own, who, "sweep", name, SweepRequest()) for name in ("waits", "runs"))
    queue.claim(running.id)
    for job in (waiting, running):
        (sweeps.models(job.id) / "keep-0.5").mkdir(parents=True)
        (sweeps.models(job.id) / "keep-0.5" / "head.safetensors").write_bytes(b"12345")
        deleting.delete_job(own, who, job.id)
        for read in (sweeps.job_in, queue.cancel, queue.retry):
            with pytest.raises(StudioError):
                read(own, job.id)
        with pytest.raises(StudioError):
            sweeps.network(own, job.id, "keep-0.5")
    assert queue.jobs_of(own) == sweeps.finished_sweeps(own) == []
    assert queue.next_job() is None
    (left,) = queue.unfinished()  # the worker sees that it must stop
    assert left.id == running.id
    assert left.cancel
    assert {thing.size for thing in deleting.trash_of(own)} == {5}
    purge(LATER)
    assert not sweeps.workspace(waiting.id).exists()
    assert sweeps.workspace(running.id).exists()  # until it has stopped
    queue.change(running.id, state="cancelled")
    purge(LATER)
    assert not sweeps.workspace(running.id).exists()
    assert deleting.trash_of(own) == []


def test_a_deleted_backbone_is_no_sweep_s_input_and_its_name_is_free(project: Someone) -> None:
    own, who = project.project_id, project.user_id
    (backbones.folder(own) / ".safe").mkdir(parents=True)
    for file in backbones.files_of(own, "own.pt"):
        file.write_bytes(b"123")
    with writing() as db:
        db.add(BackboneFile(project_id=own, name="own.pt", sha256="0" * 64))
    deleting.delete_backbone(own, who, "own.pt")
    assert backbones.uploaded(own) == []
    with pytest.raises(StudioError, match="was deleted"):
        backbones.file_of(own, "own.pt")
    deleting.restore(own, who, "backbone", "own.pt")
    assert backbones.uploaded(own) == ["own.pt"]
    deleting.delete_backbone(own, who, "own.pt")
    purge(LATER)
    assert not any(file.exists() for file in backbones.files_of(own, "own.pt"))


def test_a_deleted_project_is_nobody_s_and_leaves_nothing(
    project: Someone, walls: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, who = project.project_id, project.user_id
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    job = queue.launch(own, who, "sweep", "waits", SweepRequest())
    token = invite(own, "annotator")
    deleting.delete_project(own, who)
    assert projects_of(who) == []
    with pytest.raises(Forbidden):
        require(who, own)
    with pytest.raises(StudioError):
        log.append(walls[0].id, who, [replace(BOX, id="late")])
    with pytest.raises(StudioError):
        accept(token, who)
    (thing,) = deleting.deleted_projects(who)
    assert thing.name == "Bridge 42"
    assert thing.size > 0
    deleting.restore(own, who, "project", own)
    assert [found.id for found, _ in projects_of(who)] == [own]
    assert queue.jobs_of(own)[0].state == "cancelled"
    assert count_images(own) == 2
    deleting.delete_project(own, who)
    for image in walls:
        os.utime(files.original(image.sha256), (1, 1))
    purge(LATER)
    with reading(trash=True) as db:
        for table in Base.metadata.sorted_tables:
            if "project_id" in table.c or table.name in ("projects", "strokes", "works", "comments", "candidates"):
                assert db.execute(select(table)).all() == [], table.name
    assert not files.original(walls[0].sha256).exists()
    assert not sweeps.workspace(job.id).exists()


def test_nothing_changes_in_an_archived_project(project: Someone, walls: list[Image]) -> None:
    own, who = project.project_id, project.user_id
    deleting.archive(own, who)
    for change in (
        lambda: log.append(walls[0].id, who, [replace(BOX, id="late")]),
        lambda: review.accept(walls[0].id, who),
        lambda: deleting.delete_images(own, who, [walls[0].id]),
        lambda: deleting.rename_project(own, who, "Other"),
    ):
        with pytest.raises(Forbidden, match="archived"):
            change()
    presence.beat(walls[0].id, who)  # looking is no change
    assert count_images(own) == 2
    deleting.archive(own, who, archived=False)
    review.accept(walls[0].id, who)


def test_names(project: Someone, walls: list[Image], monkeypatch: pytest.MonkeyPatch) -> None:
    own, who = project.project_id, project.user_id
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    job = queue.launch(own, who, "sweep", "a", SweepRequest())
    deleting.rename_project(own, who, " Bridge  43 ")
    deleting.rename_job(own, who, job.id, "second")
    deleting.rename_image(walls[0].id, who, "../north.png")
    assert projects_of(who)[0][0].name == "Bridge 43"
    assert queue.jobs_of(own)[0].name == "second"
    assert image_in(own, walls[0].id).name == "north.png"
    for wrong in ("", " ", "a\x00b" * 200):
        with pytest.raises(StudioError):
            deleting.rename_job(own, who, job.id, wrong)
        with pytest.raises(StudioError):
            deleting.rename_project(own, who, wrong)


def test_a_backbone_is_renamed_with_the_sweeps_that_use_it(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    own, who = project.project_id, project.user_id
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    give_backbone(project)
    before = [file.read_bytes() for file in backbones.files_of(own, "tiny.safetensors")]
    job = queue.launch(own, who, "sweep", "a", SweepRequest(source="file", file="tiny.safetensors"))
    with pytest.raises(StudioError, match="has not ended uses"):
        deleting.rename_backbone(own, who, "tiny.safetensors", "small")
    queue.change(job.id, state="failed")
    assert (
        deleting.rename_backbone(own, who, "tiny.safetensors", "../my small net.safetensors")
        == "my_small_net.safetensors"
    )
    assert backbones.uploaded(own) == ["my_small_net.safetensors"]
    assert [file.read_bytes() for file in backbones.files_of(own, "my_small_net.safetensors")] == before
    assert not any(file.exists() for file in backbones.files_of(own, "tiny.safetensors"))
    assert request_of(job_in(own, job.id)).file == "my_small_net.safetensors"
    give_backbone(project)
    deleting.delete_backbone(own, who, "my_small_net.safetensors")
    with pytest.raises(StudioError, match="already, perhaps in the trash"):
        deleting.rename_backbone(own, who, "tiny.safetensors", "my small net")
    with pytest.raises(StudioError, match="no such backbone"):
        deleting.rename_backbone(own, who, "my_small_net.safetensors", "other")
    assert backbones.uploaded(own) == ["tiny.safetensors"]


def test_an_invitation_that_is_revoked_opens_nothing(project: Someone) -> None:
    token = invite(project.project_id, "reviewer")
    (found,) = open_invitations(project.project_id)
    revoke(project.project_id, project.user_id, found.token_hash)
    assert open_invitations(project.project_id) == []
    with pytest.raises(StudioError):
        accept(token, None, "Grace", "a long enough password")


def test_a_sweep_is_laid_out_without_what_was_deleted(project: Someone, walls: list[Image], tmp_path: Path) -> None:
    deleting.delete_images(project.project_id, project.user_id, [image.id for image in walls])
    with pytest.raises(StudioError, match="no photograph has a mask"):
        lay_out(project.project_id, tmp_path / "out", mask_classes=[1], image_classes=[])


def test_every_table_that_can_be_deleted_is_left_out_of_reads(project: Someone, walls: list[Image]) -> None:
    """Whether a query names the table, joins it, counts it or gets a row by its key."""
    with writing() as db:
        db.add(Job(project_id=project.project_id, created_by=project.user_id, kind="sweep", name="x", settings={}))
        db.add(BackboneFile(project_id=project.project_id, name="x.pt", sha256="0" * 64))
    with writing() as db:
        for table in (Image, Job, BackboneFile, Project):
            for row in db.scalars(select(table)):
                setattr(row, "deleted_at", 1.0)  # noqa: B010
    with reading() as db:
        for table in (Image, Job, BackboneFile, Project):
            key = [getattr(table, str(column.key)) for column in table.__mapper__.primary_key]
            assert db.scalars(select(table)).all() == db.scalars(select(*key)).all() == [], table
            assert db.scalar(select(func.count()).select_from(table)) == 0, table
        assert db.get(Image, walls[0].id) is None
        assert db.scalars(select(Stroke.id).join(Image)).all() == []
