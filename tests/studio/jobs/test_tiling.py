"""Large photographs: when they are cut into tiles, how these are laid out, and what is told of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image as Picture

from ftl.config import SweepConfig
from ftl.data.dataset import load_dataset, photo_ids, split, without
from ftl.data.masks import load_masks
from ftl.progress import silent
from ftl.sweeping.manifest import scored_by
from studio.annotation import log
from studio.annotation.strokes import Brush
from studio.errors import StudioError
from studio.images.library import add_image, find_images, set_class, set_split
from studio.jobs import queue, reporting, sweep_job
from studio.jobs.layout import Laid, image_id, is_tile, lay_out, names_photos
from studio.jobs.presets import numbers_of
from studio.jobs.request import AUTOMATIC, SHRINK, TILES
from studio.jobs.tiling import ENOUGH, SCORED, large_photographs, material
from studio.projects.classes import classes_of
from studio.projects.projects import set_photo_pattern
from studio.store import files
from tests.conftest import SIZE, save_png
from tests.studio.conftest import Someone
from tests.studio.jobs.test_jobs import give_backbone, request

WIDE, HIGH = 4 * SIZE, 3 * SIZE


def add(
    project: Someone, folder: Path, name: str, kind: str = "Crack", *, drawn: bool = True, keep: files.Keep = files.keep
) -> int:
    """A surface of 4 x 3 tiles. A dark line across the upper row of tiles; `drawn`: it is, with a mask."""
    rng = np.random.default_rng(sum(name.encode()))
    pixels = rng.integers(120, 200, (HIGH, WIDE, 3), np.uint8)
    if kind != "Background":
        pixels[10:14] //= 4
    classes = {one.name: one.id for one in classes_of(project.project_id)}
    file = save_png(pixels, folder / f"{name}.png")
    image, _ = add_image(project.project_id, project.user_id, file, f"{name}.png", classes[kind], keep=keep)
    if drawn:
        points = {"points": [[0, 12], [WIDE, 12]], "width": 4}
        log.append(image.id, project.user_id, [Brush(f"s{name}", 1, points, project.user_id)])
    return image.id


def fill(project: Someone, folder: Path, drawn: int = 8, plain: int = 2, undrawn: int = 0) -> None:
    with files.keeping(folder) as keep:
        for number in range(drawn):
            add(project, folder, f"bridge {number}", keep=keep)
        for number in range(plain):
            add(project, folder, f"wall {number}", "Background", drawn=False, keep=keep)
        for number in range(undrawn):
            add(project, folder, f"pier {number}", drawn=False, keep=keep)


def kinds_of(project: Someone, *names: str) -> tuple[int, ...]:
    return tuple(one.id for one in classes_of(project.project_id) if one.name in (names or ("Crack", "Background")))


def lay(project: Someone, out: Path, large: str = AUTOMATIC) -> Laid:
    return lay_out(
        project.project_id, out, mask_classes=[1], image_classes=kinds_of(project), side=SIZE, large=large
    )  # fmt: skip


def test_tiles_are_labelled_from_masks_and_a_photographs_tiles_stay_together(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path, undrawn=1)
    laid, out = lay(project, tmp_path / "out"), tmp_path / "out"
    assert laid.tile == SIZE
    assert laid.told == (
        "10 photographs of 128 x 96 were cut into 92 tiles of 32 x 32 pixels: 32 with Crack, 60 with Background",
        "1 large photograph left out: nobody has drawn on them, so nobody knows which of their tiles show a defect",
    )
    learn, judge = load_dataset(out / "dataset"), load_dataset(out / "evaluation")
    assert (len(learn), len(judge), laid.masks) == (laid.train, laid.test, 8)
    masks = {image.id: log.mask(image) for image in find_images(project.project_id)}
    for side in (learn, judge):
        for path, label in zip(side.paths, side.labels, strict=True):
            left, top = map(int, path.stem.split("+")[1:])
            here = masks[image_id(path) or 0][top : top + SIZE, left : left + SIZE]
            assert here.any() == (side.classes[label] == "Crack")
            assert Picture.open(path).size == (SIZE, SIZE)
    scored = load_masks(out / "Images", out / "Segmented", size=SIZE)
    assert len(scored) == SCORED * len({image_id(one.image_path) for one in scored.examples})
    photo = names_photos(None, laid.tile)
    sides = [{*photo_ids(one.paths, photo)} for one in (learn, judge)]
    assert not sides[0] & sides[1]
    assert {str(image_id(one.image_path)) for one in scored.examples} <= sides[0]
    assert without(judge, learn, photo, scored_by(scored))[1] == (0, 0)
    train, held_out = split(learn, seed=0, photo=photo)
    assert min(len(train), len(held_out)) > 0
    assert {one.name for one in (out / "Images").iterdir()} == {"Crack"}
    assert all(map(is_tile, (out / "dataset").rglob("*.png")))


def test_what_a_person_fixed_holds_for_all_tiles_of_a_photo(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path, drawn=9)
    set_photo_pattern(project.project_id, "{photo} #", project.user_id)  # all bridges are one photo, as are the walls
    images = find_images(project.project_id)
    set_split(project.project_id, project.user_id, [images[0].id], "test")
    with pytest.raises(StudioError, match="too few tiles of Crack, Background to train on: draw on more"):
        lay(project, tmp_path / "none")
    set_photo_pattern(project.project_id, "", project.user_id)
    laid = lay(project, tmp_path / "out")
    assert images[0].id in {image_id(path) for path in (tmp_path / "out" / "evaluation").rglob("*.png")}
    assert laid.left_out == (0, 0)


def test_photographs_whose_defects_nobody_drew_are_no_background(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path)
    odd = add(project, tmp_path, "odd", drawn=False)
    log.append(odd, project.user_id, [Brush("dirt", 3, {"points": [[9, 9], [40, 40]], "width": 4}, project.user_id)])
    lay(project, tmp_path / "out")
    assert odd not in {image_id(path) for path in (tmp_path / "out").rglob("*.png")}


def test_large_photographs_are_cut_where_enough_are_drawn_on(project: Someone, tmp_path: Path) -> None:
    own, user = project

    def large(how: str = AUTOMATIC, *names: str):  # type: ignore[no-untyped-def]
        return large_photographs(own, kinds_of(project, *names), SIZE, how)

    fill(project, tmp_path, drawn=ENOUGH - 1, plain=1, undrawn=ENOUGH + 1)
    few = large()
    assert (few.cut, few.lacking, len(few.drawn), len(few.plain), len(few.left_out)) == (False, 1, 7, 1, 9)
    assert large(TILES).cut
    last = find_images(own)[-1]
    log.append(last.id, user, [Brush("s", 1, {"points": [[0, 12], [WIDE, 12]], "width": 4}, user)])
    assert large().cut
    assert large().lacking == 0
    assert not large(SHRINK).cut
    assert not large_photographs(own, kinds_of(project), HIGH // 2 + 1, TILES).rows
    several = large(TILES, "Crack", "Pore", "Background")
    assert (several.cut, several.background) == (False, None)
    names = {one.id: one.name for one in classes_of(own)}
    assert several.why_not_cut(names).startswith("draw Pore and Background, or leave all but one out")
    with pytest.raises(StudioError, match="cannot be cut into tiles: draw Pore"):
        lay_out(own, tmp_path / "out", mask_classes=[1], image_classes=kinds_of(project, *names.values()), side=SIZE,
                large=TILES)  # fmt: skip
    only_ranked = large_photographs(own, (), SIZE)
    assert only_ranked.cut
    laid = lay_out(own, tmp_path / "out", mask_classes=[1], image_classes=(), only_masks=True, draws=True, side=SIZE,
                   large=AUTOMATIC)  # fmt: skip
    assert laid.told == ("8 photographs of 128 x 96 were cut into tiles of 32 x 32 to rank filters",)
    assert len(load_masks(tmp_path / "out" / "Images", tmp_path / "out" / "Segmented", size=SIZE)) == 8 * SCORED
    shrunk = lay_out(own, tmp_path / "shrunk", mask_classes=[1], image_classes=(), only_masks=True, side=SIZE)
    assert (shrunk.tile, shrunk.told) == (None, ())


def test_twelve_photographs_of_one_class_are_enough_for_a_sweep_of_tiles(project: Someone, tmp_path: Path) -> None:
    own, user = project
    fill(project, tmp_path, drawn=12, plain=0)
    crack, background = kinds_of(project)
    numbers = numbers_of(own, SIZE)
    assert (numbers.classes, numbers.only_masks, numbers.masks) == ({crack: 48, background: 96}, False, 12)
    assert numbers.positive == "Crack"
    there = material(own, numbers.classes, SIZE)
    assert (there.masks, there.images) == (12 * SCORED, 144)
    whole = material(own, numbers.classes, SIZE, SHRINK)
    assert (whole.masks, whole.classes) == (12, {crack: 12, background: 0})
    assert numbers_of(own).only_masks  # for the input of most networks they are not large
    set_class(own, user, [image.id for image in find_images(own)], None)
    assert numbers_of(own, SIZE).only_masks  # nobody sorts photographs here


def test_a_sweep_of_tiles_says_so_and_hands_their_side_on(
    project: Someone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(project, tmp_path)
    give_backbone(project)
    configs: list[SweepConfig] = []
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    none = SimpleNamespace(candidates=[])
    monkeypatch.setattr("ftl.sweeping.sweep.sweep", lambda *given, **_: configs.append(given[2]) or none)
    monkeypatch.setenv(sweep_job.SCHEDULER, "")
    monkeypatch.setenv(sweep_job.TIME_ON, "")
    job = queue.launch(project.project_id, project.user_id, "sweep", "tiles", request(project))
    for _ in range(2):  # a retry knows what the first try laid out
        sweep_job.sweep(job, silent)
    assert {(config.tile, config.photo) for config in configs} == {(SIZE, r"(\d+)_.*")}
    told = reporting.log(job.id)
    assert "10 photographs of 128 x 96 were cut into 92 tiles of 32 x 32 pixels: 32 with Crack, 60 with" in told
    assert told.endswith("8 photographs with masks, 66 tiles to train on, 26 to report on")
