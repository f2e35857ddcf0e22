"""An empty studio in a folder of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from studio.accounts import add_user
from studio.jobs.sweeps import models
from studio.projects.projects import create_project
from studio.store.database import engine, migrate, writing
from studio.store.home import secret
from studio.ui.choose.read_sweep import Sweep, read_sweep
from tests.postgresql import new_database
from tests.tiny_sweep import add_sweep


class Someone(NamedTuple):
    """A project with classes 1 Crack, 2 Pore, 3 Dirt, 4 Background, and its admin."""

    project_id: int
    user_id: int


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the newest tables and nothing in them: a copy takes a thirtieth of the time to make one."""
    folder = tmp_path_factory.mktemp("empty")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(folder))
        migrate()
        engine().dispose()
    return folder / "studio.db"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    monkeypatch.setenv("STUDIO_HOME", str(folder))
    secret.cache_clear()
    if server := os.environ.get("FTL_POSTGRESQL"):  # to run any of these tests by hand on a PostgreSQL
        monkeypatch.setenv("STUDIO_DATABASE", new_database(server))
        migrate()
    else:
        folder.mkdir(mode=0o700)
        shutil.copyfile(empty_database, folder / "studio.db")
    yield folder
    engine().dispose()
    secret.cache_clear()


@pytest.fixture
def project(home: Path) -> Someone:
    with writing() as db:
        user = add_user(db, "Ada", "a long enough password")
    return Someone(create_project(user.id, "Bridge 42").id, user.id)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    """A finished sweep of very small networks, in a studio of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(tmp_path_factory.mktemp("home")))
        secret.cache_clear()
        migrate()
        with writing() as db:
            user = add_user(db, "Ada", "a long enough password")
        job = add_sweep(create_project(user.id, "Bridge").id, user.id)
        yield read_sweep(job.id, job.name, models(job.id))
    secret.cache_clear()
