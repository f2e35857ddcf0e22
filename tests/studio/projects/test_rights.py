"""Every change asks anew who acts: nobody who was signed out, removed or deactivated changes anything."""

from __future__ import annotations

import ast
import io
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from sqlalchemy import delete, select, update

from ftl.models.io import save_backbone
from studio.accounts import add_user, open_session, others, own, sessions, settings, tokens
from studio.accounts.rights import SignedIn
from studio.annotation import log, proposals
from studio.annotation.strokes import Rectangle
from studio.backup.packing import backup
from studio.backup.restoring import restore
from studio.collaboration import assignment, comments, consensus, drawing_order, presence, review, suspicious
from studio.errors import Forbidden
from studio.formats.import_masks import import_masks
from studio.images import library, work
from studio.images.uploads import receive
from studio.jobs import backbones, queue, sweeps, usage, webhook
from studio.jobs.demo import launch_demo
from studio.jobs.request import SweepRequest
from studio.projects import classes, invitations, members, projects
from studio.store.database import engine, migrate, reading, writing
from studio.store.home import secret
from studio.store.tables import (
    BackboneFile,
    Base,
    CandidateRow,
    Image,
    Job,
    Member,
    Proposal,
    Session,
    SuspiciousArea,
    User,
)
from studio.trash import deleting
from tests.conftest import ROOT, make_features, save_png

SIZE = 24
MADE = 1.5
PASSWORD = "a long enough password"


class World(NamedTuple):
    """A project with one of everything: `ada` is its admin, `cleo` deactivated; ids of images say their states."""

    project: int
    ada: int
    bob: int
    cleo: int
    open: int
    submitted: int
    accepted: int
    deleted: int
    comment: int
    queued: int
    failed: int
    done: int
    invitation: str
    backup: bytes
    backbone: bytes


class Case(NamedTuple):
    """`call` changes something as the user that it is given, who needs `role`, None where there is no project yet.

    `inside`: the function that opens the transaction.
    """

    inside: str
    role: str | None
    call: Callable[[World, Any], object]


def image(world: World, which: int) -> Any:
    return library.image_in(world.project, which)


def crack(world: World) -> Any:
    return classes.classes_of(world.project)[0]


def photograph(seed: int) -> bytes:
    buffer = io.BytesIO()
    Picture.fromarray(np.random.default_rng(seed).integers(0, 255, (SIZE, SIZE, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def white_mask() -> bytes:
    buffer = io.BytesIO()
    Picture.fromarray(np.full((SIZE, SIZE), 255, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


BOX = Rectangle("box", 1, {"box": [1, 1, 4, 4]})
MASK = np.ones((SIZE, SIZE), np.uint8)
LIBRARY, QUEUE, REVIEW = "studio.images.library", "studio.jobs.queue", "studio.collaboration.review"
TRASH = "studio.trash.deleting"

CASES = {
    "create_project": Case(
        "studio.projects.projects:create_project", None, lambda w, who: projects.create_project(who, "New")
    ),
    "join": Case("studio.projects.invitations:accept", None, lambda w, who: invitations.accept(elsewhere(w), who)),
    "launch_demo": Case("studio.projects.projects:create_project", None, lambda w, who: launch_demo(who)),
    "restore": Case("studio.backup.restoring:restore", None, lambda w, who: restore(who, io.BytesIO(w.backup))),
    "set_role": Case(
        "studio.projects.members:set_role",
        "admin",
        lambda w, who: members.set_role(w.project, who, w.ada, "reviewer"),
    ),
    "remove": Case(
        "studio.projects.members:set_role", "admin", lambda w, who: members.set_role(w.project, who, w.ada, None)
    ),
    "set_photo_pattern": Case(
        "studio.projects.projects:set_photo_pattern",
        "admin",
        lambda w, who: projects.set_photo_pattern(w.project, "(.+)_", who),
    ),
    "invite": Case(
        "studio.projects.invitations:invite", "admin", lambda w, who: invitations.invite(w.project, "annotator", who)
    ),
    "create_class": Case(
        "studio.projects.classes:create_class", "admin", lambda w, who: classes.create_class(w.project, who, "Spalling")
    ),
    "rename_class": Case(
        "studio.projects.classes:rename_class",
        "admin",
        lambda w, who: classes.rename_class(w.project, who, crack(w).id, "Gap"),
    ),
    "remove_class": Case(
        "studio.projects.classes:remove_class",
        "admin",
        lambda w, who: classes.remove_class(w.project, who, crack(w).id),
    ),
    "set_overlap": Case(
        "studio.collaboration.assignment:set_overlap", "admin", lambda w, who: assignment.set_overlap(w.project, who, 2)
    ),
    "assign": Case(
        "studio.collaboration.assignment:assign",
        "reviewer",
        lambda w, who: assignment.assign(w.project, [w.open], w.ada, who),
    ),
    "give_next": Case(
        "studio.collaboration.assignment:give_next", "annotator", lambda w, who: assignment.give_next(w.project, who)
    ),
    "beat": Case("studio.collaboration.presence:beat", "annotator", lambda w, who: presence.beat(w.open, who)),
    "submit": Case(f"{REVIEW}:submit", "annotator", lambda w, who: review.submit(w.open, who)),
    "accept": Case(f"{REVIEW}:accept", "reviewer", lambda w, who: review.accept(w.submitted, who)),
    "give_back": Case(f"{REVIEW}:give_back", "reviewer", lambda w, who: review.give_back(w.submitted, who)),
    "reopen": Case(f"{REVIEW}:reopen", "reviewer", lambda w, who: review.reopen(w.accepted, who)),
    "comment": Case(
        "studio.collaboration.comments:comment",
        "annotator",
        lambda w, who: comments.comment(image(w, w.open), who, "here"),
    ),
    "settle a comment": Case(
        "studio.collaboration.comments:settle",
        "annotator",
        lambda w, who: comments.settle(image(w, w.open), w.comment, who),
    ),
    "draw": Case("studio.annotation.log:append", "annotator", lambda w, who: log.append(w.open, who, [BOX])),
    "restore a mask": Case(
        "studio.annotation.log:restore", "annotator", lambda w, who: log.restore(image(w, w.open), who, MASK)
    ),
    "set_order": Case(
        "studio.collaboration.drawing_order:set_order",
        "admin",
        lambda w, who: drawing_order.set_order(w.project, who, drawing_order.RANDOM),
    ),
    "set a suspicious mask aside": Case(
        "studio.collaboration.suspicious:set_aside",
        "reviewer",
        lambda w, who: suspicious.set_aside(w.open, who, suspicious.waiting(w.project)[0][0].id),
    ),
    "decide on proposals": Case(
        "studio.annotation.proposals:decided",
        "annotator",
        lambda w, who: proposals.decided(w.open, who, MADE),
    ),
    "settle masks": Case(
        "studio.collaboration.consensus:settle",
        "reviewer",
        lambda w, who: consensus.settle(image(w, w.open), who, MASK, 2, log.position(w.open)),
    ),
    "set_class": Case(
        f"{LIBRARY}:_update", "annotator", lambda w, who: library.set_class(w.project, who, [w.open], crack(w).id)
    ),
    "give_class": Case(
        f"{LIBRARY}:give_class",
        "annotator",
        lambda w, who: library.give_class(w.project, who, w.open, None, crack(w).id),
    ),
    "set_accept_own": Case(
        "studio.images.work:set_accept_own",
        "admin",
        lambda w, who: work.set_accept_own(w.project, who, True),
    ),
    "set_split": Case(
        f"{LIBRARY}:_update", "annotator", lambda w, who: library.set_split(w.project, who, [w.open], "test")
    ),
    "set_state": Case(
        f"{LIBRARY}:_update", "reviewer", lambda w, who: library.set_state(w.project, who, [w.open], "accepted")
    ),
    "add_image": Case(f"{LIBRARY}:add_image", "annotator", lambda w, who: add_photograph(w, who)),
    "upload": Case(
        "studio.images.uploads:receive",
        "annotator",
        lambda w, who: receive(w.project, who, [("a.png", io.BytesIO(photograph(9)))]),
    ),
    "upload into a new class": Case(
        "studio.images.uploads:_made",
        "annotator",
        lambda w, who: receive(w.project, who, [("Spalling/a.png", io.BytesIO(photograph(9)))]),
    ),
    "import masks": Case(
        "studio.formats.import_masks:import_masks",
        "annotator",
        lambda w, who: import_masks(w.project, who, [("open.png", io.BytesIO(white_mask()))], class_number=1),
    ),
    "import masks of a new class": Case(
        "studio.formats.targets:number", "annotator", lambda w, who: import_new_class(w, who)
    ),
    "launch": Case(
        f"{QUEUE}:launch", "admin", lambda w, who: queue.launch(w.project, who, "sweep", "b", SweepRequest())
    ),
    "prefer": Case(f"{QUEUE}:prefer", "admin", lambda w, who: queue.prefer(w.project, w.queued, who)),
    "cancel": Case(f"{QUEUE}:cancel", "admin", lambda w, who: queue.cancel(w.project, w.queued, who)),
    "retry": Case(f"{QUEUE}:_again", "admin", lambda w, who: queue.retry(w.project, w.failed, who)),
    "use what is finished": Case(f"{QUEUE}:_again", "admin", lambda w, who: queue.settle(w.project, w.failed, who)),
    "record_use": Case(
        "studio.jobs.usage:record_use",
        "annotator",
        lambda w, who: usage.record_use(w.project, who, usage.TRIED, 1, "keep-0.5"),
    ),
    "pick": Case("studio.jobs.sweeps:pick", "reviewer", lambda w, who: sweeps.pick(w.project, w.done, "keep-0.5", who)),
    "add a backbone": Case(
        "studio.jobs.backbones:add",
        "admin",
        lambda w, who: backbones.add(w.project, "own.safetensors", io.BytesIO(w.backbone), who),
    ),
    "rename": Case("studio.accounts.own:rename", None, lambda w, who: own.rename(who, "Robert")),
    "change_password": Case(
        "studio.accounts.own:change_password",
        None,
        lambda w, who: own.change_password(who, PASSWORD, "seven herons on a viaduct"),
    ),
    "sign_out_browser": Case(
        "studio.accounts.sessions:sign_out_browser",
        None,
        lambda w, who: sessions.sign_out_browser(who, sessions.browsers_of(who)[0].key),
    ),
    "sign_out_others": Case(
        "studio.accounts.sessions:sign_out_others", None, lambda w, who: sessions.sign_out_others(who)
    ),
    "make_token": Case(
        "studio.accounts.tokens:make_token", None, lambda w, who: tokens.make_token(who, "New", "read", None, 1)
    ),
    "revoke a token": Case(
        "studio.accounts.tokens:revoke", None, lambda w, who: tokens.revoke(who, tokens.tokens_of(who)[0].id)
    ),
    "make_reset_link": Case(
        "studio.accounts.others:make_reset_link", None, lambda w, who: others.make_reset_link(who, w.ada)
    ),
    "reactivate": Case("studio.accounts.others:reactivate", None, lambda w, who: others.reactivate(who, w.cleo)),
    "set a webhook": Case(
        "studio.jobs.webhook:set_for_project",
        "admin",
        lambda w, who: webhook.set_for_project(w.project, who, "https://93.184.215.14/hook"),
    ),
    "revoke": Case(
        "studio.projects.invitations:revoke", "admin", lambda w, who: invitations.revoke(w.project, who, w.invitation)
    ),
    "delete images": Case(
        f"{TRASH}:delete_images", "reviewer", lambda w, who: deleting.delete_images(w.project, who, [w.open])
    ),
    "delete a job": Case(f"{TRASH}:delete_job", "admin", lambda w, who: deleting.delete_job(w.project, who, w.done)),
    "delete a network": Case(f"{TRASH}:delete_network", "admin", lambda w, who: delete_a_network(w, who)),
    "rename a backbone": Case(
        f"{TRASH}:rename_backbone",
        "admin",
        lambda w, who: deleting.rename_backbone(w.project, who, "tiny.safetensors", "small"),
    ),
    "delete a backbone": Case(
        f"{TRASH}:delete_backbone", "admin", lambda w, who: deleting.delete_backbone(w.project, who, "tiny.safetensors")
    ),
    "delete a project": Case(
        f"{TRASH}:delete_project", "admin", lambda w, who: deleting.delete_project(w.project, who)
    ),
    "restore from the trash": Case(
        f"{TRASH}:restore", "admin", lambda w, who: deleting.restore(w.project, who, "image", w.deleted)
    ),
    "archive": Case(f"{TRASH}:archive", "admin", lambda w, who: deleting.archive(w.project, who)),
    "rename a project": Case(
        f"{TRASH}:rename_project", "admin", lambda w, who: deleting.rename_project(w.project, who, "Bridge 43")
    ),
    "rename a job": Case(
        f"{TRASH}:rename_job", "admin", lambda w, who: deleting.rename_job(w.project, who, w.done, "b")
    ),
    "rename an image": Case(
        f"{TRASH}:rename_image", "reviewer", lambda w, who: deleting.rename_image(w.open, who, "b.png")
    ),
    "save settings": Case(
        "studio.accounts.settings:save", None, lambda w, who: settings.save(who, settings.Settings(most_jobs=3))
    ),
}
"""Every change that there is. Who adds one adds it here, or `test_no_change_is_missing_here` fails."""

NOT_BY_SOMEBODY = {
    "studio.accounts.rights:acting": "asks",
    "studio.accounts.rights:changing": "asks",
    "studio.accounts.rights:changing_image": "asks",
    "studio.accounts.sessions:open_session": "signs in: there is nobody to ask for yet",
    "studio.accounts.sessions:close_session": "signs out the session that it is given",
    "studio.accounts.sessions:see": "notes that a session is in use",
    "studio.accounts.tokens:note_use": "notes that a token is in use",
    "studio.accounts.others:reset_password": "by a link that the owner made",
    "studio.accounts.others:deactivate": "asks, once both accounts are held",
    "studio.accounts.leaving:delete_account": "asks, once both accounts are held",
    "studio.accounts.users:check_password": "notes that a sign-in failed",
    "studio.accounts.throttle:count_attempt": "signs in",
    "studio.accounts.throttle:forget_attempt": "signs in",
    "studio.accounts.tickets:redeem": "signs in",
    "studio.accounts.oidc:redeem": "signs in",
    "studio.trash.purging:purge": "the studio's own, every hour",
    "studio.trash.purging:_purge_rows": "the studio's own, every hour",
    "studio.trash.purging:_purge_network": "the studio's own, every hour",
    "studio.trash.shared_store:sweep_out": "the studio's own, every hour",
    "studio.projects.invitations:accept": "makes a new account, by an invitation",
    "studio.projects.invitations:first_token": "the first start's link",
    "studio.projects.invitations:invite": "the first start's link",
    "studio.jobs.queue:claim": "the worker's",
    "studio.jobs.queue:change": "the worker's and the job's own process's",
    "studio.jobs.notices:claim": "gives a user's own notices out, when their browser asks",
    "studio.annotation.proposals:keep": "the job's own process's",
    "studio.collaboration.drawing_order:keep": "the job's own process's",
    "studio.collaboration.suspicious:keep": "the job's own process's",
    "studio.jobs.reporting:say": "the job's own process's",
    "studio.jobs.reporting:await_candidates": "the job's own process's",
    "studio.jobs.reporting:follow": "the job's own process's",
    "studio.jobs.reporting:follower": "the job's own process's",
}
"""What writes without anybody who could be asked for, and why."""


def delete_a_network(world: World, who: int) -> object:
    made = sweeps.models(world.done) / "keep-0.5"
    made.mkdir(parents=True, exist_ok=True)
    (made / "head.safetensors").touch()
    return deleting.delete_network(world.project, who, world.done, "keep-0.5")


def add_photograph(world: World, who: int) -> object:
    file = save_png(np.random.default_rng(8).integers(0, 255, (SIZE, SIZE, 3), np.uint8), _scratch() / "b.png")
    return library.add_image(world.project, who, file, "b.png")


def import_new_class(world: World, who: int) -> object:
    labelme = (
        '{"imagePath": "open.png", "imageHeight": 24, "imageWidth": 24, "shapes": '
        '[{"label": "Spalling", "shape_type": "polygon", "points": [[1, 1], [9, 1], [9, 9]]}]}'
    )
    return import_masks(world.project, who, [("open.json", io.BytesIO(labelme.encode()))], class_number=1)


def elsewhere(world: World) -> str:
    return invitations.invite(projects.create_project(world.ada, "Elsewhere").id, "annotator")


def _scratch() -> Path:
    from studio.store.home import home

    return home()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, World]]:
    """A home folder to copy, and what is in it."""
    folder = tmp_path_factory.mktemp("rights") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(folder))
        patch.delenv("STUDIO_DATABASE", raising=False)
        secret.cache_clear()
        migrate()
        world = build(folder)
        engine().dispose()
    yield folder, world
    secret.cache_clear()


def build(folder: Path) -> World:
    with writing() as db:
        ada, cleo = (add_user(db, name, None).id for name in ("Ada", "Cleo"))
        bob = add_user(db, "Bob", PASSWORD).id
        db.get_one(User, cleo).deactivated_at = time.time()
    invitations.accept(invitations.invite(None, "admin"), bob)  # the owner, who may save settings
    project = projects.create_project(ada, "Bridge 42").id
    invitations.accept(invitations.invite(project, "admin"), bob)
    content = [
        (f"{name}.png", photograph(number)) for number, name in enumerate(("open", "submitted", "accepted", "deleted"))
    ]
    receive(project, ada, [(name, io.BytesIO(data)) for name, data in content])
    images = [found.id for found in library.find_images(project)]
    for submitted in images[1:3]:
        review.submit(submitted, ada)
    review.accept(images[2], bob)
    remark = comments.comment(library.image_in(project, images[0]), ada, "look").id
    with writing() as db:
        jobs = [
            Job(
                project_id=project,
                created_by=ada,
                kind="sweep",
                name="a",
                settings={"sweep": {"keep": [0.5]}},
                state=state,
            )
            for state in ("queued", "failed", "done")
        ]
        db.add_all(jobs)
        db.flush()
        ids = [job.id for job in jobs]
        for number, name in enumerate(("base", "keep-0.5")):
            db.add(CandidateRow(job_id=ids[1], name=name, number=number, stage="tested"))
    head = sweeps.models(ids[2]) / "keep-0.5" / "head.safetensors"
    head.parent.mkdir(parents=True)
    head.touch()
    torch.manual_seed(0)
    save_backbone(make_features(), folder / "tiny.safetensors", name="tiny", size=32)
    network = (folder / "tiny.safetensors").read_bytes()
    tokens.make_token(sign_in(bob), "A program", "read", None, 1)
    with writing() as db:
        areas = [{"box": [0, 0, 1, 1], "counts": [0, 1], "pixels": 1, "class_number": 0}]
        about = {"network": "keep-0.5", "title": "keep-0.5 of Walls", "digest": "0" * 64, "threshold": 0.5}
        about |= {"areas": areas, "count": 1}
        db.add(Proposal(image_id=images[0], job_id=ids[2], made_at=MADE, **about))
        box = {"x": 0, "y": 0, "width": 1, "height": 1}
        count = db.get_one(Image, images[0]).strokes
        db.add(SuspiciousArea(image_id=images[0], kind="unseen", pixels=1, weight=1.0, strokes=count, **box))
        db.add(BackboneFile(project_id=project, name="tiny.safetensors", sha256="0" * 64))
    deleting.delete_images(project, ada, images[3:])
    invitations.invite(project, "annotator", ada)
    (invitation,) = invitations.open_invitations(project)
    saved = b"".join(backup(project))
    numbers = [*images, remark, *ids]
    return World(project, ada, bob, cleo, *numbers, invitation.token_hash, saved, network)  # type: ignore[arg-type]


@pytest.fixture
def copy(built: tuple[Path, World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], World]]:
    """Gives the world anew, as often as it is called."""
    folder, world = built
    started: list[bool] = []
    monkeypatch.setattr(queue, "start_worker", lambda: started.append(True))
    monkeypatch.delenv("STUDIO_DATABASE", raising=False)
    homes: list[Path] = []

    def fresh() -> World:
        if homes:
            engine().dispose()
        homes.append(tmp_path / f"home{len(homes)}")
        shutil.copytree(folder, homes[-1])
        monkeypatch.setenv("STUDIO_HOME", str(homes[-1]))
        secret.cache_clear()
        return world

    yield fresh
    engine().dispose()
    secret.cache_clear()


def sign_in(user_id: int) -> SignedIn:
    open_session(user_id)
    with reading() as db:
        session = db.scalar(select(Session.id).where(Session.user_id == user_id))
    assert session is not None
    return SignedIn(user_id, session)


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """All that the database holds."""
    with reading(trash=True) as db:
        return {
            table.name: sorted((tuple(map(repr, row)) for row in db.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


def _role(world: World, role: str | None) -> None:
    with writing() as db:
        member = db.get_one(Member, (world.project, world.bob))
        if role is None:
            db.delete(member)
        else:
            member.role = role


def _signed_out(world: World, case: Case) -> None:
    with writing() as db:
        db.execute(delete(Session))


def _expired(world: World, case: Case) -> None:
    with writing() as db:
        db.execute(update(Session).values(expires_at=time.time() - 1))


def _deactivated(world: World, case: Case) -> None:
    with writing() as db:
        db.execute(update(User).where(User.id == world.bob).values(deactivated_at=time.time()))


def _removed(world: World, case: Case) -> None:
    _role(world, None)


def _lower(world: World, case: Case) -> None:
    _role(world, {"admin": "reviewer", "reviewer": "annotator"}[str(case.role)])


REFUSED: list[Callable[[World, Case], None]] = [_signed_out, _expired, _deactivated, _removed, _lower]


@pytest.mark.parametrize("name", CASES)
def test_whoever_may_no_longer_act_changes_nothing(name: str, copy: Callable[[], World]) -> None:
    case = CASES[name]
    for refuse in REFUSED:
        if (refuse is _removed and case.role is None) or (refuse is _lower and case.role in (None, "annotator")):
            continue
        world = copy()
        _role(world, case.role or "annotator")
        who = sign_in(world.bob)
        refuse(world, case)
        if name == "join":
            token = elsewhere(world)
            before = rows()
            with pytest.raises(Forbidden):
                invitations.accept(token, who)
        else:
            before = rows()
            with pytest.raises(Forbidden):
                case.call(world, who)
        assert rows() == before, refuse
    world = copy()
    _role(world, case.role or "annotator")
    who, before = sign_in(world.bob), rows()
    case.call(world, who)  # the arguments are good, and the role is enough
    assert rows() != before


def test_another_s_session_opens_nothing(copy: Callable[[], World]) -> None:
    world = copy()
    bob = sign_in(world.bob)
    with pytest.raises(Forbidden, match="signed out"):
        review.accept(world.submitted, SignedIn(world.ada, bob.session_id))


def opened(*names: str) -> set[str]:
    """The functions of the studio that open a transaction by one of these names, as "module:function"."""
    found = set()
    for path in (ROOT / "studio").rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
                if any(isinstance(call, ast.Name) and call.id in names for call in calls):
                    found.add(f"{module}:{function.name}")
    return found


def test_no_change_is_missing_here() -> None:
    assert opened("acting", "changing", "changing_image") == {case.inside for case in CASES.values()}


def test_nobody_writes_without_being_asked_for() -> None:
    assert opened("writing") == set(NOT_BY_SOMEBODY)
    for path in (ROOT / "pages").glob("*.py"):
        assert not {"writing", "Session"} & {
            node.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)
        }, path
