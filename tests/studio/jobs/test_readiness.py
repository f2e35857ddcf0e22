"""Whether a project is ready for a sweep: each check's sentences, and what is read of a project for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from sqlalchemy import event, insert

from studio.annotation import log
from studio.annotation.strokes import Brush
from studio.images.library import add_image, find_images, set_split
from studio.jobs import project_facts
from studio.jobs.project_facts import Photograph
from studio.jobs.readiness import (
    GOOD,
    STOP,
    WARNING,
    Crop,
    Defect,
    Facts,
    LargeOnes,
    OfClass,
    check_alike,
    check_classes,
    check_crops,
    check_masks,
    check_sides,
    check_size,
    findings,
)
from studio.projects.classes import classes_of
from studio.projects.projects import set_photo_pattern
from studio.store.database import engine, writing
from studio.store.tables import Image
from tests.conftest import save_png
from tests.studio.conftest import Someone
from tests.studio.jobs.test_jobs import fill

VGG = (224, 112, 56, 28, 14)
ALEXNET = (55, 27, 13)


def of(name: str, count: int, to_train: int | None = None, to_test: int | None = None) -> OfClass:
    return OfClass(name, count, count if to_train is None else to_train, count if to_test is None else to_test)


@pytest.mark.parametrize(
    ("classes", "unsorted", "told"),
    [
        ([of("Crack", 120), of("Background", 100)], 22, [(GOOD, "Photographs: Crack 120 and Background 100.")]),
        ([], 50, [(GOOD, "Networks draw masks: no photograph has an image class to learn.")]),
        ([of("Crack", 30), of("Pore", 1)], 0, [(
            WARNING, "Networks will only draw masks: to tell classes apart, they need two with at least 12 photographs "
            "each, and Crack has 30 and Pore has 1.")]),
        ([of("Crack", 40), of("Background", 40), of("Pore", 1)], 0, [(
            WARNING, "Pore is left out: it has 1 photograph, and a class needs 12; give it 11 more.")]),
        ([of("Crack", 12), of("Background", 39)], 0, [(
            WARNING, "Accuracies will be uncertain: a quarter of the photographs reports them, and Crack has 12 "
            "and Background has 39; 40 of each class are a start.")]),
        ([of("Crack", 50), of("Background", 600)], 66, [
            (WARNING, "Background has 12 times as many photographs as Crack: always saying Background would "
             "be right for 92 % of them; add photographs of Crack."),
            (WARNING, "66 photographs without an image class neither train nor test: sort them.")]),
        ([of("Crack", 50), of("Background", 249)], 29, [(GOOD, "Photographs: Crack 50 and Background 249.")]),
    ],
)  # fmt: skip
def test_classes(classes: list[OfClass], unsorted: int, told: list[tuple[str, str]]) -> None:
    found = check_classes(classes, unsorted)
    assert [(one.level, one.text) for one in found] == told
    assert all(one.page == ("" if one.level == GOOD else "images") for one in found)


def test_sides() -> None:
    assert check_sides([of("Crack", 40, 8, 1)]) == []
    assert check_sides([of("Crack", 40, 40, 0), of("Pore", 20, 7, 13)]) == [
        (STOP, "No photograph of Crack is left to test on, since those with masks rank filters and their photos never "
         "test: add some, and do not draw on them.", "images"),
        (STOP, "Pore has 7 photographs to train on, and 8 are needed: add some, or use fewer for the test only.",
         "images"),
    ]  # fmt: skip


def test_masks() -> None:
    assert check_masks(6, only_masks=False) == (GOOD, "Masks on 6 photographs.", "")
    assert check_masks(1, only_masks=False) == (
        WARNING, "Masks on 1 photograph are few: they show a network what to look for; draw 5 more.", "annotate"
    )  # fmt: skip
    assert check_masks(15, only_masks=True).level == GOOD
    assert check_masks(1, only_masks=True) == check_masks(1, only_masks=False)
    assert check_masks(6, only_masks=True) == (
        WARNING, "Masks on 6 photographs are enough to begin; 15 are better: a fifth of them chooses the threshold and "
        "a fifth tests, so figures are uncertain until then.", "annotate",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("defect", "maps", "only_masks", "level", "text"),
    [
        (Defect(8, 227), VGG, False, GOOD, "Defects are wide enough to be seen: about 8 of 227 pixels wide, 7.9 of "
         "the network's 224."),
        (Defect(1, 224), VGG, False, GOOD, "Defects are wide enough to be seen: about 1 of 224 pixels wide, 1 of the "
         "network's 224."),
        (Defect(1, 224), ALEXNET, False, WARNING, "Defects are thin for this network: about 1 of 224 pixels wide, they "
         "are 0.25 cells of its finest maps, 55 x 55; start from one with finer maps, or cut photographs into tiles of "
         "at most 110 pixels before you upload them."),
        (Defect(5, 4000), VGG, False, STOP, "Thin defects vanish: photographs are shrunk to 224 x 224, not cropped, so "
         "what is about 5 of 4,000 pixels wide becomes 0.28 wide; cut them into tiles of at most 1,120 pixels before "
         "you upload them."),
        (Defect(12, 4000), VGG, False, WARNING, "Thin defects vanish: photographs are shrunk to 224 x 224, not "
         "cropped, so what is about 12 of 4,000 pixels wide becomes 0.67 wide; cut them into tiles of at most 2,680 "
         "pixels before you upload them."),
        (Defect(5, 4000), VGG, True, WARNING, "Thin defects vanish: photographs are shrunk to 224 x 224 to rank "
         "filters, not cropped, so what is about 5 of 4,000 pixels wide becomes 0.28 wide; cut them into tiles of at "
         "most 1,120 pixels before you upload them."),
        (None, VGG, False, WARNING, "Thin defects may vanish: photographs of 4,000 x 3,000 pixels are shrunk to 224 x "
         "224, not cropped, so nothing is left of what is thinner than 18 pixels; cut them into tiles before you "
         "upload them."),
    ],
)  # fmt: skip
def test_size(defect: Defect | None, maps: tuple[int, ...], only_masks: bool, level: str, text: str) -> None:
    page = "" if level == GOOD else "images"
    assert check_size((4000, 3000), defect, 224, maps, only_masks=only_masks) == (level, text, page)


def test_large_photographs_are_cut_or_it_is_said_what_is_missing() -> None:
    cut = LargeOnes(14, (("Crack", 240), ("Background", 480)), left_out=3)
    facts = Facts((of("Crack", 12),), 0, 12, (4000, 3000), Defect(5, 4000), 0, 14, None, 224, VGG, cut)
    assert [(one.level, one.text) for one in findings(facts)][:2] == [
        (WARNING, "3 large photographs with defects are left out: nobody has drawn on them, so nobody knows which of "
         "their tiles show a defect; draw on them."),
        (GOOD, "14 large photographs, usually of 4,000 x 3,000 pixels, are cut into tiles of 224 x 224, labelled from "
         "their masks: about 240 with Crack and 480 with Background."),
    ]  # fmt: skip
    texts = [one.text for one in findings(facts)]
    assert "Defects are wide enough to be seen: about 5 of 224 pixels wide, 5 of the network's 224." in texts
    assert not any("draw masks" in text or "shrunk" in text for text in texts)
    few = LargeOnes(0, (("Crack", 12), ("Background", 12)), lacking=2)
    found = check_size((4000, 3000), Defect(5, 4000), 224, VGG, only_masks=False, large=few)
    assert (found.level, found.page) == (STOP, "annotate")
    assert found.text.endswith(
        "becomes 0.28 wide; draw on 2 more large photographs, and the sweep cuts them into tiles."
    )
    only = facts._replace(classes=(), large=LargeOnes(14))
    assert [one.text for one in findings(only) if "tiles" in one.text] == [
        "14 large photographs, usually of 4,000 x 3,000 pixels, are cut into tiles of 224 x 224 to rank filters."
    ]


def test_small_photographs_need_no_measure() -> None:
    assert check_size((672, 500), None, 224, VGG, only_masks=False) == (
        GOOD, "Photographs of 672 x 500 pixels are shrunk to 224 x 224, not cropped.", ""
    )  # fmt: skip


def test_crops_and_near_duplicates() -> None:
    assert check_crops(None).level == GOOD
    assert check_crops(Crop("wall_7", "wall")) == (
        WARNING, "Some photographs may be crops of one photo: wall_7 reads like a crop of wall. Where such crops both "
        "train and test, figures look better than they are; say under Crops of one photo how they are named.", "home",
    )  # fmt: skip
    assert check_alike(0, 0).level == GOOD
    assert check_alike(3, 64) == (GOOD, "Hardly any near-duplicates among 64 photographs compared.", "")
    assert check_alike(4, 64) == (
        WARNING, "4 of 64 photographs compared are nearly the same as another, which flatters the figures where one "
        "trains and the other tests; delete all but one.", "images",
    )  # fmt: skip


def test_the_worst_comes_first_and_a_good_project_has_nothing_else() -> None:
    good = Facts((of("Crack", 120), of("Background", 120)), 0, 12, (227, 227), Defect(8, 227), 0, 64, None, 224, VGG)
    assert {one.level for one in findings(good)} == {GOOD}
    assert all(not one.page for one in findings(good))
    bad = good._replace(masks=3, classes=(of("Crack", 120, 90, 0), of("Background", 120)))
    assert [one.level for one in findings(bad)][:3] == [STOP, WARNING, GOOD]
    unsorted = good._replace(classes=(), masks=6)
    assert [one.text for one in findings(unsorted) if one.level != GOOD] == [check_masks(6, only_masks=True).text]


def test_what_a_sweep_can_use_photographs_for() -> None:
    def shot(number: int, class_id: int, *, split: str | None = None, strokes: int = 0, photo: str = "") -> Photograph:
        return Photograph(number, "", "", class_id, split, strokes, 9, 9, photo or str(number))

    cracks = [shot(number, 1, strokes=int(number < 6)) for number in range(16)]
    others = [shot(number, 2, split="test" if number < 32 else None) for number in range(20, 40)]
    names = {1: "Crack", 2: "Background", 3: "Pore"}
    assert project_facts.of_classes([*cracks, *others], names, 0.25) == (
        OfClass("Crack", 16, 12, 10), OfClass("Background", 20, 6, 20)
    )  # fmt: skip
    one_photo = [shot(number, 1, strokes=int(number == 3), photo="wall") for number in range(16)]
    assert project_facts.of_classes(one_photo, names, 0.25) == (OfClass("Crack", 16, 16, 0),)
    trained = [shot(number, 1, split="train", photo="wall") for number in range(3)]
    assert project_facts.of_classes([*trained, shot(9, 1, photo="wall")], names, 0.25) == (OfClass("Crack", 4, 4, 0),)


def test_a_project_is_looked_at(project: Someone, tmp_path: Path) -> None:
    own, user = project
    fill(project, tmp_path / "drawn", each=6)
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 255, (16, 24, 3)).astype(np.uint8)
    for number, quality in enumerate((95, 80, 60)):  # the same photograph thrice, in other bytes
        file = tmp_path / f"{number}.jpg"
        Picture.fromarray(photo).resize((1200, 800)).save(file, quality=quality)
        added = add_image(own, user, file, f"again{number}.jpg")[0]
        points = {"points": [[100, 100], [1100, 700]], "width": 9}
        log.append(added.id, user, [Brush("a", 1, points, user)])
    found = project_facts.photographs_of(own)
    assert project_facts.alike(project_facts.to_compare(found)) == (2, 15)
    assert project_facts.usual_size(found[-3:]) == (1200, 800)
    measured = project_facts.to_measure(found)
    assert [image_id for image_id, _ in measured] == [one.id for one in found if one.strokes]
    defects = [project_facts.defect_of(own, image_id, (1,)) for image_id, _ in measured]
    assert defects[-1] == pytest.approx(Defect(9, 1200), abs=0.8)
    assert project_facts.defect_of(own, measured[-1][0], (2,)) is None
    assert project_facts.usual_defect([*defects[-3:], None]) == defects[-1]
    assert project_facts.crop_named([one.name for one in found]) == Crop("wall0_7", "wall0")
    assert project_facts.crop_named(["wall.png", "bridge.png", "pier.png"]) is None
    names = {one.id: one.name for one in classes_of(own)}
    assert project_facts.of_classes(found, names, 0.25) == (
        OfClass("Crack", 6, 4, 2),
        OfClass("Background", 6, 4, 6),
    )
    set_photo_pattern(own, "{photo}_*", user)  # walls 0 to 3 have masks and a crop of each class
    set_split(own, user, [one.id for one in find_images(own) if one.name == "wall5_7.png"], "train")
    found = project_facts.photographs_of(own)
    assert found[0].photo == "wall0"
    assert project_facts.of_classes(found, names, 0.25) == (OfClass("Crack", 6, 5, 1), OfClass("Background", 6, 5, 1))


def test_of_ten_thousand_photographs_a_sample_is_looked_at_with_few_queries(project: Someone, tmp_path: Path) -> None:
    own, user = project
    file = save_png(np.zeros((30, 40, 3), np.uint8), tmp_path / "dark.png")
    first, _ = add_image(own, user, file, "0.png")
    log.append(first.id, user, [Brush("a", 1, {"points": [[2, 15], [38, 15]], "width": 4}, user)])
    with writing() as db:
        db.execute(insert(Image), [
            {"project_id": own, "sha256": f"{number:064d}", "name": f"{number}.png", "width": 3000, "height": 2000,
             "strokes": 1, "added_by": user}
            for number in range(1, 10_000)
        ])  # fmt: skip
    asked = list[str]()

    def count(*given: object) -> None:
        asked.append(str(given[2]))  # the statement

    event.listen(engine(), "before_cursor_execute", count)
    try:
        found = project_facts.photographs_of(own)
        assert len(found) == 10_000
        compared, named = project_facts.to_compare(found), project_facts.to_name(found)
        measured = project_facts.to_measure(found)
        assert project_facts.alike(compared) == (0, 1)  # of the others there is no thumbnail, and none is made
        assert project_facts.defect_of(own, first.id, (1,)) == Defect(4, 40)
    finally:
        event.remove(engine(), "before_cursor_execute", count)
    assert sum(one.startswith("SELECT") for one in asked) <= 10
    assert (len(compared), len(named)) == (project_facts.COMPARED, project_facts.NAMES // 16 * 16)
    assert measured[0] == (first.id, 1)
    assert len(measured) == 3  # six megapixels each
    assert [one.name for one in named[:17]] == [f"{number}.png" for number in range(16)] + ["163.png"]
