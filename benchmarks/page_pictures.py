"""Pictures of every page, and what each costs a browser: to look at before a change of the looks is shown to anybody.

    python -m benchmarks.page_pictures FOLDER

Writes FOLDER/PAGE-WIDTH-light.png and -dark.png of every page at four widths, each as high as the page; those that
begin with "empty" are of a new project. Prints a table of each page's first opening in a new browser, and of the
second one: bytes and requests, paints, layout shift and elements. The times are worth something on a quiet machine
only.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image as Picture
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks._material import head_line, scratch

WIDTHS, HEIGHT, PHONE = (1920, 1400, 900, 390), 900, 844
PHOTOGRAPHS = 40
PAGES = {"home": "", "images": "images", "annotate": "annotate", "review": "review", "progress": "progress",
         "sweep": "sweep", "jobs": "jobs", "choose": "choose", "try": "try_it", "understand": "understand",
         "projects": "projects", "account": "profile", "settings": "settings"}  # fmt: skip

OBSERVED = """async () => {
    const seen = type => new Promise(resolve => {
        new PerformanceObserver(list => resolve(list.getEntries())).observe({ type, buffered: true });
        setTimeout(resolve, 200, []);
    });
    const [paints, largest, shifts] =
        await Promise.all(["paint", "largest-contentful-paint", "layout-shift"].map(seen));
    const all = root => [...root.querySelectorAll("*")].reduce((sum, { shadowRoot }) =>
        sum + 1 + (shadowRoot ? all(shadowRoot) : 0), 0);
    const first = paints.find(({ name }) => name === "first-contentful-paint");
    return [first?.startTime ?? 0, largest.at(-1)?.startTime ?? 0,
        shifts.reduce((sum, { value }) => sum + value, 0), all(document)];
}"""


class Cost(NamedTuple):
    """Of one opening: `sent` bytes as they crossed the network, paints in ms, `shift` as browsers measure it."""

    sent: int
    requests: int
    first_paint: float
    largest_paint: float
    shift: float
    elements: int


def fill(user_id: int) -> tuple[int, int]:
    """A project with something on every page, and an empty one; their ids."""
    from ftl.data.demo import draw
    from ftl.progress import TRAINING
    from studio.annotation import log
    from studio.images.library import set_class
    from studio.projects.classes import classes_of
    from studio.projects.projects import create_project
    from studio.store.database import writing
    from studio.store.tables import CandidateRow, Job
    from tests.e2e.conftest import PASSWORD
    from tests.full_project import full_project

    folder = scratch()
    surfaces = [draw(np.random.default_rng(number), number % 2 == 0) for number in range(PHOTOGRAPHS)]
    files = [folder / f"abutment south {number:03d}, second inspection.png" for number in range(PHOTOGRAPHS)]
    for file, surface in zip(files, surfaces, strict=True):
        Picture.fromarray(surface.image).save(file)
    project, images = full_project(user_id, files, PASSWORD)
    for image, surface in zip(images[3:], surfaces[3:], strict=True):
        log.restore(image, user_id, np.where(surface.ids == 1, 1, 0).astype(np.uint8))
    for number, known in enumerate(classes_of(project)[:2]):
        set_class(project, user_id, [image.id for image in images[number:-2:2]], known.id)
    now = time.time()
    common = {"project_id": project, "created_by": user_id, "kind": "sweep", "settings": {}}
    with writing() as db:
        db.add(Job(name="Bridge, first try", state="failed", ended_at=now - 3000, started_at=now - 3600,
                   error="the network file is damaged: add it again on the page Sweep", **common))  # fmt: skip
        db.add(Job(name="Thorough, VGG16", state="cancelled", ended_at=now - 900, started_at=now - 990, **common))
        running = Job(name="Balanced, VGG16", state="running", stage="fine-tuning", done=3, total=9, share=0.42,
                      started_at=now - 640, seconds=1500, **common)  # fmt: skip
        db.add(running)
        db.add(Job(name="Quick, MobileNetV2", state="queued", seconds=300, **common))
        db.flush()
        curve = [[epoch, 1 / epoch, 1.2 / epoch, 1 - 0.5 / epoch] for epoch in range(1, 9)]
        for number, (name, stage) in enumerate({"base": "waiting", "keep-0.1-tuned": TRAINING}.items()):
            db.add(CandidateRow(job_id=running.id, name=name, number=number, stage=stage, curve=curve * number))
    return project, create_project(user_id, "Tunnel 7, a new project without anything").id


def drawn(page: Page) -> None:
    """Wait until a page is drawn, with its pictures."""
    from tests.e2e.conftest import settled, still

    page.locator("[data-testid=stMain] h1, [data-pen=ready]").first.wait_for()
    page.wait_for_load_state("networkidle")
    settled(page)
    still(page)


def picture(page: Page, file: Path, width: int) -> None:
    """Save the page as high as what it shows: Streamlit's pages scroll in an element of their own."""
    least = PHONE if width == min(WIDTHS) else HEIGHT
    page.set_viewport_size({"width": width, "height": least})
    page.wait_for_timeout(700)  # charts are drawn anew at their new width
    high = page.evaluate("(document.querySelector('[data-testid=stMain]') ?? document.documentElement).scrollHeight")
    if high > least:
        page.set_viewport_size({"width": width, "height": high})
        page.wait_for_timeout(300)
    page.screenshot(path=file)
    wide = page.evaluate("(document.querySelector('[data-testid=stMain]') ?? document.documentElement).scrollWidth")
    if wide > width:
        print(f"  {file.stem} is {wide} pixels wide")


def take(browser: Browser, server: Any, user_id: int, addresses: dict[str, str], folder: Path) -> None:
    """Picture each page, by its name and address, at all widths in light and dark."""
    from tests.e2e.conftest import sign_in

    for scheme in ("light", "dark"):
        for width in WIDTHS:  # a page is opened at its width: Streamlit then hides the sidebar as on such a screen
            page = sign_in(browser, server, user_id, width, PHONE if width == min(WIDTHS) else HEIGHT)
            page.emulate_media(color_scheme=scheme)
            for name, address in addresses.items():
                page.goto(f"{server.url}/{address}")
                if not address.startswith("account/"):
                    drawn(page)
                picture(page, folder / f"{name}-{width}-{scheme}.png", width)
            page.context.close()


def opening(page: Page, address: str) -> Cost:
    """Open an address, and see what it costs."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sent: list[int] = []
    session.on("Network.loadingFinished", lambda event: sent.append(int(event["encodedDataLength"])))
    frames: list[int] = []
    session.on("Network.webSocketFrameReceived", lambda event: frames.append(len(event["response"]["payloadData"])))
    page.goto(address)
    drawn(page)
    first, largest, shift, elements = page.evaluate(OBSERVED)
    crossed = [size for size in sent if size]  # what a browser has kept costs nothing
    return Cost(sum(crossed) + sum(frames) * 3 // 4, len(crossed), first, largest, shift, elements)  # frames: base64


def weigh(browser: Browser, server: Any, user_id: int, addresses: dict[str, str]) -> None:
    """Print what each page costs a new browser, and one that has been there."""
    from tests.e2e.conftest import open_tab, sign_in

    print("| page | kB, requests | again | first, largest paint in ms | again | layout shift | elements |")
    print("|---|---|---|---|---|---|---|")
    for name, address in addresses.items():
        page = sign_in(browser, server, user_id)
        cold = opening(page, f"{server.url}/{address}")
        warm = opening(open_tab(page.context), f"{server.url}/{address}")
        page.context.close()
        crossed = [f"{cost.sent / 1000:,.0f}, {cost.requests}" for cost in (cold, warm)]
        paints = [f"{cost.first_paint:,.0f}, {cost.largest_paint:,.0f}" for cost in (cold, warm)]
        print(
            f"| {name} | {' | '.join(crossed)} | {' | '.join(paints)} | {cold.shift:.3f} | {cold.elements:,} |",
            flush=True,
        )


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["STUDIO_HOME"] = str(scratch())
    from studio.accounts import add_user
    from studio.jobs.queue import worker_lock
    from studio.projects.invitations import invite
    from studio.store.database import migrate, writing
    from studio.store.home import home
    from tests.e2e.conftest import PASSWORD, Server
    from tests.find_browser import FLAGS, find

    migrate()
    with writing() as db:
        user_id = add_user(db, "Ada", PASSWORD).id
    project, empty = fill(user_id)
    pages = {name: f"{address}?project={project}" for name, address in PAGES.items()}
    others = {f"empty-{name}": f"{address}?project={empty}" for name, address in list(PAGES.items())[:10]}
    others |= {"review-one": f"review?project={project}&image=5", "sign-in": "account/sign-in",
               "sign-out": "account/sign-out", "join": f"account/join/{invite(project, 'reviewer', user_id)}",
               "missing": "account/nothing"}  # fmt: skip
    server = Server("http://127.0.0.1:8643", home(), home() / "server.log", None, 8643)  # type: ignore[arg-type]
    with worker_lock(timeout=1), sync_playwright() as playwright:  # no worker then does what only waits to be seen
        server.start()
        try:
            browser = playwright.chromium.launch(executable_path=find(), args=FLAGS)
            head_line(f"{len(pages)} pages in Chromium at 1400 x {HEIGHT}, {PHOTOGRAPHS} photographs")
            weigh(browser, server, user_id, pages)
            take(browser, server, user_id, pages | others, folder)
            browser.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
