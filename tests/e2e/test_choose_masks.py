"""Networks that draw masks in a browser: chosen on the Choose page, and tried on a photograph."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page

from ftl.models.segmenter_files import load_segmenter
from studio.accounts import add_user
from studio.jobs.sweeps import models
from studio.projects.projects import create_project
from studio.store.database import writing
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in, taken_home
from tests.e2e.test_choose import click, panel
from tests.tiny_sweep import MASK_FIGURES, add_mask_sweep, add_sweep, photograph


def csv_of(page: Page, button: str) -> list[dict[str, str]]:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))


def test_a_network_that_draws_masks_is_chosen_taken_home_and_tried(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    with writing() as db:
        user = add_user(db, "Ada", PASSWORD)
    project = create_project(user.id, "Bridge").id
    job = add_mask_sweep(project, user.id)
    page = sign_in(browser, server, user.id)

    page.goto(f"{server.url}/choose?project={project}")
    page.get_by_text("keep-0.5-segmented, recommended").wait_for()
    page.get_by_role("button", name="Why this one").click()
    page.get_by_text("the fastest that does not draw significantly worse than the best").wait_for()
    page.keyboard.press("Escape")
    assert page.get_by_role("radio", name="Classify").count() == 0
    page.get_by_text("Drawn worst").wait_for()
    settled(page)
    page.get_by_role("radio", name="ONNX Runtime, 8-bit integers").click()
    page.get_by_text("keep-0.25-segmented, recommended").wait_for()
    page.get_by_role("heading", name="F1 at 30 ms a megapixel in ONNX Runtime, 8-bit integers, ").wait_for()
    page.get_by_text("Drawn, and its F1 measured, in PyTorch.").wait_for()
    settled(page)
    page.get_by_role("radio", name="PyTorch", exact=True).click()
    page.get_by_text("keep-0.5-segmented, recommended").wait_for()
    settled(page)
    click(page, "keep-0.25-segmented")
    panel(page, "keep-0.25-segmented").wait_for()
    settled(page)
    page.get_by_role("radio", name="Learning curve").click()
    page.get_by_text("Loss on the crops").wait_for()
    settled(page)
    with page.expect_download() as download:
        taken_home(page, "Safetensors").click()
    file = tmp_path / download.value.suggested_filename
    assert file.name == "keep-0.25-segmented.safetensors"
    download.value.save_as(file)
    assert load_segmenter(file).classes == load_segmenter(models(job.id) / "keep-0.25-segmented").classes
    assert {row["Model"] for row in csv_of(page, "All figures as CSV")} == {*MASK_FIGURES}

    page.goto(f"{server.url}/try_it?project={project}")
    page.get_by_text("Nothing to look at yet").wait_for()
    settled(page)
    page.locator("input[type=file]").set_input_files(photograph(tmp_path / "wall.png", True, across=3))
    page.get_by_text("draws something on").wait_for()
    settled(page)
    slider = page.locator("[data-testid=stSlider]", has_text="Threshold").locator("input")
    slider.focus()
    page.keyboard.press("Home")  # all is drawn
    page.get_by_text("1 connected area").wait_for()
    settled(page)
    (row,) = csv_of(page, "Sizes as CSV")
    assert (row["file"], row["network"], row["unit"]) == ("wall.png", "keep-0.5-segmented", "px")
    with page.expect_download() as download:
        page.get_by_role("button", name="Mask as PNG").click()
    with Image.open(download.value.path()) as picture:
        assert (np.asarray(picture) == 255).all()
    page.get_by_role("radio", name="mm per pixel").click()
    page.get_by_label("Millimetres per pixel").fill("0.5")
    page.keyboard.press("Enter")
    page.get_by_text("until then").wait_for(state="detached")
    settled(page)
    (scaled,) = csv_of(page, "Sizes as CSV")
    assert scaled["unit"] == "mm"
    assert float(scaled["length"]) < float(row["length"])

    page.goto(f"{server.url}/understand?project={project}")
    page.get_by_role("tab", name="What it draws").click()
    page.get_by_text("what keep-0.5-segmented draws").wait_for()
    settled(page)
    page.context.close()


def test_a_sweep_of_both_kinds_has_one_control_for_them(browser: Browser, server: Server) -> None:
    with writing() as db:
        user = add_user(db, "Bea", PASSWORD)
    project = create_project(user.id, "Dam").id
    add_mask_sweep(project, user.id, beside=add_sweep(project, user.id))
    page = sign_in(browser, server, user.id)
    page.goto(f"{server.url}/choose?project={project}")
    page.get_by_text("keep-0.5, recommended").wait_for()
    settled(page)
    page.get_by_role("radio", name="Draw masks").click()
    page.get_by_text("keep-0.5-segmented, recommended").wait_for()
    settled(page)
    page.get_by_role("radio", name="Classify").click()
    page.get_by_text("keep-0.5, recommended").wait_for()
    settled(page)
    page.context.close()
