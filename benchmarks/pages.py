"""The studio in a real browser: how long each page takes to draw, at 10,000 images.

    python -m benchmarks.pages

A page's time is from the click on its link to the end of Streamlit's run, all in one session; medians of five with
quartiles. So are a reload of Choose by the browser, and the opening of photographs of 24 megapixels, each for the first
time. The aim for each is 2 s.
"""

from __future__ import annotations

import json
import os
import time
from statistics import quantiles

import numpy as np
from PIL import Image as Picture

from benchmarks._material import head_line, scratch
from tests.conftest import save_png

IMAGES, CANDIDATES, ROUNDS = 10_000, 100, 5
PAGES = ("Images", "Annotate", "Sweep", "Jobs", "Choose", "Try", "Understand", "Home")


def fill(user_id: int) -> tuple[int, list[int]]:
    """A project with many images, of a few files, and a sweep of many candidates, copies of a few.

    Its id, and those of its large photographs.
    """
    from sqlalchemy import select

    from studio.images.library import add_image
    from studio.jobs.sweeps import models
    from studio.projects.projects import create_project
    from studio.store.database import writing
    from studio.store.tables import Image
    from tests.tiny_sweep import add_sweep

    project = create_project(user_id, "Large").id
    folder, rng = scratch(), np.random.default_rng(0)
    for number in range(48):
        wall = rng.integers(90, 200, (300, 400, 3)).astype(np.uint8)
        add_image(project, user_id, save_png(wall, folder / f"{number}.png"), f"wall-{number:05d}.png")
    with writing() as db:
        known = list(db.scalars(select(Image).where(Image.project_id == project)))
        for number in range(48, IMAGES):
            one = known[number % 48]
            shape = {"width": one.width, "height": one.height, "added_by": user_id, "project_id": project}
            db.add(Image(sha256=f"{one.sha256[:-5]}{number:05d}", name=f"wall-{number:05d}.png", **shape))
    large = []
    for number in range(ROUNDS):
        tile = rng.integers(90, 200, (400, 600, 3)).astype(np.uint8)
        file = folder / f"large-{number}.jpg"
        Picture.fromarray(tile).resize((6000, 4000)).save(file, quality=90)
        large.append(add_image(project, user_id, file, file.name)[0].id)
    job = add_sweep(project, user_id)
    file = models(job.id) / "results.json"
    value = json.loads(file.read_text())
    cut = [one for one in value["candidates"] if not one["is_unpruned"]]
    while len(value["candidates"]) < CANDIDATES:
        one = cut[len(value["candidates"]) % len(cut)]
        value["candidates"].append(one | {"time_ms": one["time_ms"] * rng.uniform(0.5, 2)})
    file.write_text(json.dumps(value))
    return project, large


def told(name: str, times: list[float]) -> None:
    low, middle, high = quantiles(times, n=4)
    print(f"  {name:28} {1000 * middle:6.0f} ms ({1000 * low:.0f} to {1000 * high:.0f})", flush=True)


def main() -> None:
    os.environ["STUDIO_HOME"] = str(scratch())
    from playwright.sync_api import sync_playwright

    from studio.accounts import add_user
    from studio.store.database import migrate, writing
    from studio.store.home import home
    from tests.e2e.conftest import PASSWORD, Server, becomes_true, settled, sign_in
    from tests.find_browser import FLAGS, find

    migrate()
    with writing() as db:
        user_id = add_user(db, "Ada", PASSWORD).id
    project, large = fill(user_id)
    server = Server("http://127.0.0.1:8641", home(), home() / "server.log", None, 8641)  # type: ignore[arg-type]
    server.start()
    head_line(f"the studio in Chromium, {IMAGES:,} images, a sweep of {CANDIDATES} candidates")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find(), args=FLAGS)
            page = sign_in(browser, server, user_id)
            page.goto(f"{server.url}/?project={project}")
            page.get_by_role("link", name="Images").wait_for()
            settled(page)
            for name in PAGES:
                times = []
                for turn in range(ROUNDS + 1):
                    other = "Home" if name != "Home" else "Jobs"
                    page.get_by_role("link", name=other, exact=True).click()
                    page.wait_for_timeout(700)
                    settled(page)
                    begin = time.perf_counter()
                    page.get_by_role("link", name=name, exact=True).click()
                    page.wait_for_url(f"**{'/' if name == 'Home' else '/' + name.lower()}*")
                    page.wait_for_timeout(50)
                    settled(page)
                    if turn:  # the first is not warm
                        times.append(time.perf_counter() - begin)
                told(f"{name} page", times)
            reloads, opened = [], []
            page.get_by_role("link", name="Choose", exact=True).click()
            page.wait_for_url("**/choose*")
            for _ in range(ROUNDS):
                begin = time.perf_counter()
                page.reload()
                page.locator(".js-plotly-plot").first.wait_for()
                settled(page)
                reloads.append(time.perf_counter() - begin)
            told("Choose, a full reload", reloads)
            for one in large:
                begin = time.perf_counter()
                page.goto(f"{server.url}/annotate?project={project}&image={one}")
                becomes_true(
                    page, f"window.ftlSurface?.image?.id === {one} && window.ftlSurface.mask.position !== null"
                )
                settled(page)
                opened.append(time.perf_counter() - begin)
            told("a photograph of 24 megapixels", opened)
            browser.close()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
