"""Who is given which image next, in the project's order; and masks that networks disagree with."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select

from ftl.config import SegmentConfig
from ftl.evaluation.suspicious import UNDRAWN, UNSEEN, Suspicion
from ftl.progress import silent
from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.api.schemas import JobOut
from studio.collaboration import drawing_order, suspicious
from studio.collaboration.assignment import give_next
from studio.collaboration.drawing_order import ALIKE, REASONS, TEACHING, UNLIKE, UNSURE, Standing
from studio.collaboration.presence import beat
from studio.errors import Forbidden, StudioError
from studio.images.library import add_image, image_in, set_state
from studio.jobs import notices, order_job, queue, segmenters, suspect_job, sweep_job
from studio.jobs.meter import Meter
from studio.jobs.request import OrderRequest, SuspectRequest
from studio.jobs.sweeps import models
from studio.projects.audit import history, text_of
from studio.projects.invitations import accept, invite
from studio.store.database import reading, writing
from studio.store.tables import Job, SuspiciousArea, Turn
from studio.trash import deleting
from studio.trash.deleting import KEPT_SECONDS
from studio.trash.purging import purge
from tests.conftest import save_png
from tests.dark_network import add_dark_sweep
from tests.studio.conftest import Someone

WIDTH, HEIGHT = 80, 60
CRACK, OTHER, NOWHERE = (10, 10, 60, 4), (10, 40, 50, 5), (20, 40, 40, 6)
"""Boxes x, y, width, height."""
QUICK = SegmentConfig(steps=120, crop=48, crops=4, learning_rate=2e-2, decoder_width=4)


@pytest.fixture
def add(project: Someone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Adds a photograph with dark boxes to the project; its id. No worker is started."""
    monkeypatch.setattr(queue, "start_worker", lambda: None)

    def added(name: str, *dark: tuple[int, int, int, int], level: int = 200, seed: int = 0) -> int:
        spread = np.random.default_rng(seed).integers(-20, 20, (HEIGHT, WIDTH, 3))
        image = np.clip(level + spread, 0, 255).astype(np.uint8)
        for x, y, width, height in dark:
            image[y : y + height, x : x + width] = 50
        file = save_png(image, tmp_path / name)
        return add_image(project.project_id, project.user_id, file, name)[0].id

    return added


def draw(project: Someone, image: int, *boxes: tuple[int, int, int, int]) -> None:
    strokes = [Rectangle(f"box-{box}", 1, {"box": list(box)}, project.user_id) for box in boxes]
    log.append(image, project.user_id, strokes)


def turns(project: Someone) -> list[tuple[int, str]]:
    with reading() as db:
        rows = db.scalars(select(Turn).order_by(Turn.place))
        return [(row.image_id, row.why) for row in rows]


def given(project: Someone, user: int, count: int) -> list[int]:
    """What is given to somebody who draws on each in turn."""
    found = []
    for _ in range(count):
        image = give_next(project.project_id, user)
        assert image is not None
        log.append(image.id, user, [Rectangle(f"box-{user}", 1, {"box": [0, 0, 5, 5]}, user)])
        found.append(image.id)
    return found


def test_images_are_given_in_the_projects_order_and_never_what_somebody_has_open(
    project: Someone, add: Callable[..., int]
) -> None:
    images = [add(f"{number}.png", seed=number) for number in range(6)]
    with writing() as db:
        bob = add_user(db, "Bob", "a long enough password").id
    accept(invite(project.project_id, "annotator"), bob)
    drawing_order.keep(
        project.project_id, [(images[4], UNSURE), (images[2], UNLIKE), (images[0], ALIKE), (10**6, ALIKE)]
    )
    assert drawing_order.order_of(project.project_id) == next(iter(drawing_order.ORDERS))
    assert drawing_order.reason(image_in(project.project_id, images[4])) == "", "the project goes by another order"
    with pytest.raises(Forbidden):
        drawing_order.set_order(project.project_id, bob, TEACHING)
    with pytest.raises(StudioError, match="no such order"):
        drawing_order.set_order(project.project_id, project.user_id, "best")
    drawing_order.set_order(project.project_id, project.user_id, TEACHING)
    assert text_of(history(project.project_id)[0]) == "set the order of drawing to what teaches most first"
    assert drawing_order.standing(project.project_id) == Standing(3, 0, 3)
    beat(images[4], project.user_id)
    assert given(project, bob, 2) == [images[2], images[0]]
    assert drawing_order.standing(project.project_id) == Standing(1, 2, 3)
    assert drawing_order.reason(image_in(project.project_id, images[4])) == REASONS[UNSURE]
    assert drawing_order.reason(image_in(project.project_id, images[2])) == "", "it is drawn"
    by_content = sorted((images[1], images[3], images[5]), key=lambda one: image_in(project.project_id, one).sha256)
    assert given(project, bob, 3) == by_content, "what has no turn comes last, at random"
    assert give_next(project.project_id, bob) is None
    assert given(project, project.user_id, 1) == [images[4]]


def test_at_random_is_neither_by_name_nor_by_upload(project: Someone, add: Callable[..., int]) -> None:
    images = [add(f"{number}.png", seed=number) for number in range(6)]
    drawing_order.set_order(project.project_id, project.user_id, drawing_order.RANDOM)
    found = given(project, project.user_id, 6)
    assert sorted(found) == images
    assert found != images


def test_a_job_orders_by_looks_and_leaves_near_duplicates_to_the_end(project: Someone, add: Callable[..., int]) -> None:
    drawn = add("drawn.png", CRACK, level=180)
    same = add("same.png", CRACK, level=181)
    plain, dark, bright = (
        add("plain.png", level=180, seed=1),
        add("dark.png", level=60, seed=2),
        add("bright.png", OTHER, seed=4),
    )
    done = add("accepted.png", level=120, seed=3)
    draw(project, drawn, CRACK)
    set_state(project.project_id, project.user_id, [done], "accepted")
    job = order_job.launch_ordering(project.project_id, project.user_id, None)
    assert sweep_job.main(job.id) == 0
    found = turns(project)
    assert {image for image, _ in found} == {same, plain, dark, bright}
    assert found[-1] == (same, ALIKE)
    assert [why for _, why in found[:-1]] == [UNLIKE] * 3
    assert JobOut.model_validate(job).settings == OrderRequest()
    assert notices.claim(project.user_id)[0]["link"] == f"/annotate?project={project.project_id}"
    with reading() as db:
        assert (db.get_one(Job, job.id).state, db.get_one(Job, job.id).share) == ("done", 1.0)
    deleting.delete_images(project.project_id, project.user_id, [same])
    purge(KEPT_SECONDS + 2e9)
    assert same not in {image for image, _ in turns(project)}
    set_state(project.project_id, project.user_id, [plain, dark, bright], "submitted")
    assert sweep_job.main(order_job.launch_ordering(project.project_id, project.user_id, None).id) == 1


def test_a_network_that_is_unsure_says_so(project: Someone, add: Callable[..., int]) -> None:
    drawn = add("drawn.png", CRACK)
    sure, unsure = add("sure.png", level=210, seed=1), add("unsure.png", level=90, seed=2)
    draw(project, drawn, CRACK)
    sweep = add_dark_sweep(project.project_id, project.user_id)
    known = segmenters.mask_network(project.project_id, sweep.id, "keep-0.5-segmented")
    job = order_job.launch_ordering(project.project_id, project.user_id, known)
    order_job.work_out(job, silent, Meter())
    assert turns(project) == [(unsure, UNSURE), (sure, UNLIKE)]


def test_spoilt_masks_come_first_in_the_queue(
    project: Someone, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = project.project_id
    images = [add(f"{number}.png", CRACK, seed=number) for number in range(9)]
    images.append(add("two.png", CRACK, OTHER, seed=9))
    left_out, invented, shifted = images[9], images[3], images[5]
    for image in images:
        draw(project, image, (10, 25, 60, 4) if image == shifted else CRACK)
    draw(project, invented, NOWHERE)
    empty, waits = add("empty.png", CRACK, seed=10), add("waits.png", CRACK, seed=11)
    set_state(own, project.user_id, [empty], "submitted")
    sweep = add_dark_sweep(own, project.user_id)
    known = segmenters.mask_network(own, sweep.id, "keep-0.5-segmented")
    job = suspect_job.launch_suspecting(own, project.user_id, known, folds=2, segment=QUICK)
    assert isinstance(JobOut.model_validate(job).settings, SuspectRequest)
    assert sweep_job.main(job.id) == 0
    first = suspicious.waiting(own, count=5)
    expected = {(UNDRAWN, left_out, 40), (UNSEEN, invented, 40), (UNDRAWN, shifted, 10), (UNSEEN, shifted, 25),
                (UNDRAWN, empty, 10)}  # fmt: skip
    assert {(area.kind, area.image_id, round(area.y / 5) * 5) for area, _ in first} == expected
    masks = [log.mask(image_in(own, image)) for image in images]

    monkeypatch.setattr("ftl.training.cross_validation.without_fold", None)  # both folds are done
    wrong = next(area for area, _ in first if area.image_id == invented)
    suspicious.set_aside(invented, project.user_id, wrong.id)
    draw(project, shifted, (0, 0, 2, 2))
    assert {area.image_id for area, _ in suspicious.waiting(own, count=3)} & {invented, shifted} == set()
    assert {image.id for _, image in suspicious.waiting(own, count=2)} == {left_out, empty}
    assert waits not in {image.id for _, image in suspicious.waiting(own)}
    suspect_job.look_for(job, silent, Meter())
    again = suspicious.waiting(own)
    assert {image.id for _, image in again[:2]} == {left_out, empty}
    assert not {area.image_id for area, _ in again} & {invented, shifted}, "settled, and drawn on since"
    assert suspicious.count_waiting(own) == len(again)
    assert all((log.mask(image_in(own, image)) == mask).all() for image, mask in zip(images, masks, strict=True)
               if image != shifted)  # fmt: skip


def test_what_was_settled_is_asked_about_again_only_once_it_is_drawn_on(
    project: Someone, add: Callable[..., int]
) -> None:
    own, image = project.project_id, add("a.png", CRACK)
    draw(project, image, CRACK)
    areas = [Suspicion(UNSEEN, CRACK, 240, 200.0), Suspicion(UNDRAWN, OTHER, 250, 250.0)]
    assert suspicious.keep({image: suspicious.Looked(1, areas), 10**6: suspicious.Looked(1, areas)}) == 2
    assert [area.kind for area, _ in suspicious.waiting(own)] == [UNDRAWN, UNSEEN]
    suspicious.set_aside(image, project.user_id, suspicious.waiting(own)[0][0].id)
    moved = areas[1]._replace(box=(12, 41, 50, 5))
    assert suspicious.keep({image: suspicious.Looked(1, [areas[0], moved, areas[1]._replace(kind=UNSEEN)])}) == 2
    assert suspicious.keep({image: suspicious.Looked(2, areas)}) == 0, "somebody drew on it meanwhile"
    draw(project, image, OTHER)
    assert suspicious.waiting(own) == []
    assert suspicious.keep({image: suspicious.Looked(2, areas)}) == 2
    old = suspicious.waiting(own)[0][0].id
    suspicious.keep({image: suspicious.Looked(2, [])})
    with pytest.raises(StudioError, match="looked for anew"):
        suspicious.set_aside(image, project.user_id, old)
    with reading() as db:
        assert db.scalar(select(func.count()).select_from(SuspiciousArea)) == 0


def test_a_network_without_its_pruned_one_is_refused(project: Someone, add: Callable[..., int]) -> None:
    sweep = add_dark_sweep(project.project_id, project.user_id)
    known = segmenters.mask_network(project.project_id, sweep.id, "keep-0.5-segmented")
    shutil.rmtree(models(sweep.id) / "keep-0.5")
    with pytest.raises(StudioError, match="no longer there"):
        suspect_job.launch_suspecting(project.project_id, project.user_id, known)
