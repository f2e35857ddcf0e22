"""The studio itself killed by SIGKILL while somebody draws: what the page called saved is there, once."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.fold import fold
from studio.annotation.viewport import look
from studio.images.library import add_image
from studio.projects import create_project
from studio.store.database import writing
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in
from tests.e2e.test_annotate import HEIGHT, WIDTH, drag

KILLS = 3  # of the server; test_kills.py kills writing processes 50 times


def test_what_was_called_saved_survives_the_server(server: Server, browser, tmp_path: Path) -> None:
    with writing() as db:
        ada = add_user(db, "Ada", PASSWORD).id
    project = create_project(ada, "Walls")
    wall = np.random.default_rng(0).integers(150, 220, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    image, _ = add_image(project.id, ada, save_png(wall, tmp_path / "wall.png"), "wall.png")
    page = sign_in(browser, server, ada)
    rng = np.random.default_rng(7)
    view = look(WIDTH, HEIGHT)
    called = 0
    for _ in range(KILLS):
        page.goto(f"{server.url}/annotate?project={project.id}&image={image.id}")
        page.locator("canvas").last.wait_for()
        settled(page)
        page.wait_for_timeout(500)
        before = len(log.read(image.id))
        drawn = int(rng.integers(1, 5))
        for _ in range(drawn):
            start, end = rng.uniform((20, 20), (WIDTH - 20, HEIGHT - 20), (2, 2))
            drag(page, view, tuple(start), tuple(end))
            page.wait_for_timeout(float(rng.uniform(0, 500)))
        time.sleep(rng.uniform(0, 0.9))
        server.process.kill()
        server.process.wait(15)
        told = re.search(r"saved · (\d+) since", page.get_by_text("since this view").inner_text())
        assert told is not None
        called += int(told[1])
        rows = log.read(image.id)
        assert before + int(told[1]) <= len(rows) <= before + drawn
        assert len({row.id for row in rows}) == len(rows)
        log._FOLDED.clear()
        assert np.array_equal(log.mask(image), fold([log.drawn(row) for row in rows], HEIGHT, WIDTH))
        server.start()
    assert called > 0
    page.context.close()
