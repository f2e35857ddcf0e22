"""The annotation log under load: 20 people who draw at once, and an image with 5,000 strokes.

    python -m benchmarks.load

Each of the 20 draws a stroke of 40 points a second for a minute, five people on each of four images; a thread each in
one process, as Streamlit's sessions are, with the beats of open browsers. A stroke's time is from its arrival to the
end of its commit, which is on disk. The aim is 50 ms for 95 of 100. First in SQLite, then in a PostgreSQL of its own,
if one is installed. Then the image with 5,000 strokes: its log's first fold, the next, and the opening of its page in
Chromium, of copies that the server has not seen yet; medians of five with quartiles. The aim is 2 s.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from statistics import quantiles
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks._material import head_line, scratch
from tests.conftest import save_png

if TYPE_CHECKING:
    from studio.annotation.strokes import Brush

PEOPLE, IMAGES, SECONDS, POINTS, MANY, ROUNDS = 20, 4, 60, 40, 5_000, 5
HEIGHT, WIDTH = 1200, 1800


class Studio(NamedTuple):
    """A project with images, and its people."""

    project_id: int
    images: list[int]
    people: list[int]


def fill() -> Studio:
    """A new studio in the database that is set."""
    from studio.accounts import add_user
    from studio.images.library import add_image
    from studio.projects.invitations import accept, invite
    from studio.projects.projects import create_project
    from studio.store.database import migrate, writing

    migrate()
    with writing() as db:
        people = [add_user(db, f"Person {number}", "a long enough password").id for number in range(PEOPLE)]
    project, rng, folder = create_project(people[0], "Bridge").id, np.random.default_rng(0), scratch()
    for person in people[1:]:
        accept(invite(project, "annotator"), person)
    images = []
    for number in range(IMAGES + ROUNDS):
        wall = rng.integers(90, 200, (HEIGHT // 8, WIDTH // 8, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
        file = save_png(wall, folder / f"wall-{number}.png")
        images.append(add_image(project, people[0], file, file.name)[0].id)
    return Studio(project, images, people)


def stroke(name: str, rng: np.random.Generator) -> Brush:
    """A crack: a walk of 40 points."""
    from studio.annotation.strokes import Brush

    walk = rng.uniform(0, (WIDTH, HEIGHT)) + rng.normal(0, 12, (POINTS, 2)).cumsum(axis=0)
    return Brush(name, int(rng.integers(1, 5)), {"points": walk.round(3).tolist(), "width": 6.0})


def draw(studio: Studio, who: int, begin: float, sent: set[str], kept: set[str], times: list[float]) -> None:
    """A person's minute. A stroke that is refused is sent again with the next one, as a browser does."""
    from sqlalchemy.exc import SQLAlchemyError

    from studio.annotation import log
    from studio.collaboration import presence

    image, author, rng = studio.images[who % IMAGES], studio.people[who], np.random.default_rng(who)
    waiting = []
    for turn in range(SECONDS):
        time.sleep(max(0.0, begin + turn + float(rng.uniform(0, 1)) - time.perf_counter()))
        waiting.append(stroke(f"{who}-{turn}-{token_hex(4)}", rng))
        sent.add(waiting[-1].id)
        arrived = time.perf_counter()
        try:
            log.append(image, author, waiting)
        except SQLAlchemyError as error:
            print(f"    refused, waits: {type(error).__name__}")
            continue
        times.append(time.perf_counter() - arrived)
        kept |= {one.id for one in waiting}
        waiting = []
        if turn % 5 == 0:
            presence.beat(image, author)


def minute(name: str) -> Studio:
    """The load on the database that is set; prints a line of the table."""
    from studio.annotation import log

    studio = fill()
    begin = time.perf_counter() + 0.5
    each: list[tuple[set[str], set[str], list[float]]] = [(set(), set(), []) for _ in range(PEOPLE)]
    threads = [threading.Thread(target=draw, args=(studio, who, begin, *one)) for who, one in enumerate(each)]
    for step in (threading.Thread.start, threading.Thread.join):
        for thread in threads:
            step(thread)
    sent, kept = (set[str]().union(*(one[part] for one in each)) for part in (0, 1))  # type: ignore[arg-type]
    found = [row.id for image in studio.images for row in log.read(image)]
    lost, twice = len(sent - set(found)), len(found) - len(set(found))
    cuts = quantiles([one for part in each for one in part[2]], n=100, method="inclusive")
    row = f"{len(sent):6,} {len(kept):6,} {lost:5} {twice:6} "
    print(f"  {name:14} {row} {1000 * cuts[49]:6.1f} {1000 * cuts[94]:6.1f} {1000 * cuts[98]:6.1f}", flush=True)
    return studio


def told(name: str, times: list[float]) -> None:
    low, middle, high = quantiles(times * 2 if len(times) == 1 else times, n=4, method="inclusive")
    print(f"  {name:44} {1000 * middle:6.0f} ms ({1000 * low:.0f} to {1000 * high:.0f})", flush=True)


def many(studio: Studio) -> None:
    """Give the images that nobody drew on 5,000 strokes each, and fold them."""
    from studio.annotation import log
    from studio.annotation.strokes import Undo
    from studio.store.database import reading, writing
    from studio.store.tables import Image, Stroke

    author, rng = studio.people[0], np.random.default_rng(0)
    rows = [stroke(f"s{number}", rng).row() | {"author_id": author} for number in range(MANY)]
    for image_id in studio.images[IMAGES:]:
        with writing() as db:
            db.add_all([Stroke(image_id=image_id, **row) for row in rows])
            db.get_one(Image, image_id).strokes = MANY
    times: dict[str, list[float]] = {"reading it": [], "and its first fold": [], "a stroke more": [], "an undo": []}
    for image_id in studio.images[IMAGES:]:
        with reading() as db:
            image = db.get_one(Image, image_id)
        for name, taken in times.items():
            if name == "a stroke more":
                log.append(image.id, author, [stroke("one more", rng)])
            if name == "an undo":
                log.append(image.id, author, [Undo("undo", 0, {"stroke": "s17"})])
            begin = time.perf_counter()
            log.read(image.id) if name == "reading it" else log.mask(image)
            taken.append(time.perf_counter() - begin)
    print(f"the log of an image of {WIDTH} x {HEIGHT} with {MANY:,} strokes of {POINTS} points")
    for name, taken in times.items():
        told(name, taken)


def opening(studio: Studio) -> None:
    """Open them in Chromium, from a server that has not seen them."""
    from tests.find_browser import FLAGS, find

    if find() is None:
        print("  opening it in Chromium: left out, there is none")
        return
    from playwright.sync_api import sync_playwright

    from studio.store.database import reading
    from studio.store.home import home
    from studio.store.tables import Image
    from tests.e2e.conftest import Server, sign_in
    from tests.e2e.drawing import opened

    server = Server("http://127.0.0.1:8642", home(), home() / "server.log", None, 8642)  # type: ignore[arg-type]
    server.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find(), args=FLAGS)
            page = sign_in(browser, server, studio.people[0])
            with reading() as db:
                images = [db.get_one(Image, image_id) for image_id in studio.images]
            few, large = images[:IMAGES], images[IMAGES:]
            groups = [("(the server's first)", few[:1]), ("an image of 300 strokes", few[1:])]
            for name, chosen in [*groups, ("that of 5,000, for the first time", large), ("it again", large)]:
                times = []
                for image in chosen:
                    begin = time.perf_counter()
                    opened(page, server, image)
                    times.append(time.perf_counter() - begin)
                told(f"opening {name}", times)
            browser.close()
    finally:
        server.stop()


def main() -> None:
    from studio.store import database
    from tests.postgresql import binaries, cluster, new_database

    os.environ.pop("STUDIO_DATABASE", None)
    os.environ["STUDIO_HOME"] = sqlite = str(scratch())
    head_line(f"{PEOPLE} people, a stroke a second each for {SECONDS} s, on {IMAGES} images")
    print(f"  the machine's load before: {os.getloadavg()[0]:.1f}")
    print(f"  {'':14} {'sent':>6} {'kept':>6} {'lost':>5} {'double':>6}  {'p50':>6} {'p95':>6} {'p99':>6} ms")
    studio = minute("SQLite")
    with ExitStack() as stack:
        if programs := binaries():
            os.environ["STUDIO_DATABASE"] = new_database(stack.enter_context(cluster(programs)))
            os.environ["STUDIO_HOME"] = str(scratch())
            minute(f"PostgreSQL {Path(programs).parent.name}")
            database.engine().dispose()
        else:
            print("  PostgreSQL: left out, there is none")
    os.environ.pop("STUDIO_DATABASE", None)
    os.environ["STUDIO_HOME"] = sqlite
    many(studio)
    opening(studio)


if __name__ == "__main__":
    main()
