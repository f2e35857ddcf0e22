"""The database: migrations that give the models' tables, and commits that survive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, text

from ftl.errors import FtlError
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.images.library import add_image, find_images
from studio.store import database, files
from studio.store.home import secret
from studio.store.tables import Base
from tests.conftest import ROOT, save_png
from tests.studio.conftest import Someone


def tables_in(engine: Engine) -> dict[str, str]:
    """What makes each table and index of an SQLite database."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))
        return {name: sql for name, sql in rows if name != "alembic_version"}


def test_the_migrations_make_the_tables_of_the_models(home: Path) -> None:
    with database.engine().connect() as connection:
        given = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(given, Base.metadata) == []
    models = create_engine("sqlite://")
    Base.metadata.create_all(models)
    assert tables_in(database.engine()) == tables_in(models)  # keys and indexes too, which Alembic does not compare


def test_sqlite_commits_to_disk(home: Path) -> None:
    with database.reading() as db:
        assert db.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert db.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL
        assert db.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_a_block_that_fails_changes_nothing(project: Someone) -> None:
    from studio.store.tables import User

    with pytest.raises(RuntimeError), database.writing() as db:
        db.add(User(name="Ghost"))
        db.flush()
        raise RuntimeError
    with database.reading() as db:
        assert db.query(User).count() == 1


def test_the_secret_stays_the_same(home: Path) -> None:
    first = secret()
    secret.cache_clear()
    assert secret() == first
    assert len(first) == 32


WRITER = """
import sys
from studio.annotation import log
from studio.annotation.strokes import Rectangle
image, author, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
for number in range(10_000):
    id = f"{name}-{number}"
    log.append(image, author, [Rectangle(id, 1, {"box": [0, 0, 2, 2]}, author)])
    print(id, flush=True)
"""


def test_what_was_acknowledged_survives_sigkill_of_many_writers(project: Someone, tmp_path: Path) -> None:
    file = save_png(np.zeros((8, 8, 3), np.uint8), tmp_path / "a.png")
    image, _ = add_image(project.project_id, project.user_id, file, "a.png")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(image.id), str(project.user_id), name],
            stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for name in ("a", "b", "c")
    ]  # fmt: skip
    told: set[str] = set()
    for writer in writers:
        assert writer.stdout
        told |= {writer.stdout.readline().strip() for _ in range(20)}
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
        assert writer.stdout
        told |= {line.strip() for line in writer.stdout.read().splitlines() if line.strip()}
        writer.wait()
    ids = [row.id for row in log.read(image.id)]
    assert len(ids) == len(set(ids))
    assert told <= set(ids)
    assert len(set(ids) - told) <= 3  # at most one per writer was on disk before it could say so
    numbers = [row.seq for row in log.read(image.id)]
    assert numbers == sorted(numbers)
    assert find_images(project.project_id)[0].strokes == len(ids)


def test_the_same_stroke_sent_by_many_at_once_is_there_once(project: Someone, tmp_path: Path) -> None:
    file = save_png(np.zeros((8, 8, 3), np.uint8), tmp_path / "a.png")
    image, _ = add_image(project.project_id, project.user_id, file, "a.png")
    stroke = Rectangle("once", 1, {"box": [0, 0, 2, 2]}, project.user_id)
    with ThreadPoolExecutor(8) as pool:
        new = list(pool.map(lambda _: log.append(image.id, project.user_id, [stroke]), range(24)))
    assert sum(new) == 1
    assert len(log.read(image.id)) == 1


def test_an_image_is_kept_once_upright_with_its_thumbnail(project: Someone, tmp_path: Path) -> None:
    from PIL import Image

    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 600, 3), np.uint8).astype(np.uint8))
    exif = picture.getexif()
    exif[0x0112] = 6  # turned: shown upright it is 300 wide and 600 high
    picture.save(tmp_path / "turned.jpg", exif=exif)
    image, new = add_image(project.project_id, project.user_id, tmp_path / "turned.jpg", "turned.jpg")
    assert (new, image.width, image.height) == (True, 300, 600)
    assert add_image(project.project_id, project.user_id, tmp_path / "turned.jpg", "again.jpg")[1] is False
    with Image.open(files.thumbnail(image.sha256)) as small:
        assert small.size == (128, 256)
    assert files.original(image.sha256).read_bytes() == (tmp_path / "turned.jpg").read_bytes()
    assert files.array(image.sha256).shape == (600, 300, 3)


def test_a_file_that_is_no_image_leaves_nothing(home: Path, tmp_path: Path) -> None:
    before = sorted(home.rglob("*"))
    (tmp_path / "a.jpg").write_text("hello")
    with pytest.raises(FtlError):
        files.keep(tmp_path / "a.jpg")
    assert sorted(home.rglob("*")) == before
