"""Photographs into the studio against only decoding them, and what a page of 10,000 costs the database.

    python -m benchmarks.gallery

How long the page takes to draw in a browser is in benchmarks/pages.py.
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image as Picture

from benchmarks._material import SHARED, head_line, scratch, seconds
from ftl.data.images import read_image

PHOTOGRAPHS, SIZE, IMAGES, ROUNDS, PAGE = 200, (2000, 1500), 10_000, 7, 48


def photographs(folder: Path) -> list[Path]:
    """JPEG files of three megapixels: real walls made larger, else noise."""
    source = SHARED / "data" / "masonry" / "images"
    walls = sorted(source.iterdir()) if source.is_dir() else []
    rng = np.random.default_rng(0)
    made = []
    for number in range(PHOTOGRAPHS):
        if walls:
            small = Picture.open(walls[number % len(walls)]).convert("RGB")
        else:
            small = Picture.fromarray(rng.integers(60, 220, (150, 200, 3)).astype(np.uint8))
        large = small.resize(SIZE)
        large.putpixel((0, 0), (number, number, 0))  # no two are the same
        made.append(folder / f"{number:03d}.jpg")
        large.save(made[-1], quality=90 if number % 2 else 91)
    return made


def main() -> None:
    folder = scratch()
    os.environ["STUDIO_HOME"] = str(folder / "home")
    from studio.accounts import add_user
    from studio.images.library import (
        ORDERS,
        Filter,
        count_by_class,
        count_by_state,
        count_images,
        find_ids,
        find_images,
    )
    from studio.images.uploads import Received, receive
    from studio.projects.projects import create_project
    from studio.store.database import migrate, writing
    from studio.store.tables import STATES, Image

    migrate()
    with writing() as db:
        user = add_user(db, "Ada", "a long enough password").id
    project = create_project(user, "Large").id
    files = photographs(folder)
    head_line(f"{PHOTOGRAPHS} photographs of {SIZE[0]} x {SIZE[1]} pixels into the studio")
    decoding = seconds(lambda: [read_image(file) for file in files])
    got: list[Received] = []

    def add() -> None:
        opened = [(file.name, open(file, "rb")) for file in files]  # noqa: SIM115
        got.append(receive(project, user, opened))

    adding, again = seconds(add), seconds(add)
    print(f"  only decoding them: {decoding:.1f} s, {1000 * decoding / PHOTOGRAPHS:.0f} ms each")
    print(f"  adding them:        {adding:.1f} s, {adding / decoding:.2f} times that; {len(got[0].added)} added")
    print(f"  adding them again:  {again:.1f} s, {again / decoding:.2f} times that; {len(got[1].known)} recognised")

    with writing() as db:
        for number in range(IMAGES - len(got[0].added)):
            db.add(Image(project_id=project, sha256=f"{number:064d}", name=f"wall-{number:05d}.jpg", width=9, height=9,
                         state=STATES[number % 4], strokes=number % 2, added_by=user))  # fmt: skip
    print(f"a page of {PAGE} among {IMAGES:,} images, with their number")
    for label, chosen in {
        "any": Filter(),
        "by state": Filter(state="returned"),
        "by mask": Filter(drawn=True),
        "by annotator": Filter(annotator=user),
        "by name": Filter(text="wall-09"),
    }.items():
        start = max(0, count_images(project, chosen) - PAGE)
        times = [
            seconds(lambda chosen=chosen, start=start: (count_images(project, chosen),
                    find_images(project, chosen, start, PAGE)))
            for _ in range(ROUNDS)
        ]  # fmt: skip
        print(f"  {label:14} {1000 * median(times):5.1f} ms, the last page")
    for order in ORDERS:
        took = median(
            seconds(lambda order=order: find_images(project, Filter(), 0, PAGE, order)) for _ in range(ROUNDS)
        )
        print(f"  {f'sorted: {order}':14} {1000 * took:5.1f} ms, the first page")
    for label, count in {"of classes": count_by_class, "of states": count_by_state}.items():
        took = median(seconds(lambda count=count: count(project, Filter())) for _ in range(ROUNDS))
        print(f"  {label:14} {1000 * took:5.1f} ms, counts")
    print(
        f"  all ids        {1000 * median(seconds(lambda: find_ids(project, Filter())) for _ in range(ROUNDS)):5.1f} ms"
    )


if __name__ == "__main__":
    main()
