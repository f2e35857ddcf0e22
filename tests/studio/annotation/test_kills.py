"""Writers killed at random moments, a full disk and a read-only folder: the log keeps what it acknowledged, once."""

from __future__ import annotations

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.exc import SQLAlchemyError

from studio.annotation import log
from studio.annotation.rasterise import fold
from studio.annotation.strokes import Brush, Drawn, Undo
from studio.images.library import add_image
from studio.store import database
from studio.store.home import secret
from studio.store.tables import Image
from tests.conftest import ROOT, save_png
from tests.studio.conftest import Someone

KILLS, ROUNDS_ON_AN_IMAGE, SIDE = 50, 10, 24
WRITERS = ("a", "b", "c")


def stroke(writer: str, number: int) -> Drawn:
    """What a writer draws at its turn: now and then an undo, else a line."""
    if number % 5 == 4:
        return Undo(f"{writer}-{number}", 0, {"stroke": f"{writer}-{number - 2}"})
    x, y = 7 * number % SIDE, (11 * number + ord(writer)) % SIDE
    return Brush(f"{writer}-{number}", number % 4 + 1, {"points": [[x, y], [y, x]], "width": 3})


def write(image_id: int, author_id: int, writer: str, number: int) -> None:
    while True:
        one = stroke(writer, number)
        log.append(image_id, author_id, [one])
        os.write(1, f"{one.id}\n".encode())  # the acknowledgement
        number += 1


def nursery() -> None:
    """Fork writers at each line read, one process of three threads or three processes, and wait for their death."""
    for line in sys.stdin:
        way, image_id, author_id, *numbers = line.split()
        every = [(int(image_id), int(author_id), *one) for one in zip(WRITERS, map(int, numbers), strict=True)]
        parts = [every] if way == "threads" else [[one] for one in every]
        children = []
        for part in parts:
            if (child := os.fork()) == 0:
                for one in part[1:]:
                    threading.Thread(target=write, args=one).start()
                write(*part[0])
            children.append(child)
        os.write(1, f"pids {' '.join(map(str, children))}\n".encode())
        for child in children:
            os.waitpid(child, 0)
        os.write(1, b"dead\n")


def anew() -> None:
    """Forget all that this process knows of the database."""
    database.engine().dispose()
    database._engine.cache_clear()
    log._FOLDED.clear()


def intact(home: Path) -> bool:
    with sqlite3.connect(home / "studio.db") as db:
        found = db.execute("PRAGMA integrity_check").fetchall(), db.execute("PRAGMA foreign_key_check").fetchall()
    db.close()
    return found == ([("ok",)], [])


def image_of(project: Someone, folder: Path, value: int = 0) -> Image:
    file = save_png(np.full((SIDE, SIDE, 3), value, np.uint8), folder / f"{value}.png")
    return add_image(project.project_id, project.user_id, file, file.name)[0]


def agrees(image: Image) -> list[Drawn]:
    """The log's rows, once the mask is known to be their fold, and the image's counter to be their number."""
    rows = [log.drawn(row) for row in log.read(image.id)]
    assert np.array_equal(log.mask(image), fold(rows, SIDE, SIDE))
    with database.reading() as db:
        known = db.get(Image, image.id)
        assert known is not None
        assert known.strokes == len(rows)
    return rows


def test_fifty_kills_lose_and_double_nothing(project: Someone, home: Path, tmp_path: Path) -> None:
    rng = random.Random(1)
    code = "from tests.studio.annotation.test_kills import nursery; nursery()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          cwd=ROOT, bufsize=1) as started:  # fmt: skip
        assert started.stdin
        assert started.stdout
        unacknowledged = total = 0
        for kill in range(KILLS):
            if kill % ROUNDS_ON_AN_IMAGE == 0:
                image, known = image_of(project, tmp_path, kill), dict.fromkeys(WRITERS, -1)
            # each goes on where it heard of its last stroke, and sends that one again
            start = [max(0, known[one]) for one in WRITERS]
            way = rng.choice(["threads", "processes"])
            print(way, image.id, project.user_id, *start, file=started.stdin)
            told = []  # a writer may acknowledge before the nursery has told its children's numbers
            while not (line := started.stdout.readline()).startswith("pids"):
                assert line, "the nursery has died"
                told.append(line.strip())
            pids = [int(one) for one in line.split()[1:]]
            for _ in range(rng.randrange(8)):  # strokes, however busy the machine is
                told.append(started.stdout.readline().strip())
            time.sleep(rng.uniform(0, 0.02))
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            while (line := started.stdout.readline().strip()) != "dead":
                told.append(line)
            for line in told:
                writer, number = line.split("-")
                known[writer] = int(number)
            anew()
            assert intact(home)
            rows = agrees(image)
            ids = [row.id for row in rows]
            assert len(set(ids)) == len(ids)
            for writer in WRITERS:
                own = [row for row in rows if row.id[0] == writer]
                # all that was acknowledged, and at most the one whose acknowledgement the kill cut off, in order
                assert known[writer] + 1 <= len(own) <= known[writer] + 2
                drawn = [stroke(writer, number) for number in range(len(own))]
                assert own == [replace(one, author_id=project.user_id) for one in drawn]
                unacknowledged += len(own) - known[writer] - 1
            total = total + len(rows) if kill % ROUNDS_ON_AN_IMAGE == ROUNDS_ON_AN_IMAGE - 1 else total
        started.stdin.close()
    assert total > KILLS  # they did draw
    print(f"{total} strokes, {unacknowledged} on disk without acknowledgement")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder on a disk of its own, of 2 MB."""
    from studio.store.database import migrate

    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("left out: a small disk cannot be mounted here")
    monkeypatch.setenv("STUDIO_HOME", str(folder))
    secret.cache_clear()
    try:
        migrate()
        yield folder
    finally:
        anew()
        secret.cache_clear()
        subprocess.run(["umount", "-l", str(folder)], check=True)


def lines(count: int) -> list[Drawn]:
    """Long strokes, of some 10 kB each."""
    return [
        Brush(f"line-{number}", 1, {"points": [[(number + 31 * step) % 600, 17 * step % 600] for step in range(700)],
                                    "width": 9})
        for number in range(count)
    ]  # fmt: skip


def fill_up(project: Someone, image: Image) -> int:
    """Draw until a stroke is refused: what was taken before is there, of the refused ones nothing. How many, then."""
    taken = 0
    while taken < 400:
        try:
            log.append(image.id, project.user_id, lines(taken + 4))
        except SQLAlchemyError:
            break
        taken += 4
    else:
        raise AssertionError("the disk did not get full")
    assert [row.id for row in agrees(image)] == [line.id for line in lines(taken)]
    return taken


def goes_on(project: Someone, home: Path, image: Image, drawn: int) -> None:
    """The strokes that waited go in, once, however often they are sent."""
    for _ in range(2):
        anew()
        log.append(image.id, project.user_id, lines(drawn))
        assert [row.id for row in agrees(image)] == [line.id for line in lines(drawn)]
    assert intact(home)


def made(folder: Path) -> Someone:
    """As the fixture `project`, in the home folder that is set."""
    from studio.accounts import add_user
    from studio.projects.projects import create_project

    with database.writing() as db:
        user = add_user(db, "Ada", "a long enough password")
    return Someone(create_project(user.id, "Bridge 42").id, user.id)


def test_a_full_disk(small: Path, tmp_path: Path) -> None:
    project = made(small)
    image = image_of(project, tmp_path)
    ballast = small / "ballast"
    ballast.write_bytes(b"\0" * (os.statvfs(small).f_bavail * os.statvfs(small).f_bsize - 300_000))
    taken = fill_up(project, image)
    ballast.unlink()
    goes_on(project, small, image, taken + 4)


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))  # Python ignores the signal: an error remains
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_cannot_grow(project: Someone, home: Path, tmp_path: Path) -> None:
    image = image_of(project, tmp_path)
    with no_file_longer_than(1_000_000):
        taken = fill_up(project, image)
    goes_on(project, home, image, taken + 4)


def remount(folder: Path, how: str) -> None:
    """Once the kernel lets go of what a child could write to, which is a moment after that child's end."""
    command = ["mount", "-o", f"remount,{how}", str(folder)]
    for _ in range(600):
        if subprocess.run(command, capture_output=True).returncode == 0:
            return
        time.sleep(0.05)
    subprocess.run(command, check=True)


def test_a_read_only_folder(small: Path, tmp_path: Path) -> None:
    project = made(small)
    image = image_of(project, tmp_path)
    log.append(image.id, project.user_id, lines(2))
    anew()
    remount(small, "ro")
    with pytest.raises(SQLAlchemyError):
        log.append(image.id, project.user_id, lines(5))
    remount(small, "rw")
    anew()
    assert len(agrees(image)) == 2
    goes_on(project, small, image, 5)
