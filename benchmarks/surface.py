"""The drawing surface in Chromium without a GPU: frames while one looks around, and how long a stroke takes.

    python -m benchmarks.surface

On a photograph of 6000 x 4000 pixels with a mask: frames a second while the wheel turns and while the photograph is
dragged (the aim: 30), and frames in which the middle of the stage showed no photograph (the aim: none). From mouse-up
to the row on the disk (the aim: 0.4 s, 95 % within 0.8 s), from the key to the next photograph (0.3 s), and from a
stroke's end to its pixels on a second screen (1.5 s). Medians, with the 95th percentile.
"""

from __future__ import annotations

import os
import time

import numpy as np
from PIL import Image as Picture

from benchmarks._material import head_line, scratch

STROKES, STEPS = 60, 12

_COUNT = """() => {
    const surface = window.ftlSurface, canvas = surface.root.querySelector("canvas.photo");
    const context = canvas.getContext("2d");
    window.frames_seen = { stamps: [], blank: 0 };
    const look = (stamp) => {
        window.frames_seen.stamps.push(stamp);
        const [, , , alpha] = context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
        window.frames_seen.blank += alpha === 0;
        window.frames_seen.next = requestAnimationFrame(look);
    };
    window.frames_seen.next = requestAnimationFrame(look);
}"""
_STOP = """() => {
    cancelAnimationFrame(window.frames_seen.next);
    const { stamps, blank } = window.frames_seen;
    return [stamps, blank];
}"""


def report(name: str, values: list[float]) -> None:
    print(f"  {name:44} {1000 * np.median(values):6.0f} ms (95 %: {1000 * np.percentile(values, 95):.0f})", flush=True)


def frames(name: str, stamps: list[float], blank: int) -> None:
    gaps = np.diff(stamps)
    print(f"  {name:44} {1000 / gaps.mean():6.0f} a second, the longest {gaps.max():.0f} ms, {blank} blank", flush=True)


def main() -> None:
    os.environ["STUDIO_HOME"] = str(scratch())
    from playwright.sync_api import sync_playwright

    from studio.accounts import add_user
    from studio.images.library import add_image
    from studio.projects.invitations import accept, invite
    from studio.projects.projects import create_project
    from studio.store.database import migrate, writing
    from studio.store.home import home
    from tests.e2e.conftest import PASSWORD, Server, becomes_true, sign_in
    from tests.e2e.drawing import choose, drag, look_at, opened, place, ready, saved
    from tests.find_browser import FLAGS, find

    migrate()
    with writing() as db:
        ada, bob = (add_user(db, name, PASSWORD).id for name in ("Ada", "Bob"))
    project = create_project(ada, "Walls").id
    accept(invite(project, "annotator"), bob)
    folder, rng, walls = scratch(), np.random.default_rng(0), []
    for number in range(4):
        tile = Picture.fromarray(rng.integers(90, 200, (400, 600, 3)).astype(np.uint8))
        file = folder / f"wall-{number}.jpg"
        tile.resize((6000, 4000)).save(file, quality=90)
        walls.append(add_image(project, ada, file, file.name)[0])
    server = Server("http://127.0.0.1:8642", home(), home() / "server.log", None, 8642)  # type: ignore[arg-type]
    server.start()
    head_line("the drawing surface in Chromium, photographs of 6000 x 4000 pixels")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find(), args=FLAGS)
            page = opened(sign_in(browser, server, ada), server, walls[0])
            choose(page, "brush", 1, 60)
            for row in range(4):
                drag(page, (600, 700 + 800 * row), (3000, 900 + 800 * row), (5400, 700 + 800 * row))
            saved(page)
            page.wait_for_timeout(1500)
            middle = place(page, [(3000, 2000)])[0]
            page.mouse.move(*middle)
            page.evaluate(_COUNT)
            for way in (-1, 1) * 2:
                for _ in range(STEPS):
                    page.mouse.wheel(0, way * 120)
                    page.wait_for_timeout(33)
            frames("the wheel", *page.evaluate(_STOP))
            for scale in (0.3, 1.0, 4.0):
                look_at(page, scale, 3000, 2000)
                page.wait_for_timeout(1500)
                page.evaluate(_COUNT)
                page.mouse.move(*middle)
                page.mouse.down(button="middle")
                for turn in range(4 * STEPS):
                    angle = turn / 6
                    page.mouse.move(middle[0] + 250 * np.sin(angle), middle[1] + 150 * np.sin(2 * angle))
                    page.wait_for_timeout(16)
                page.mouse.up(button="middle")
                frames(f"dragging, {scale:g} screen pixels an image pixel", *page.evaluate(_STOP))

            other = opened(sign_in(browser, server, bob), server, walls[0])
            page.keyboard.press("0")
            choose(page, "brush", 2, 20)
            kept, shown = [], []
            for turn in range(STROKES):
                y = 300 + 55 * turn
                drag(page, (800, y), (2400, y + 20))
                begin = time.perf_counter()
                becomes_true(page, "window.ftlSurface.outbox.status().waiting === 0 && !window.ftlSurface.drawing()")
                kept.append(time.perf_counter() - begin)
                if turn % 4 == 0:
                    becomes_true(other, f"window.ftlSurface.mask.at(1600, {y + 10}) === 2")
                    shown.append(time.perf_counter() - begin)
            report("from mouse-up to the row on the disk", kept)
            report("from mouse-up to another's screen", shown)
            other.context.close()

            turns = []
            page.wait_for_timeout(3000)
            for wall in walls[1:]:
                begin = time.perf_counter()
                page.keyboard.press("d")
                becomes_true(page, f"window.ftlSurface.image.id === {wall.id}")
                becomes_true(page, """() => {
                    const canvas = window.ftlSurface.root.querySelector("canvas.photo");
                    return canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[3] > 0;
                }""")  # fmt: skip
                turns.append(time.perf_counter() - begin)
                ready(page, wall)
                page.wait_for_timeout(3000)
            report("from the key to the next photograph", turns)
            browser.close()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
