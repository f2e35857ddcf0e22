"""A project taken away as one zip, and brought back, through the Projects page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from playwright.sync_api import Browser

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Brush
from studio.images.library import add_image, find_images
from studio.projects.projects import create_project, projects_of
from studio.store.database import writing
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in


def test_a_backup_comes_back_as_a_new_project_with_its_strokes(
    server: Server, browser: Browser, tmp_path: Path
) -> None:
    with writing() as db:
        ada = add_user(db, "Ada", PASSWORD).id
    project = create_project(ada, "Bridge <42>")
    wall = np.random.default_rng(0).integers(90, 200, (40, 60, 3)).astype(np.uint8)
    image, _ = add_image(project.id, ada, save_png(wall, tmp_path / "wall.png"), "wall.png")
    stroke = Brush("s1", 2, {"points": [[5, 5], [50, 30]], "width": 4}, ada)
    log.append(image.id, ada, [stroke])

    page = sign_in(browser, server, ada)
    page.goto(f"{server.url}/?project={project.id}")
    page.get_by_text("Backup", exact=True).first.wait_for()
    settled(page)
    page.get_by_text("Backup", exact=True).first.click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download a backup").click()
    backup = tmp_path / "backup.zip"
    downloading.value.save_as(backup)

    page.get_by_role("link", name="Projects", exact=True).click()
    page.get_by_text("Restore a backup").click()
    broken = tmp_path / "broken.zip"
    broken.write_bytes(backup.read_bytes()[:-100])
    for file in (broken, backup):
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_text(file.name).wait_for()
        settled(page)
        page.get_by_role("button", name="Restore", exact=True).click()
        if file is broken:
            page.locator("[data-testid=stAlert]").first.wait_for()
            settled(page)
            assert [one.id for one, _ in projects_of(ada)] == [project.id]
    page.get_by_text("Restored Bridge").wait_for()
    (new, role), _ = projects_of(ada)
    assert (new.name, role) == ("Bridge <42>", "admin")
    (again,) = find_images(new.id)
    assert np.array_equal(log.mask(again), log.mask(image))
    assert [row.id for row in log.read(again.id)] == ["s1"]
    page.context.close()
