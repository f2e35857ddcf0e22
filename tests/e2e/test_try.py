"""The Try page in a browser agrees with the file that was taken home."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from ftl import load_model
from ftl.evaluation.predict import predict
from studio.accounts import add_user
from studio.images.library import add_image
from studio.jobs.sweeps import pick
from studio.projects.projects import create_project
from studio.store.database import writing
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in, taken_home
from tests.studio.inspection.test_trying import bomb
from tests.tiny_sweep import add_sweep, photograph


@pytest.fixture(scope="module")
def project(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, int]:
    """A project with a sweep, a network picked, and a photograph; and its admin."""
    with writing() as db:
        user = add_user(db, "Ada", PASSWORD)
    project_id = create_project(user.id, "Bridge").id
    job = add_sweep(project_id, user.id)
    pick(project_id, job.id, "keep-0.5", user.id)
    file = photograph(tmp_path_factory.mktemp("photos") / "own.png", True)
    add_image(project_id, user.id, file, "own.png")
    return project_id, user.id


@pytest.fixture
def page(browser: Browser, server: Server, project: tuple[int, int]) -> Iterator[Page]:
    opened = sign_in(browser, server, project[1])
    opened.goto(f"{server.url}/try_it?project={project[0]}")
    opened.get_by_text("Nothing to look at yet").wait_for()
    settled(opened)
    yield opened
    opened.context.close()


def shown(page: Page) -> dict[str, tuple[str, float]]:
    """Each network's class and probability of the one photograph on the page."""
    told = page.get_by_text(re.compile(r"^(keep|base)\S*\s+(Crack|Background)\s+[\d.]+ %$")).all_inner_texts()
    found = [re.fullmatch(r"(\S+)\s+(\S+)\s+([\d.]+) %", text.replace("\xa0", " ").strip()) for text in told]
    return {match[1]: (match[2], float(match[3]) / 100) for match in found if match}


def test_the_downloaded_file_says_what_the_page_says(
    page: Page, server: Server, project: tuple[int, int], tmp_path: Path
) -> None:
    photo = photograph(tmp_path / "new 'one' 🙂.png", True)
    page.locator("input[type=file]").set_input_files(photo)
    page.get_by_text("photographs show Crack").wait_for()
    settled(page)
    answers = shown(page)
    assert set(answers) == {"keep-0.5", "base"}
    with page.expect_download() as download:
        page.get_by_role("button", name="Results as CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert [(row["file"], row["network"]) for row in rows] == [(photo.name, "keep-0.5"), (photo.name, "base")]

    with page.expect_download() as download:
        taken_home(page, "Zip", "try").click()
    with zipfile.ZipFile(download.value.path()) as bundle:
        assert {"model.onnx", "example.py", "classes.json"} <= set(bundle.namelist())
    with page.expect_download() as download:
        taken_home(page, "Safetensors", "try").click()
    assert download.value.suggested_filename == "keep-0.5.safetensors"
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    (told,), problems = predict(load_model(file), [photo])
    assert problems == []
    assert (told.label, told.probability) == (answers["keep-0.5"][0], pytest.approx(answers["keep-0.5"][1], abs=1e-3))
    assert (told.label, told.probability) == (rows[0]["class"], pytest.approx(float(rows[0]["probability"]), abs=1e-5))


def test_a_large_photograph_is_tiled(page: Page, tmp_path: Path) -> None:
    page.locator("input[type=file]").set_input_files(photograph(tmp_path / "wall.png", True, across=3))
    page.get_by_text(re.compile("of 9 tiles")).first.wait_for()
    settled(page)
    page.get_by_text("tiles of 32 pixels").wait_for()


def test_bad_files_are_sentences_and_the_good_one_is_looked_at(page: Page, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("I am text")
    (tmp_path / "bomb.png").write_bytes(bomb())
    good = photograph(tmp_path / "good.png", False)
    page.locator("input[type=file]").set_input_files([tmp_path / "text.jpg", tmp_path / "bomb.png", good])
    page.get_by_text("photographs show Crack").wait_for()
    settled(page)
    told = " ".join(page.get_by_role("alert").all_inner_texts())
    assert "The file text.jpg cannot be read as an image" in told
    assert "The file bomb.png has too many pixels" in told
    assert set(shown(page)) == {"keep-0.5", "base"}


def test_a_photograph_of_the_project_without_the_base(page: Page) -> None:
    page.get_by_role("radio", name="From the project").click()
    choice = page.get_by_role("combobox", name="Photographs to try")  # the upload before it has the same label
    choice.wait_for()
    settled(page)
    choice.click()
    page.get_by_role("option", name="own.png").click()
    page.get_by_text("photographs show Crack").wait_for()
    page.keyboard.press("Escape")
    settled(page)
    assert set(shown(page)) == {"keep-0.5", "base"}
    page.get_by_text("Compare with the unpruned network").click()
    page.get_by_text(re.compile("^base")).first.wait_for(state="detached")
    settled(page)
    assert set(shown(page)) == {"keep-0.5"}
