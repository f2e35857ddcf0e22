"""The Choose page in a browser: the chart is clicked, limits move the pick, a network is taken home."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Iterator
from pathlib import Path

import onnx as onnx_file
import pytest
from onnx import numpy_helper
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from studio.accounts import add_user
from studio.jobs import queue
from studio.jobs.queue import jobs_of
from studio.jobs.request import SweepRequest
from studio.jobs.sweeps import CLASSIFY, finished_sweeps, models, picked
from studio.projects.invitations import accept as accept_invitation
from studio.projects.invitations import invite
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.ui.choose.columns import COLUMNS
from tests.e2e.conftest import PASSWORD, Server, becomes_true, open_tab, settled, sign_in, taken_home
from tests.tiny_sweep import add_sweep, copy_as_dead

POINTS = """() => {
    const chart = document.querySelector('.js-plotly-plot'), box = chart.getBoundingClientRect();
    const x = chart._fullLayout.xaxis, y = chart._fullLayout.yaxis;
    return Object.fromEntries(chart._fullData.flatMap(trace => (trace.customdata || []).map((data, at) =>
        [data[1], [box.left + x._offset + x.d2p(trace.x[at]), box.top + y._offset + y.d2p(trace.y[at])]])));
}"""


@pytest.fixture(scope="module")
def project(server: Server) -> tuple[int, int]:
    """A project with a sweep, and its admin."""
    with writing() as db:
        user = add_user(db, "Ada", PASSWORD)
    project_id = create_project(user.id, "Bridge").id
    add_sweep(project_id, user.id)
    return project_id, user.id


@pytest.fixture(scope="module")
def tabs(browser: Browser, server: Server, project: tuple[int, int]) -> Iterator[BrowserContext]:
    """The admin's browser."""
    opened = sign_in(browser, server, project[1]).context
    yield opened
    opened.close()


@pytest.fixture
def page(tabs: BrowserContext, server: Server, project: tuple[int, int]) -> Iterator[Page]:
    opened = open_tab(tabs)
    opened.goto(f"{server.url}/choose?project={project[0]}")
    opened.locator(".js-plotly-plot .point").first.wait_for()
    settled(opened)
    yield opened
    opened.close()


def click(page: Page, name: str) -> None:
    """Click a candidate's point on the chart."""
    page.locator(".js-plotly-plot .point").first.wait_for()  # the chart draws itself after the page's run has ended
    before, places = None, page.evaluate(POINTS)
    while places != before:  # the page may still be making room for what has just opened, or scrolling there
        page.wait_for_timeout(100)
        page.locator(".js-plotly-plot .nsewdrag").first.scroll_into_view_if_needed()
        before, places = places, page.evaluate(POINTS)
    page.mouse.move(*places[name])
    page.mouse.click(*places[name])


def panel(page: Page, name: str) -> Locator:
    return page.get_by_role("heading", name=re.compile(f"^{re.escape(name)}"), level=3)


def test_a_click_opens_a_candidate_and_shift_another_beside_it(page: Page) -> None:
    panel(page, "keep-0.5").wait_for()  # the recommended
    click(page, "keep-0.25")
    panel(page, "keep-0.25").wait_for()
    panel(page, "keep-0.5").wait_for(state="detached")
    settled(page)
    page.keyboard.down("Shift")
    click(page, "base")
    page.keyboard.up("Shift")
    panel(page, "base").wait_for()
    assert panel(page, "keep-0.25").count() == 1
    settled(page)
    expect(panel(page, "base")).to_be_in_viewport()
    assert page.evaluate("document.activeElement.classList.contains('st-key-opened')")  # and the keyboard is there


def boxed(page: Page, *names: str) -> None:
    """Draw a box around candidates' points on the chart."""
    page.get_by_title("Box Select").or_(page.locator("[data-title='Box Select']")).first.click()
    places = [page.evaluate(POINTS)[name] for name in names]
    (left, right), (top, bottom) = ((min(ends), max(ends)) for ends in zip(*places, strict=True))
    page.mouse.move(left - 20, top - 20)
    page.mouse.down()
    page.mouse.move(right + 20, bottom + 20, steps=4)
    page.mouse.up()


def test_a_box_leaves_its_networks_in_the_table_and_a_keyboard_reaches_all(page: Page) -> None:
    boxed(page, "keep-0.5", "base")
    page.get_by_text("2 of 3 networks in the box on the chart").wait_for()
    panel(page, "base").wait_for()
    settled(page)
    menu = page.get_by_role("combobox", name="Networks side by side")
    menu.press("Backspace")
    panel(page, "base").wait_for(state="detached")
    settled(page)
    menu.focus()
    page.keyboard.type("keep-0.25")
    page.get_by_role("option", name="keep-0.25").wait_for()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")  # while the menu is open, the rest of the page is hidden from screen readers
    panel(page, "keep-0.25").wait_for()
    settled(page)


def opened(page: Page, name: str) -> None:
    """Open what a button hides."""
    page.get_by_role("button", name=re.compile(name)).first.click()
    page.get_by_test_id("stPopoverBody").wait_for()


def test_limits_move_the_pick_at_once(page: Page) -> None:
    page.get_by_text("keep-0.5, recommended").wait_for()
    page.get_by_role("heading", name="accuracy at 20 ms, 5.0 times as fast as the unpruned network", level=2).wait_for()
    opened(page, "Limits")
    slider = page.locator("[data-testid=stSlider]", has_text="Longest latency").locator("input")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")  # any, 15, 12, 10 ms
    page.get_by_text("keep-0.25, recommended").wait_for()
    panel(page, "keep-0.25").wait_for()
    settled(page)
    least = page.locator("[data-testid=stSlider]", has_text="Least recall").locator("input")
    least.focus()
    page.keyboard.press("End")
    page.get_by_text("No network keeps within the limits").wait_for()
    settled(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Allow any network").click()
    page.get_by_text("keep-0.5, recommended").wait_for()
    settled(page)


def test_a_candidate_shows_its_mistakes_layers_and_filters(page: Page) -> None:
    page.get_by_text(re.compile("test images? wrong|every test image correctly")).first.wait_for()
    settled(page)
    page.get_by_role("radio", name="Layers").click()
    page.get_by_text("Filters kept per layer").first.wait_for()
    settled(page)
    page.get_by_role("radio", name="Filters").click()
    page.get_by_text(re.compile(r"^filter \d+ · 0\.\d{3}$")).first.wait_for()
    settled(page)


def test_other_axes_and_the_other_charts(page: Page) -> None:
    page.get_by_label("Horizontal axis").click()
    page.get_by_role("option", name="MACs").click()
    page.get_by_text("MACs, millions").wait_for()
    settled(page)
    page.get_by_text("More charts").click()
    page.get_by_text("Settings and figures").wait_for()
    page.get_by_role("tab", name="Decision score").wait_for()
    settled(page)


SAVED = """() => {
    window.showSaveFilePicker = async () => ({createWritable: async () => ({
        write: async bytes => { window.written = (window.written ?? '') + new TextDecoder().decode(bytes); },
        close: async () => { window.saved = window.written; },
    })});
}"""
"""Stands for the browser's own question where to save a file, which nobody answers here."""


def test_the_table_is_downloaded_as_it_is_shown(page: Page) -> None:
    page.get_by_test_id("stDataFrame").first.hover()
    page.evaluate(SAVED)
    page.get_by_role("button", name="Download as CSV").click()
    becomes_true(page, "() => Boolean(window.saved)")
    head, *rows = csv.reader(page.evaluate("window.saved").splitlines())
    absent = ("Sweep", "Score", "Fastest latency", "Fastest in", "Warnings")
    assert head == [column.name for column in COLUMNS if column.name not in absent]
    assert {row[0] for row in rows} == {"base", "keep-0.25", "keep-0.5"}
    settled(page)


def test_a_network_is_made_the_projects_by_a_reviewer_not_by_an_annotator(
    page: Page, browser: Browser, server: Server, project: tuple[int, int]
) -> None:
    page.get_by_role("button", name="Make this the project's network").click()
    page.get_by_role("heading", name=re.compile("keep-0.5.*the project's network")).wait_for()
    chosen = picked(project[0])[CLASSIFY]
    assert chosen is not None
    assert chosen.candidate == "keep-0.5"
    annotator = accept_invitation(invite(project[0], "annotator"), None, "Bob", PASSWORD)
    other = sign_in(browser, server, annotator)
    job = jobs_of(project[0])[0].id
    other.goto(f"{server.url}/choose?project={project[0]}&network={job}/keep-0.25")  # somebody has sent a link
    panel(other, "keep-0.25").wait_for()
    settled(other)
    expect(panel(other, "keep-0.25")).to_be_in_viewport()
    for form in ("Zip", "ONNX", "Safetensors"):
        expect(taken_home(other, form)).to_be_visible()
    other.keyboard.press("Escape")
    assert other.get_by_role("button", name="Make this").count() == 0
    other.context.close()


MARKED = """marked => {
    const chart = document.querySelector('.js-plotly-plot');
    const traces = chart?._fullData?.filter(trace => ['recommended', 'with a warning'].includes(trace.name)) ?? [];
    return marked === traces.map(trace => `${trace.name}: ${trace.customdata.map(data => data[1])}`).join('; ');
}"""


def test_a_network_that_calls_everything_a_crack_is_ringed_and_never_starred(
    browser: Browser, server: Server, project: tuple[int, int]
) -> None:
    (job,) = finished_sweeps(project[0])
    other = create_project(project[1], "Dead").id
    copy_as_dead(job, other)
    page = sign_in(browser, server, project[1])
    page.goto(f"{server.url}/choose?project={other}")
    page.get_by_text("keep-0.5, recommended").wait_for()
    settled(page)
    becomes_true(page, MARKED, "recommended: keep-0.5; with a warning: keep-0.25")
    opened(page, "Why this one")
    page.get_by_text("It beats the most frequent class on the 100 validation images").wait_for()
    page.keyboard.press("Escape")
    opened(page, "Limits")
    slider = page.locator("[data-testid=stSlider]", has_text="Longest latency").locator("input")
    slider.focus()
    page.keyboard.press("Home")
    page.get_by_text("No network is recommended").wait_for()
    page.get_by_text("keep-0.25 is no better than the most frequent class").wait_for()
    settled(page)
    becomes_true(page, MARKED, "with a warning: keep-0.25")
    page.keyboard.press("Escape")
    opened(page, "Recommend by")
    page.get_by_text("Published", exact=True).click()  # the original's decision function asks nothing of all this
    page.get_by_text("keep-0.25, recommended").wait_for()
    page.get_by_text("On the validation images it is no better than the most frequent class.").wait_for()
    settled(page)
    page.context.close()


def test_an_export_that_fails_says_so_beside_its_button_and_one_that_works_is_saved(
    page: Page, project: tuple[int, int], tmp_path: Path
) -> None:
    """The head is another than the network in ONNX answers with: so is an export that went wrong."""
    panel(page, "keep-0.5").wait_for()
    page.get_by_role("button", name="Another machine").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the kit").click()
    assert re.fullmatch(r"kit-\d+\.zip", download.value.suggested_filename)
    page.keyboard.press("Escape")
    onnx, pack = (taken_home(page, form, "opening") for form in ("ONNX", "Zip"))
    with page.expect_download() as download:
        onnx.click()
    assert download.value.suggested_filename == "keep-0.5.onnx"
    folder = models(jobs_of(project[0])[0].id) / "keep-0.5"
    spoilt = onnx_file.load(folder / "network.onnx")
    for tensor in spoilt.graph.initializer:
        if len(tensor.dims) == 2:
            tensor.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(tensor), tensor.name))
    onnx_file.save(spoilt, folder / "network.onnx")
    alert = page.get_by_role("alert").filter(has_text="answers otherwise than the network")
    pack.click()
    alert.wait_for()
    assert "The ONNX model answers otherwise than the network, by " in alert.inner_text()
    assert "take the network as .safetensors" in alert.inner_text()
    beside, own = (place.bounding_box() for place in (alert, pack))
    assert beside is not None
    assert own is not None
    assert 0 <= beside["y"] - own["y"] - own["height"] < 30  # under its own button, and it stays
    page.screenshot(path=tmp_path / "refused.png")
    with page.expect_download() as download:
        taken_home(page, "Safetensors", "opening").click()
    assert download.value.suggested_filename == "keep-0.5.safetensors"
    assert alert.is_visible()
    page.keyboard.press("Escape")
    for report, file, begin in (
        ("Report", "keep-0.5.pdf", b"%PDF-"),
        ("Report of the sweep", f"sweep-{jobs_of(project[0])[0].id}.html", b"<!do"),
    ):
        page.get_by_role("button", name=report, exact=True).click()
        with page.expect_download() as download:
            page.get_by_role("button", name=file.rpartition(".")[2].upper(), exact=True).click()
        assert download.value.suggested_filename == file
        assert Path(download.value.path()).read_bytes().startswith(begin)
        page.keyboard.press("Escape")
    (folder / "network.onnx").unlink()
    taken_home(page, "Zip", "opening")
    with page.expect_download() as download:
        pack.click()
    assert download.value.suggested_filename == "keep-0.5.zip"
    assert not alert.is_visible()
    page.route("**/networks/**", lambda route: route.abort())
    pack.click()
    page.get_by_role("alert").filter(has_text="The studio did not answer").wait_for()


def test_an_empty_project_tells_what_to_do_next(browser: Browser, server: Server, project: tuple[int, int]) -> None:
    empty = create_project(project[1], "Nothing here").id
    page = sign_in(browser, server, project[1])
    empty_pages = {"choose": "No sweep has finished yet", "try_it": "No network yet", "understand": "No network yet"}
    for address, told in empty_pages.items():
        page.goto(f"{server.url}/{address}?project={empty}")
        page.get_by_text(told).wait_for()
        settled(page)
        page.get_by_text("Next: Photographs. None yet.").wait_for()
        expect(page.get_by_test_id("stPageLink")).to_contain_text(["Add photographs"])
    for address in ("jobs", "sweep"):
        page.goto(f"{server.url}/{address}?project={empty}")
        expect(page.get_by_test_id("stPageLink")).to_contain_text(["Add photographs"])
    with queue.worker_lock(timeout=30):  # so that no worker takes the job: it seems to run
        job = queue.launch(empty, project[1], "sweep", "Quick", SweepRequest(), 240.0)
        queue.change(job.id, state="running", started_at=time.time())
        for address in empty_pages:
            page.goto(f"{server.url}/{address}?project={empty}")
            page.get_by_text(re.compile(r"Quick is running: about \d min left\.")).wait_for()
            settled(page)
            expect(page.get_by_test_id("stPageLink")).to_have_count(1)
            expect(page.get_by_test_id("stPageLink")).to_contain_text("Jobs")
        queue.change(job.id, state="failed")
    page.get_by_text("Launch a sweep").wait_for()  # by itself
    page.context.close()
