"""A network proposes: as areas on the surface, and ahead for many images; it counts once a person agrees."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from ftl.config import SweepConfig
from ftl.progress import silent
from studio.accounts import COOKIE, add_user, open_session
from studio.annotation import log, proposals
from studio.annotation.assists import network
from studio.annotation.pixels import decode
from studio.annotation.strokes import Rectangle
from studio.api import assist, gate, objects, strokes
from studio.api import proposals as routes
from studio.api.schemas import JobOut
from studio.errors import Forbidden, StudioError
from studio.images.library import Filter, add_image, count_images, find_images, image_in, set_state
from studio.jobs import label_job, notices, queue, reporting, segmenters, sweep_job, sweeps
from studio.jobs.meter import Meter
from studio.jobs.request import FURTHER, LABEL, FurtherRequest, LabelRequest, SweepRequest
from studio.projects.classes import create_class
from studio.projects.invitations import accept, invite
from studio.projects.members import set_role
from studio.store.database import reading, writing
from studio.store.tables import Image, Job, Proposal
from studio.trash import deleting
from studio.trash.deleting import KEPT_SECONDS
from studio.trash.purging import purge
from tests.conftest import save_png
from tests.dark_network import add_dark_sweep
from tests.studio.conftest import Someone
from tests.studio.jobs.test_jobs import wait

WIDTH, HEIGHT = 80, 60
DARK = {"line": (10, 10, 60, 4), "blob": (10, 30, 12, 12), "faint": (40, 30, 12, 12)}
"""What is dark on a wall: boxes x, y, width, height."""


def wall(seed: int = 0) -> np.ndarray:
    image = np.random.default_rng(seed).integers(180, 220, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    for name, (x, y, width, height) in DARK.items():
        image[y : y + height, x : x + width] = 100 if name == "faint" else 50
    return image


class Site(NamedTuple):
    """A project with three walls and a network; Bob draws in it, Eve is in no project."""

    project: int
    ada: int
    images: list[int]
    job: int
    clients: dict[str, TestClient]

    def ask(self, name: str, path: str, content: Any = None, status: int = 200, image: int = 0) -> Any:
        address = f"/files/{self.project}/images/{self.images[image]}/{path}"
        client = self.clients[name]
        got = client.get(address) if content is None else client.post(address, json=content)
        assert got.status_code == status, (got.status_code, got.text)
        return got.json()

    def areas(self, percent: int = 50, **more: Any) -> list[dict[str, Any]]:
        body = {"kind": "network", "job": self.job, "network": "keep-0.5-segmented", "percent": percent, "least": 20}
        found: list[dict[str, Any]] = self.ask("Bob", "assist", body | more)["areas"]
        return found


@pytest.fixture
def site(project: Someone, tmp_path: Path) -> Site:
    images = [
        add_image(project.project_id, project.user_id, save_png(wall(seed), tmp_path / f"{seed}.png"), f"{seed}.png")[
            0
        ].id
        for seed in range(3)
    ]
    with writing() as db:
        bob, eve = (add_user(db, name, "a long enough password").id for name in ("Bob", "Eve"))
    accept(invite(project.project_id, "annotator"), bob)
    parts = [route for part in (assist, routes, objects, strokes) for route in part.ROUTES]
    app = Starlette(routes=parts, middleware=[Middleware(gate.Gate)])
    people = {"Ada": project.user_id, "Bob": bob, "Eve": eve}
    clients = {name: TestClient(app, cookies={COOKIE: open_session(user)}) for name, user in people.items()}
    job = add_dark_sweep(project.project_id, project.user_id, keeps={"keep-0.25": 0.6, "keep-0.5": 0.8})
    return Site(project.project_id, project.user_id, images, job.id, clients)


def boxes(areas: list[dict[str, Any]]) -> list[tuple[int, ...]]:
    return sorted(tuple(area["box"]) for area in areas)


def test_networks_are_listed_the_newest_sweeps_best_first(site: Site) -> None:
    newer = add_dark_sweep(site.project, site.ada, "Newer", keeps={"keep-0.1": 0.1})
    listed = site.ask("Bob", "proposals")
    assert [known["title"] for known in listed["networks"]] == [
        "keep-0.1-segmented of Newer", "keep-0.5-segmented of Walls", "keep-0.25-segmented of Walls"
    ]  # fmt: skip
    assert listed["networks"][1] == {
        "job": site.job, "network": "keep-0.5-segmented", "title": "keep-0.5-segmented of Walls", "percent": 50,
        "classes": [{"name": "Crack", "number": 0}], "further": None,
    }  # fmt: skip
    assert listed["waiting"] is None
    sweeps.pick(site.project, site.job, "keep-0.25-segmented", site.ada)  # the project's own comes before all
    assert site.ask("Bob", "proposals")["networks"][0]["title"] == "keep-0.25-segmented of Walls"
    with pytest.raises(StudioError, match="the project's network"):
        deleting.delete_network(site.project, site.ada, site.job, "keep-0.25-segmented")
    deleting.delete_network(site.project, site.ada, site.job, "keep-0.5-segmented")
    deleting.delete_job(site.project, site.ada, newer.id)
    assert [known["network"] for known in site.ask("Bob", "proposals")["networks"]] == ["keep-0.25-segmented"]
    (sweeps.models(site.job) / "keep-0.25-segmented" / "head.safetensors").write_bytes(b"damaged")
    assert site.ask("Bob", "proposals")["networks"] == []


def test_a_network_that_is_being_trained_is_told_with_its_progress(site: Site) -> None:
    def add(kind: str, state: str, **settings: Any) -> int:
        with writing() as db:
            job = Job(project_id=site.project, created_by=site.ada, kind=kind, name="New", settings=settings)
            db.add(job)
            job.state, job.share = state, 0.92
            db.flush()
            return job.id

    draws = SweepRequest(sweep=SweepConfig(heads=("segmented",))).model_dump(mode="json")
    further = FurtherRequest(source=site.job, network="keep-0.5-segmented", title="", mask_classes=(1,))
    expected = [
        (("sweep", "running"), {}, None),  # which only classifies
        (("sweep", "done"), draws, None),
        ((LABEL, "running"), {"job": site.job, "network": "keep-0.5-segmented"}, None),
        ((FURTHER, "queued"), further.model_dump(mode="json"), {"percent": None}),
        (("sweep", "running"), draws, {"percent": 92}),
    ]
    for (kind, state), settings, training in expected:
        last = add(kind, state, **settings)
        assert site.ask("Bob", "proposals")["training"] == training, (kind, state)
    queue.change(last, share=1.0)
    assert site.ask("Bob", "proposals")["training"] == {"percent": 99}


def test_the_threshold_shrinks_and_grows_what_one_look_found(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from ftl.models import tiling

    looks = []
    segment = tiling.segment
    monkeypatch.setattr(tiling, "segment", lambda model, photo: looks.append(photo.shape) or segment(model, photo))
    segmenters._SEEN.clear()
    assert boxes(site.areas()) == sorted([DARK["line"], DARK["blob"]])
    assert boxes(site.areas(percent=20)) == sorted(DARK.values())
    assert site.areas(percent=99) == []
    assert boxes(site.areas(least=200)) == [DARK["line"]]
    assert looks.count((HEIGHT, WIDTH, 3)) == 1
    biggest = site.areas()[0]
    assert (biggest["pixels"], biggest["class_number"]) == (240, 0)
    assert decode(biggest["counts"], 4, 60).all()


def test_what_is_drawn_is_proposed_only_if_asked_for(site: Site) -> None:
    log.append(site.images[0], site.ada, [Rectangle("box", 3, {"box": [10, 30, 12, 12]}, site.ada)])
    assert boxes(site.areas()) == [DARK["line"]]
    assert boxes(site.areas(over=True)) == sorted([DARK["line"], DARK["blob"]])


def test_of_several_classes_each_becomes_the_projects_of_that_name(site: Site, tmp_path: Path) -> None:
    job = add_dark_sweep(site.project, site.ada, "Two", ("crack", "Rust"))
    image = wall(7)
    image[30:42, 10:22] = (200, 20, 20)
    file = save_png(image, tmp_path / "rust.png")
    site.images.insert(0, add_image(site.project, site.ada, file, "rust.png")[0].id)

    def numbers() -> dict[tuple[int, ...], int]:
        return {tuple(area["box"]): area["class_number"] for area in site.areas(job=job.id, percent=60)}

    assert numbers() == {DARK["line"]: 1, DARK["blob"]: 0}
    rust = create_class(site.project, site.ada, "rust")
    assert numbers() == {DARK["line"]: 1, DARK["blob"]: rust.number}
    assert site.ask("Bob", "proposals")["networks"][0]["classes"] == [
        {"name": "crack", "number": 1}, {"name": "Rust", "number": rust.number}
    ]  # fmt: skip


def test_only_members_ask_and_what_is_gone_is_said(site: Site) -> None:
    body = {"kind": "network", "job": site.job, "network": "keep-0.5-segmented", "percent": 50, "least": 1}
    site.ask("Eve", "proposals", status=403)
    site.ask("Eve", "assist", body, 403)
    site.ask("Eve", "proposals", {"made": 1.0}, 403)
    network = {"job": site.job, "network": "keep-0.5-segmented"}
    site.ask("Bob", "proposals/further", network, 403)
    assert "does not say which" in site.ask("Ada", "proposals/further", network, 400)["error"]
    for unfit in ({"job": 0}, {"job": True}, {"network": 3}):
        site.ask("Ada", "proposals/further", network | unfit, 400)
    for wrong in ({"percent": 0}, {"percent": 100}, {"percent": 50.5}, {"job": 0}, {"network": 3}, {"least": 0}):
        site.ask("Bob", "assist", body | wrong, 400)
    assert "no such network" in site.ask("Bob", "assist", body | {"network": "keep-0.5"}, 404)["error"]
    site.ask("Bob", "assist", body | {"network": "../../secret"}, 404)
    deleting.delete_network(site.project, site.ada, site.job, "keep-0.5-segmented")
    assert "deleted" in site.ask("Bob", "assist", body, 404)["error"]
    deleting.delete_job(site.project, site.ada, site.job)
    assert "no longer there" in site.ask("Bob", "assist", body, 404)["error"]


def test_one_photograph_is_looked_at_at_a_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    segmenters._SEEN.clear()
    monkeypatch.setattr(segmenters, "_MOST_BYTES", 4 * WIDTH * HEIGHT)
    with segmenters._TURN, pytest.raises(StudioError, match="busy"):
        segmenters.look(site.project, site.job, "keep-0.5-segmented", "0" * 64, lambda: wall(), wait=0.01)
    for number in range(6):
        segmenters.look(site.project, site.job, "keep-0.5-segmented", str(number), lambda: wall())
    assert [key[2] for key in segmenters._SEEN] == ["2", "3", "4", "5"]


def test_an_accepted_area_says_who_proposed_and_who_accepted_it(site: Site) -> None:
    geometry = {"counts": [0, 4, HEIGHT * WIDTH - 4], "size": [HEIGHT, WIDTH], "proposed_by": "keep-0.5 of Walls"}
    row = {"id": "a", "kind": "region", "class_number": 1, "geometry": geometry | {"over": False}}
    bob = proposer(site, "Bob")
    site.ask("Bob", "strokes", {"user": bob, "after": 0, "rows": [row]})
    stroke = site.ask("Ada", "object?x=0&y=0")["stroke"]
    assert (stroke["name"], stroke["geometry"]["proposed_by"]) == ("Bob", "keep-0.5 of Walls")
    for wrong in ("", 3, None, "x" * 251):
        rows = [row | {"id": "b", "geometry": geometry | {"proposed_by": wrong}}]
        site.ask("Bob", "strokes", {"user": bob, "after": 0, "rows": rows}, 400)


def proposer(site: Site, name: str) -> int:
    from studio.store.tables import User

    with reading() as db:
        return db.scalars(select(User.id).where(User.name == name)).one()


@pytest.fixture
def launched(site: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Job]:
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    return lambda: label_job.launch_labelling(site.project, site.ada, site.job, "keep-0.5-segmented")


def kept(image_id: int) -> Proposal | None:
    with reading() as db:
        return db.get(Proposal, image_id)


def test_a_job_proposes_on_what_nobody_has_drawn_on(site: Site, launched: Callable[[], Job]) -> None:
    drawn, accepted, rest = site.images
    log.append(drawn, site.ada, [Rectangle("box", 3, {"box": [0, 0, 5, 5]}, site.ada)])
    set_state(site.project, site.ada, [accepted], "accepted")
    job = launched()
    assert sweep_job.main(job.id) == 0
    with reading() as db:
        assert (db.get_one(Job, job.id).state, db.get_one(Job, job.id).share) == ("done", 1.0)
    assert kept(drawn) is None
    assert kept(accepted) is None
    found = kept(rest)
    assert found is not None
    assert boxes(found.areas) == sorted([DARK["line"], DARK["blob"]])
    assert (found.title, found.threshold, found.count) == ("keep-0.5-segmented of Walls", 0.5, 2)
    # nothing of it is a stroke
    assert log.read(rest) == []
    assert not log.mask(image_in(site.project, rest)).any()
    assert image_in(site.project, rest).strokes == 0
    assert count_images(site.project, Filter(drawn=True)) == 1
    assert [image.id for image in find_images(site.project, Filter(proposed=True))] == [rest]
    assert count_images(site.project, Filter(proposed=False)) == 2
    assert proposals.waiting_among(site.images) == {rest}
    assert JobOut.model_validate(job).settings == LabelRequest(job=site.job, network="keep-0.5-segmented")
    assert notices.claim(site.ada)[0]["link"] == f"/images?project={site.project}"


def test_what_waits_is_shown_at_once_and_seen_when_it_is_decided(
    site: Site, launched: Callable[[], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep_job.main(launched().id)
    monkeypatch.setattr(segmenters, "look", None)  # nobody runs the network for it
    waiting = site.ask("Bob", "proposals")["waiting"]
    assert boxes(waiting["areas"]) == sorted([DARK["line"], DARK["blob"]])
    assert (waiting["job"], waiting["network"], waiting["percent"]) == (site.job, "keep-0.5-segmented", 50)
    for wrong in ({}, {"made": "now"}, {"made": waiting["made"] - 1}):
        site.ask("Bob", "proposals", wrong, 400)
    assert site.ask("Ada", "proposals")["waiting"] == waiting
    site.ask("Bob", "proposals", {"made": waiting["made"]})
    site.ask("Ada", "proposals", {"made": waiting["made"]})  # a second one has decided too
    found = kept(site.images[0])
    assert found is not None
    assert found.seen_by == proposer(site, "Bob")
    assert site.ask("Bob", "proposals")["waiting"] is None
    assert len(find_images(site.project, Filter(proposed=True))) == 2
    set_state(site.project, site.ada, site.images, "submitted")
    assert find_images(site.project, Filter(proposed=True)) == []


def test_a_job_goes_on_where_it_stopped_and_a_newer_network_replaces(
    site: Site, launched: Callable[[], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    look = segmenters.look

    def stopping(*given: Any) -> network.Seen:
        if len(looked) == 2:
            raise KeyboardInterrupt  # as a kill would end it
        looked.append(given[3])
        return look(*given)

    monkeypatch.setattr(segmenters, "look", stopping)
    with pytest.raises(KeyboardInterrupt):
        label_job.propose(launched(), silent, Meter())
    monkeypatch.setattr(segmenters, "look", lambda *given: looked.append(given[3]) or look(*given))
    label_job.propose(launched(), silent, Meter())
    assert len(looked) == len(set(looked)) == 3
    found = kept(site.images[0])
    assert found is not None
    proposals.decided(site.images[0], site.ada, found.made_at)
    label_job.propose(launched(), silent, Meter())
    assert len(looked) == 3, "what a person has decided on is not proposed again"
    newer = add_dark_sweep(site.project, site.ada, "Newer")
    again = label_job.launch_labelling(site.project, site.ada, newer.id, "keep-0.5-segmented")
    label_job.propose(again, silent, Meter())
    assert len(looked) == 6
    assert len(proposals.waiting_among(site.images)) == 3
    with pytest.raises(StudioError, match="newer proposals"):
        proposals.decided(site.images[0], site.ada, found.made_at)


def test_who_draws_meanwhile_is_not_talked_over(
    site: Site, launched: Callable[[], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    look = segmenters.look

    def slow(*given: Any) -> network.Seen:
        log.append(site.images[0], site.ada, [Rectangle("box", 3, {"box": [0, 0, 5, 5]}, site.ada)])
        return look(*given)

    monkeypatch.setattr(segmenters, "look", slow)
    label_job.propose(launched(), silent, Meter())
    assert proposals.waiting_among(site.images) == set(site.images[1:])


def test_what_is_deleted_meanwhile_ends_nothing_else(
    site: Site, launched: Callable[[], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image, then who draws and who launched, then the network's sweep."""
    look, looked, first, bob = segmenters.look, list[str](), site.images[0], proposer(site, "Bob")
    set_role(site.project, site.ada, bob, "admin")

    def meanwhile(*given: Any) -> network.Seen:
        looked.append(given[3])
        if len(looked) == 1:
            deleting.delete_images(site.project, site.ada, [first])
        elif len(looked) == 2:
            set_role(site.project, bob, site.ada, None)
        elif len(looked) == 3:
            deleting.delete_job(site.project, bob, site.job)
        return look(*given)

    monkeypatch.setattr(segmenters, "look", meanwhile)
    job = launched()
    assert sweep_job.main(job.id) == 1
    with reading() as db:
        assert "no longer there" in (db.get_one(Job, job.id).error or "")
    assert [kept(image) is not None for image in site.images] == [False, True, False]
    deleting.restore(site.project, bob, "job", site.job)
    deleting.restore(site.project, bob, "image", first)
    made = kept(site.images[1])
    queue.retry(site.project, job.id, bob)
    assert queue.claim(job.id)
    assert sweep_job.main(job.id) == 0  # though who launched it is gone
    again = kept(site.images[1])
    assert again is not None
    assert made is not None
    assert again.made_at == made.made_at
    assert proposals.waiting_among(site.images) == {*site.images}
    assert len(looked) == 5
    with pytest.raises(Forbidden):
        proposals.decided(site.images[1], site.ada, again.made_at)
    assert site.images[1] in proposals.waiting_among(site.images)


LARGE = {"line": (100, 200, 3500, 8), "seam": (1000, 1000, 60, 60), "corner": (3980, 2980, 20, 20)}
"""What is dark on a photograph of 12 megapixels; one lies across the parts that it is looked at in."""


def add_large(site: Site, folder: Path) -> int:
    image = np.random.default_rng(0).integers(180, 220, (3000, 4000, 1), np.uint8).repeat(3, 2)
    for x, y, width, height in (*LARGE.values(), (50, 50, 10, 10)):  # the last is too small to be proposed
        image[y : y + height, x : x + width] = 50
    file = save_png(image, folder / "large.png")
    return add_image(site.project, site.ada, file, "large.png")[0].id


def test_a_job_that_is_killed_or_cancelled_goes_on(site: Site, tmp_path: Path) -> None:
    """While it looks at 12 megapixels: nothing is proposed twice, and nothing is lost."""
    large = add_large(site, tmp_path)
    site.images.append(large)
    job = label_job.launch_labelling(site.project, site.ada, site.job, "keep-0.5-segmented")

    def at_the_large_one() -> int:
        """The process that looks at it, once the others are done."""
        while (now := sweeps.job_in(site.project, job.id)).stage != "proposing" or kept(site.images[2]) is None:
            assert now.state in queue.UNFINISHED, now.error
            time.sleep(0.05)
        assert now.process is not None
        return now.process

    os.kill(at_the_large_one(), signal.SIGKILL)
    assert "ended from outside" in (wait(job, "failed", "done").error or "")
    made = {image: found.made_at for image in site.images if (found := kept(image)) is not None}
    assert [*made] == site.images[:3]
    queue.retry(site.project, job.id, site.ada)
    at_the_large_one()
    queue.cancel(site.project, job.id, site.ada)
    assert wait(job, "cancelled", "done").state == "cancelled"
    assert kept(large) is None
    queue.retry(site.project, job.id, site.ada)
    wait(job, "done", "failed")
    found = kept(large)
    assert found is not None
    assert boxes(found.areas) == sorted(LARGE.values())
    for area, (_, _, width, height) in zip(
        sorted(found.areas, key=lambda one: one["box"]), sorted(LARGE.values()), strict=True
    ):
        assert decode(area["counts"], height, width).all()
    assert {image: own.made_at for image in site.images[:3] if (own := kept(image)) is not None} == made
    assert "proposals on 1 image;" in reporting.log(job.id)


def test_only_admins_launch_and_a_missing_network_fails_in_words(site: Site, launched: Callable[[], Job]) -> None:
    with pytest.raises(Forbidden):
        label_job.launch_labelling(site.project, proposer(site, "Bob"), site.job, "keep-0.5-segmented")
    with pytest.raises(StudioError, match="no such network"):
        label_job.launch_labelling(site.project, site.ada, site.job, "keep-0.75-segmented")
    (sweeps.models(site.job) / "keep-0.5" / "head.safetensors").touch()  # as of a network that tells classes apart
    with pytest.raises(StudioError, match="draws no masks"):
        label_job.launch_labelling(site.project, site.ada, site.job, "keep-0.5")
    job = launched()
    deleting.delete_job(site.project, site.ada, site.job)
    assert sweep_job.main(job.id) == 1
    with reading() as db:
        assert "no longer there" in (db.get_one(Job, job.id).error or "")


def test_proposals_go_with_their_image_and_their_sweep(site: Site, launched: Callable[[], Job]) -> None:
    label_job.propose(launched(), silent, Meter())
    deleting.delete_images(site.project, site.ada, site.images[:1])
    assert kept(site.images[0]) is not None  # it may come back
    purge(time.time() + KEPT_SECONDS + 1)
    assert kept(site.images[0]) is None
    assert kept(site.images[1]) is not None
    deleting.delete_job(site.project, site.ada, site.job)
    assert site.ask("Bob", "proposals", image=1)["waiting"] is not None
    purge(time.time() + 2 * KEPT_SECONDS)
    assert kept(site.images[1]) is None
    with reading() as db:
        assert db.get(Image, site.images[1]) is not None
