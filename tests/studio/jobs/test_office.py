"""The studio of an office: PostgreSQL, an S3 store, and a Dask cluster whose workers see none of its files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftl import load_backbone
from ftl.files import read_json
from studio.accounts.settings import Settings, save
from studio.images.library import find_images
from studio.jobs import backbones, queue, reporting
from studio.jobs.machines import machines
from studio.jobs.sweeps import finished_sweeps, models, workspace
from studio.projects.invitations import accept, invite
from studio.store import database, files
from studio.store.home import secret
from tests.cluster import Cluster
from tests.conftest import ROOT
from tests.ftl.cli.test_cli import outcome
from tests.postgresql import new_database
from tests.s3 import BUCKET, endpoint
from tests.studio.conftest import Someone
from tests.studio.jobs.test_jobs import fill, give_backbone, request, wait
from tests.studio.jobs.test_kills import alone

pytest.importorskip("s3fs", reason="left out: there is no s3fs")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A store and a cluster. The home's path leads through the working folder, which for the workers is another."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with endpoint(tmp_path / "s3.log"):
        monkeypatch.setenv("STUDIO_STORE", BUCKET)
        cluster = Cluster(tmp_path / "cluster", hosts=("127.0.0.1", "127.0.0.2")).start()
        monkeypatch.setenv("STUDIO_SCHEDULER", cluster.address())
        yield cluster
        cluster.stop()


@pytest.fixture
def home(office: Cluster, postgresql: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = Path("/proc/self/cwd/home")
    monkeypatch.setenv("STUDIO_HOME", str(folder))
    monkeypatch.setenv("STUDIO_DATABASE", new_database(postgresql))
    secret.cache_clear()
    database.migrate()
    yield folder
    database.engine().dispose()
    secret.cache_clear()


def test_a_sweep_through_postgresql_s3_and_an_office_is_that_of_one_process(
    project: Someone, office: Cluster, tmp_path: Path
) -> None:
    fill(project, tmp_path / "drawn")
    give_backbone(project)
    assert [one.name for one in machines(office.address())] == ["w0", "w1"]
    accept(invite(None, "admin"), project.user_id)  # as the studio's owner
    save(project.user_id, Settings(time_on="w1"))
    job = queue.launch(project.project_id, project.user_id, "sweep", "office", request(project))
    done = wait(job, "done", "failed")
    assert done.state == "done", reporting.log(job.id)
    folder = workspace(job.id)
    assert read_json(models(job.id) / "keep-0.5" / "time.json")["worker"] == "w1"

    assert outcome(models(job.id)) == alone(job, project, tmp_path / "own", [0.25, 0.5])

    # the workers, who see no path of the studio's, have fetched every photograph from the store
    log = (tmp_path / "s3.log").read_text()
    laid = [file for side in ("dataset", "evaluation") for file in (folder / side).rglob("*.png")]
    contents = {image.sha256 for image in find_images(project.project_id)}
    asked = {sha256 for sha256 in contents if f"GET /bridges/studio/{sha256[:2]}/{sha256}" in log}
    assert len(asked) >= len(laid)

    # the home folder holds copies only: without it, all is there again
    image = find_images(project.project_id)[0]
    before = {file.relative_to(folder): file.read_bytes() for file in models(job.id).rglob("*.json")}
    shutil.rmtree(workspace(job.id))
    shutil.rmtree(files.original(image.sha256).parents[1])
    shutil.rmtree(backbones.folder(project.project_id))
    assert files.read(image.sha256).size == (image.width, image.height)
    assert backbones.uploaded(project.project_id) == ["tiny.safetensors"]
    assert load_backbone(backbones.file_of(project.project_id, "tiny.safetensors")).name == "tiny"
    assert [one.id for one in finished_sweeps(project.project_id)] == [job.id]
    assert {file.relative_to(folder): file.read_bytes() for file in models(job.id).rglob("*.json")} == before
