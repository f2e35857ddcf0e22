"""A project out of a backup: the same log and masks, nobody let in, and nothing left of a backup that is refused."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from streamlit.testing.v1 import AppTest

from studio.accounts import add_user, check_password, open_session
from studio.annotation import log
from studio.annotation.pixels import encode
from studio.annotation.proposals import waiting_on
from studio.annotation.strokes import Brush, Eraser, Polygon, Rectangle, Redo, Region, Revision, Undo, parse
from studio.backup import unpacking
from studio.backup.accounts import free_name
from studio.backup.packing import backup
from studio.backup.restoring import restore
from studio.backup.rows import TABLES
from studio.collaboration import review
from studio.collaboration.assignment import set_overlap
from studio.collaboration.comments import comment, comments_on, settle
from studio.collaboration.drawing_order import TEACHING, UPLOADED, keep, order_of, set_order
from studio.collaboration.presence import beat
from studio.errors import StudioError
from studio.images.library import Filter, find_images, set_class, set_split
from studio.projects.audit import history, text_of
from studio.projects.classes import add_class, classes_of, remove_class, removed_classes
from studio.projects.invitations import accept, invite
from studio.projects.members import members_of
from studio.projects.projects import create_project, project_of, projects_of, set_photo_pattern
from studio.store import files
from studio.store.database import reading, writing
from studio.store.tables import Base, Comment, Event, Image, Job, Proposal, Session, Stroke, User, Work
from tests.studio.annotation.test_fold import SHAPES, H, W
from tests.studio.conftest import Someone
from tests.studio.formats.test_formats import photograph
from tests.studio.images.test_uploads import send
from tests.studio.sandbox import tasks

RECTANGLE = {"box": [2, 3, 9, 8]}
PEOPLE = ("author", "user", "done_by", "added_by", "to", "seen_by")
Edit = Callable[[dict[str, bytes]], Any]


def save(project_id: int) -> bytes:
    return b"".join(backup(project_id))


def read_zip(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def write_zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def load(user_id: int, content: bytes) -> int:
    return restore(user_id, io.BytesIO(content))


def account(name: str) -> int:
    with writing() as db:
        return add_user(db, name, None).id


def join(project_id: int, name: str, role: str) -> int:
    return accept(invite(project_id, role), account(name))


def counts() -> dict[str, int]:
    """How many rows each table has."""
    with reading() as db:
        tables = Base.metadata.sorted_tables
        return {one.name: db.scalar(select(func.count()).select_from(one)) or 0 for one in tables}


@pytest.fixture
def bridge(project: Someone) -> Someone:
    """A project on which three people worked, and in which everything is that a backup keeps."""
    own = project.project_id
    bob, cleo = join(own, "Bob", "annotator"), join(own, "Cleo \"C\" <& 'Ö' 🌉", "reviewer")
    assert not send(project, *((f"wall {one}.png", photograph(H, W, one)) for one in range(3))).problems
    with writing() as db:
        gone = add_class(db, own, bob, "Lichen & co", "#abcdef")
    first, second, third = find_images(own)
    number = gone.number
    log.append(first.id, bob, [Rectangle("a", 1, RECTANGLE), Rectangle("b", number, RECTANGLE)])
    log.append(first.id, project.user_id, [Brush("a/ü", 2, {"points": [[0.1, 1 / 3]], "width": 7.7})])
    log.append(second.id, bob, [Polygon("a", 3, {"points": [[0, 0], [9, 0], [5, 9.25]]})])
    log.append(first.id, bob, [Undo("c", 0, {"stroke": "b"})])
    inside = np.indices((H, W)).sum(0) % 3 == 0
    region = {"counts": encode(inside), "size": [H, W], "over": False}
    log.append(first.id, cleo, [Region("r", 2, region)])
    log.append(first.id, project.user_id, [Undo("d", 0, {"stroke": "a/ü"})])
    mask = np.random.default_rng(0).choice([0, 1, number], (H, W)).astype(np.uint8)
    log.append(second.id, cleo, [Revision.of(mask, "whole")])
    log.append(second.id, bob, [Eraser("e", 0, {"points": [[3, 3], [20, 9]], "width": 4})])
    set_class(own, project.user_id, [first.id], classes_of(own)[1].id)
    set_split(own, project.user_id, [second.id], "test")
    set_overlap(own, project.user_id, 2)
    set_photo_pattern(own, r"(.+) \d")
    set_overlap(own, project.user_id, 1)
    review.submit(first.id, bob)
    review.give_back(first.id, cleo, bob, "more of it: *here*\n& there")
    review.submit(first.id, bob)
    review.accept(first.id, cleo)
    review.submit(second.id, bob)
    settle(first, comment(first, bob, "is this a crack?", (3.5, 4.25)).id, cleo)
    comment(third, project.user_id, "nothing here")
    for now in (100.0, 104.5, 110.0):
        beat(third.id, bob, now)
    remove_class(own, project.user_id, gone.id)
    areas = [{"box": [2, 3, 4, 2], "counts": [1, 7], "pixels": 7, "class_number": number} for number in (0, 3)]
    set_order(own, project.user_id, TEACHING)
    keep(own, [(third.id, "unlike"), (first.id, "alike")])
    with writing() as db:  # what two networks propose; one person has decided on the first
        job = Job(project_id=own, created_by=bob, kind="sweep", name="Walls", settings={}, state="done")
        db.add(job)
        db.flush()
        proposed = {"job_id": job.id, "network": "keep-0.5", "digest": "ab" * 32, "threshold": 0.375}
        db.add(Proposal(image_id=third.id, title="one of Wälls", areas=areas, count=2, made_at=5.5, **proposed))
        db.add(Proposal(image_id=second.id, title="another", areas=[], count=0, seen_at=7.0, seen_by=cleo, **proposed))
    return project


def rows(project_id: int, table: str) -> list[dict[str, Any]]:
    found = lines(read_zip(save(project_id))[f"{table}.jsonl"])
    return [{key: value for key, value in row.items() if key != "seq"} for row in found]


def same_masks(one: int, other: int) -> None:
    """As of now, and at every earlier position of every image's log; people's own layers too."""
    for before, after in zip(find_images(one), find_images(other), strict=True):
        assert np.array_equal(log.mask(before), log.mask(after))
        pairs = list(zip(log.read(before.id), log.read(after.id), strict=True))
        for old, new in pairs:
            assert np.array_equal(log.mask(before, old.seq), log.mask(after, new.seq))
        for own, its in {old.author_id: new.author_id for old, new in pairs}.items():
            assert np.array_equal(log.mask(before, author_id=own), log.mask(after, author_id=its))


def test_a_project_is_restored_with_all_that_was_done(bridge: Someone) -> None:
    own, content = bridge.project_id, save(bridge.project_id)
    made = load(bridge.user_id, content)
    assert projects_of(bridge.user_id)[0][0].id == made != own
    same_masks(own, made)
    named = {"Bob": "Bob (from backup)", "Cleo \"C\" <& 'Ö' 🌉": "Cleo \"C\" <& 'Ö' 🌉 (from backup)"}
    for table in ("images", "strokes", "works", "comments", "events", "proposals", "turns"):
        expected = [
            {key: named.get(value, value) if key in PEOPLE else value for key, value in row.items()}
            for row in rows(own, table)
        ]  # fmt: skip
        assert rows(made, table) == expected
        assert expected
    assert [image.id for image in find_images(made, Filter(proposed=True))] == [find_images(made)[2].id]
    found = waiting_on(find_images(made)[2].id)
    assert found is not None
    assert (found.job_id, found.made_at, [area["class_number"] for area in found.areas]) == (None, 5.5, [0, 3])
    assert order_of(made) == TEACHING
    before, after = (json.loads(read_zip(save(one))["project.json"]) for one in (own, made))
    assert after["members"] == [{"name": "Ada", "role": "admin"}]
    assert len(before["members"]) == 3
    assert before | {"members": []} == after | {"members": []}
    assert [one.strokes for one in find_images(made)] == [one.strokes for one in find_images(own)] == [6, 3, 0]
    assert [one.name for one in removed_classes(made)] == ["Lichen & co"]
    assert [text_of(one) for one in history(made)] == [text_of(one) for one in history(own)]
    for image in find_images(made):
        assert files.original(image.sha256).is_file()
    with pytest.raises(StudioError, match="read-only"):
        log.append(find_images(made)[0].id, bridge.user_id, [Rectangle("n", 1, RECTANGLE)])
    with writing() as db:  # a class that was removed comes back with what was drawn of it
        for project_id in (own, made):
            db.get_one(type(removed_classes(own)[0]), removed_classes(project_id)[0].id).removed = False
    same_masks(own, made)


def test_the_restoring_user_can_undo_and_redo_their_own_strokes(bridge: Someone) -> None:
    made = load(bridge.user_id, save(bridge.project_id))
    first, second, _ = find_images(made)
    review.reopen(first.id, bridge.user_id)
    assert log.last(first.id, bridge.user_id, "redo") == "a/ü"
    before = log.mask(first)
    log.append(first.id, bridge.user_id, [Redo("x", 0, {"stroke": "a/ü"})])
    assert not np.array_equal(log.mask(first), before)
    assert log.last(second.id, bridge.user_id, "undo") is None
    whole = log.mask(second)
    log.append(second.id, bridge.user_id, [Undo("y", 0, {"stroke": "whole"})])  # another's
    assert np.array_equal(log.mask(second), whole)
    log.append(first.id, bridge.user_id, [Undo("z", 0, {"stroke": "a/ü"})])
    assert np.array_equal(log.mask(first), before)


def test_nobody_is_let_in_and_nobody_is_impersonated(bridge: Someone) -> None:
    eve = account("Eve")
    assert projects_of(eve) == []
    with reading() as db:
        known = set(db.scalars(select(User.id)))
    made = load(eve, save(bridge.project_id))
    assert [(one.id, role) for one, role in members_of(made)] == [(eve, "admin")]
    with reading() as db:
        authors = set(db.scalars(select(Stroke.author_id).join(Image).where(Image.project_id == made)))
        assert not authors & known  # not even Ada, who is there
        assert all(one.subject is None for one in db.scalars(select(User)))
        names = set(db.scalars(select(User.name).where(User.id.in_(authors))))
    assert names == {"Ada (from backup)", "Bob (from backup)", "Cleo \"C\" <& 'Ö' 🌉 (from backup)"}
    for name in names:
        with pytest.raises(StudioError, match="wrong"):
            check_password(name, "a long enough password", "")
    again = load(eve, save(bridge.project_id))
    assert {row["author"] for row in rows(again, "strokes")} == {one.replace("backup)", "backup 2)") for one in names}


def test_free_names() -> None:
    taken = {"ada", "ada (from backup)", "ada (from backup 2)", "a" * 64, "a" * 50 + " (from backup)"}
    assert free_name("ADA", taken) == "ADA (from backup 3)"
    assert free_name("Bob", taken) == "Bob"
    assert free_name("a" * 64, taken) == "a" * 48 + " (from backup 2)"
    assert len(free_name("a" * 64, taken)) == 64


def test_it_goes_into_another_studio(bridge: Someone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, content = bridge.project_id, save(bridge.project_id)
    masks = [log.mask(one) for one in find_images(own)]
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "other"))
    from studio.store.database import migrate

    migrate()
    zoe = account("Zoe")
    made = load(zoe, content)
    for image, mask in zip(find_images(made), masks, strict=True):
        assert np.array_equal(log.mask(image), mask)
        assert files.original(image.sha256).is_file()
        assert files.thumbnail(image.sha256).is_file()
    assert {row["author"] for row in rows(made, "strokes")} == {"Ada", "Bob", "Cleo \"C\" <& 'Ö' 🌉"}
    assert [one.author.name for one in comments_on(find_images(made)[2].id)] == ["Ada"]
    again = load(zoe, save(made))
    same_masks(made, again)


def test_no_secret_of_the_studio_is_in_it(bridge: Someone) -> None:
    cookie = open_session(bridge.user_id)
    token = invite(bridge.project_id, "admin")
    with writing() as db:
        add_user(db, "Olga", None, "https://id.example|4711")
    other = create_project(account("Stranger"), "Secret project")
    accept(invite(bridge.project_id, "annotator"), account("Olga 2"))
    with reading() as db:
        hashes = [one for one in db.scalars(select(User.password_hash)) if one]
        sessions = list(db.scalars(select(Session.id)))
        invitations = [row[0] for row in db.execute(select(Base.metadata.tables["invitations"].c.token_hash))]
    from studio.store.home import secret

    assert hashes
    assert sessions
    assert invitations
    content = save(bridge.project_id)
    plain = content + b"".join(read_zip(content).values())
    for one in (*hashes, *sessions, *invitations, cookie, token, "https://id.example|4711", other.name, "Stranger",
                "argon2", "password", "Olga\""):  # fmt: skip
        assert one.encode() not in plain
    assert secret() not in plain
    assert sorted(read_zip(content)) == sorted(
        ["project.json", *(f"{one}.jsonl" for one in TABLES),
         *(f"images/{one.sha256}" for one in find_images(bridge.project_id))]
    )  # fmt: skip


def test_an_empty_project_goes_there_and_back(project: Someone) -> None:
    made = load(project.user_id, save(project.project_id))
    assert project_of(made).name == "Bridge 42"
    assert [one.name for one in classes_of(made)] == ["Crack", "Pore", "Dirt", "Background"]


def test_a_photograph_whose_file_is_gone_is_told_before_anything_is_sent(bridge: Someone) -> None:
    files.original(find_images(bridge.project_id)[1].sha256).unlink()
    with pytest.raises(StudioError, match="gone"):
        backup(bridge.project_id)


LOGS = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, 1),
        st.one_of(SHAPES, st.tuples(st.sampled_from(["undo", "redo"]), st.integers(0, 12)),
                  st.tuples(st.just("region"), st.lists(st.booleans(), min_size=H * W, max_size=H * W)),
                  st.tuples(st.just("revision"), st.integers(0, 99))),
        st.integers(1, 4),
    ),
    max_size=14,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture,
                                                                HealthCheck.too_slow])  # fmt: skip
@given(drawn=LOGS)
def test_every_log_is_the_same_afterwards_at_every_position(project: Someone, drawn: list[Any]) -> None:
    own = create_project(project.user_id, "Any")
    with writing() as db:
        names = {one.name: one.id for one in db.scalars(select(User))}
        others = [names.get(one) or add_user(db, one, None).id for one in ("Bob", "Cleo")]
    people = [project.user_id, *(accept(invite(own.id, "annotator"), other) for other in others)]
    someone = Someone(own.id, project.user_id)
    send(someone, *((f"{one}.png", photograph(H, W, one)) for one in range(2)))
    images = find_images(own.id)
    for number, (author, image, (kind, given_), label) in enumerate(drawn):
        geometry = given_
        if kind in ("undo", "redo"):
            geometry = {"stroke": f"s{given_}"}  # may not be there yet, or be another's
            if given_ >= len(drawn):
                continue
        elif kind == "region":
            geometry = {"counts": encode(np.array(given_).reshape(H, W))}
        elif kind == "revision":
            geometry = Revision.of(np.random.default_rng(given_).integers(0, 5, (H, W)).astype(np.uint8), "").geometry
        number_ = 0 if kind in ("undo", "redo", "revision", "erase") else label
        log.append(images[image].id, people[author], [parse(f"s{number}", kind, number_, geometry)])
    made = load(project.user_id, save(own.id))
    same_masks(own.id, made)
    for table in ("images", "strokes"):
        assert [row | {"author": "", "added_by": ""} for row in rows(made, table)] == [
            row | {"author": "", "added_by": ""} for row in rows(own.id, table)
        ]
    for before, after in zip(images, find_images(made), strict=True):
        for kind in ("undo", "redo"):
            assert log.last(before.id, people[0], kind) == log.last(after.id, people[0], kind)


# what is refused


def change(table: str, row: int = 0, /, **values: Any) -> Edit:
    """Set columns of a row."""

    def edit(members: dict[str, bytes]) -> None:
        found = lines(members[f"{table}.jsonl"])
        found[row] |= values
        members[f"{table}.jsonl"] = "".join(f"{json.dumps(one)}\n" for one in found).encode()

    return edit


def tell(**values: Any) -> Edit:
    """Set parts of project.json."""

    def edit(members: dict[str, bytes]) -> None:
        about = json.loads(members["project.json"])
        for key, value in values.items():
            about[key] = about[key] | value if isinstance(value, dict) and key == "project" else value
        members["project.json"] = json.dumps(about).encode()

    return edit


def raw(name: str, content: bytes | None) -> Edit:
    """Replace a file, or with None leave it out."""
    return lambda members: members.pop(name) if content is None else members.update({name: content})


def twice(table: str) -> Edit:
    def edit(members: dict[str, bytes]) -> None:
        first = members[f"{table}.jsonl"].splitlines(keepends=True)[0]
        members[f"{table}.jsonl"] = first + members[f"{table}.jsonl"]

    return edit


def proposing(**values: Any) -> Edit:
    """Set parts of the first area of what waits."""

    def edit(members: dict[str, bytes]) -> None:
        areas = lines(members["proposals.jsonl"])[1]["areas"]
        change("proposals", 1, areas=[areas[0] | values, *areas[1:]])(members)

    return edit


def swapped(members: dict[str, bytes]) -> None:
    found = members["strokes.jsonl"].splitlines(keepends=True)
    members["strokes.jsonl"] = b"".join(reversed(found))


def picture(change: Callable[[str, bytes], tuple[str, bytes] | None]) -> Edit:
    """Change a photograph's name or bytes."""

    def edit(members: dict[str, bytes]) -> None:
        name = next(one for one in members if one.startswith("images/"))
        content = members.pop(name)
        if (put := change(name, content)) is not None:
            members[put[0]] = put[1]

    return edit


def no_picture(members: dict[str, bytes]) -> None:
    """A text under its right sum, which is listed as an image."""
    import hashlib

    text = b"<script>alert(1)</script>"
    sha = hashlib.sha256(text).hexdigest()
    name = next(one for one in members if one.startswith("images/"))
    del members[name]
    for one in list(members):
        if one.endswith(".jsonl"):
            members[one] = members[one].replace(name[7:].encode(), sha.encode())
    members[f"images/{sha}"] = text


CLASS = {"number": 1, "name": "Crack", "colour": "#e5484d", "removed": False}
HOSTILE: dict[str, tuple[Edit, str]] = {
    "no project.json": (raw("project.json", None), "no backup"),
    "no log": (raw("strokes.jsonl", None), "no backup"),
    "no JSON": (raw("project.json", b"{"), "damaged"),
    "nested JSON": (raw("project.json", b"[" * 100_000), "damaged"),
    "another program's": (raw("project.json", b"{}"), "no backup"),
    "a list": (raw("project.json", b"[]"), "no backup"),
    "a newer version": (tell(version=4), "version 3"),
    "no version": (tell(version=True), "version 3"),
    "no classes": (tell(classes=[]), "no lists"),
    "classes that are none": (tell(classes={"number": 1}), "no lists"),
    "a class twice": (tell(classes=[CLASS, CLASS | {"name": "B"}]), "same number"),
    "a class's name twice": (tell(classes=[CLASS, CLASS | {"number": 2, "name": "CRACK"}]), "same name"),
    "a class that is a path": (tell(classes=[CLASS | {"name": "../x"}, *({"number": one, "name": f"c{one}",
        "colour": "#000000", "removed": False} for one in range(2, 6))]), "class's name"),
    "a class whose colour is HTML": (tell(classes=[CLASS | {"colour": "red'><script>"}]), "colour"),
    "a class beyond the last": (tell(classes=[CLASS | {"number": 255}]), "number"),
    "a project without a name": (tell(project={"name": " "}), "name"),
    "a project of a long name": (tell(project={"name": "a" * 101}), "name"),
    "a pattern that is none": (tell(project={"photo_pattern": "("}), "photo_pattern"),
    "people for each image": (tell(project={"overlap": 0}), "overlap"),
    "another column of the project": (tell(project={"id": 1}), "columns"),
    "a name that is no text": (tell(members=[{"name": 4, "role": "admin"}]), "name"),
    "out of the zip": (raw("../../evil.txt", b"x"), "no part"),
    "an absolute path": (raw("/etc/passwd", b"x"), "no part"),
    "a folder in images": (raw("images/../../evil", b"x"), "no part"),
    "something else": (raw("studio.db", b"x"), "no part"),
    "a photograph too many": (raw(f"images/{'0' * 64}", b"x"), "not those"),
    "a photograph too few": (picture(lambda name, content: None), "not those"),
    "other bytes": (picture(lambda name, content: (name, content + b"x")), "not the one"),
    "another name": (picture(lambda name, content: (f"images/{'0' * 64}", content)), "not those"),
    "no picture": (no_picture, "cannot be read as an image"),
    "a bomb": (raw("works.jsonl", b" " * 300_000_000), "more than the studio takes"),
    "an endless line": (raw("works.jsonl", b" " * 80_000_000), "larger than any"),
    "an image twice": (twice("images"), "twice"),
    "another size": (change("images", width=W + 1), "line|size|geometry"),
    "another size of what is not drawn on": (change("images", 2, width=W + 1), "size"),
    "an image's class": (change("images", **{"class": 77}), "class"),
    "a class that is removed": (change("images", **{"class": 5}), "class"),
    "an image's state": (change("images", state="done"), "state"),
    "an image's folder": (change("images", name="a/b.png"), "name"),
    "an image's split": (change("images", split="../x"), "split"),
    "a sum that is a path": (change("images", sha256="../../../etc/passwd"), "sha256"),
    "a stroke of no image": (change("strokes", image="0" * 64), "not in it"),
    "a stroke of no class": (change("strokes", class_number=99), "class"),
    "a stroke of no kind": (change("strokes", kind="spray"), "kind"),
    "a stroke of no shape": (change("strokes", geometry={}), "geometry"),
    "a stroke of a list": (change("strokes", geometry=[]), "geometry"),
    "a stroke without end": (change("strokes", geometry={"box": [0, 0, 10**400, 1]}), "geometry"),
    "a revision of other classes": (change("strokes", 7, geometry={"counts": [H * W], "values": [200]}), "geometry"),
    "a stroke that is twice": (twice("strokes"), "twice"),
    "a log that runs backwards": (swapped, "out of order"),
    "an id that is a number": (change("strokes", id=7), "id"),
    "half a letter": (change("strokes", id="\ud800"), "id"),
    "a time that is none": (change("strokes", at="now"), "at"),
    "a time after all days": (change("strokes", at=1e300), "at"),
    "another column": (change("strokes", author_id=1), "columns"),
    "an author's id": (change("strokes", author=1), "author"),
    "an author without a name": (change("strokes", author=""), "author"),
    "an author of two lines": (change("strokes", author="Ada\nAdmin"), "author"),
    "no number": (raw("works.jsonl", b'{"a": NaN}\n'), "damaged"),
    "a long number": (raw("works.jsonl", b"9" * 5000), "damaged"),
    "no text": (raw("events.jsonl", b"\xff\xfe\n"), "damaged"),
    "a work twice": (twice("works"), "twice"),
    "a work of no image": (change("works", image="0" * 64), "not in it"),
    "a work's state": (change("works", state=None), "state"),
    "a work of no time": (change("works", seconds=-1), "seconds"),
    "a comment beside the image": (change("comments", 1, x=W + 1.0), "place"),
    "half a place": (change("comments", 1, x=None), "place"),
    "an empty comment": (change("comments", text=""), "text"),
    "an endless comment": (change("comments", text="a" * 2001), "text"),
    "an event of no kind": (change("events", what="became admin"), "what"),
    "an event that cannot be told": (change("events", what="role", details={}), "lacks a part"),
    "details that are deep": (change("events", details={"count": {"a": 1}}), "details"),
    "an event of no image": (change("events", image="0" * 64), "not in it"),
    "geometry that is deep": (change("strokes", geometry={"box": [2, 3, 9, 8], "more": [[[[[[[[1]]]]]]]]}), "geometry"),
    "geometry beyond 64 bits": (change("strokes", geometry={"box": [2, 3, 9, 8], "more": 2**63}), "geometry"),
    "half a letter in a geometry": (change("strokes", geometry={"box": [2, 3, 9, 8], "\ud800": 1}), "geometry"),
    "geometry of many lists": (change("strokes", geometry={"box": [2, 3, 9, 8], "more": [[]] * 200_001}), "geometry"),
    "proposals twice": (twice("proposals"), "twice"),
    "proposals for no image": (change("proposals", image="0" * 64), "cannot be drawn"),
    "an area off its image": (proposing(box=[W - 3, 3, 4, 2]), "cannot be drawn"),
    "an area of no class": (proposing(class_number=99), "cannot be drawn"),
    "an area of other pixels": (proposing(pixels=8), "cannot be drawn"),
    "an area that ends early": (proposing(counts=[1, 6]), "cannot be drawn"),
    "an area of a text": (proposing(box="0123"), "cannot be drawn"),
    "an area with more": (proposing(more=1), "cannot be drawn"),
    "areas that are none": (change("proposals", 1, areas={"box": 1}), "cannot be drawn"),
    "areas of another number": (change("proposals", 1, count=3), "cannot be drawn"),
    "a threshold that is none": (change("proposals", threshold=1.5), "threshold"),
    "an image's turn twice": (twice("turns"), "twice"),
    "a turn of no image": (change("turns", image="0" * 64), "not in it"),
    "a turn without a reason": (change("turns", why="because"), "why"),
    "a turn before the first": (change("turns", place=-1), "place"),
    "an order that is none": (tell(drawing_order="backwards"), "drawing_order"),
    "an order that is a list": (tell(drawing_order=[]), "drawing_order"),
    "a row that is a list": (raw("works.jsonl", b"[1]\n"), "no columns"),
    "text that is no UTF-8": (raw("works.jsonl", '{"a": 1}'.encode("utf-16")), "damaged"),
}  # fmt: skip


def test_what_is_no_backup_is_refused_and_nothing_is_left_behind(bridge: Someone) -> None:
    content, before, wrong = save(bridge.project_id), counts(), {}
    for name, (edit, words) in HOSTILE.items():
        members = read_zip(content)
        edit(members)
        try:
            load(bridge.user_id, write_zip(members))
        except StudioError as error:
            if not re.search(words, str(error)):
                wrong[name] = str(error)
        else:
            wrong[name] = "was restored"
        assert counts() == before, name
    assert wrong == {}
    same_masks(bridge.project_id, load(bridge.user_id, content))


def test_backups_of_earlier_versions_lack_proposals_and_the_drawing_order(bridge: Someone) -> None:
    members = read_zip(save(bridge.project_id))
    about = json.loads(members["project.json"])
    del about["drawing_order"]
    for version, lacks in ((2, "turns"), (1, "proposals")):
        members["project.json"] = json.dumps(about | {"version": version}).encode()
        raw(f"{lacks}.jsonl", None)(members)
        made = load(bridge.user_id, write_zip(members))
        same_masks(bridge.project_id, made)
        assert rows(made, lacks) == []
        assert order_of(made) == UPLOADED


def test_no_process_of_the_studio_reads_the_zip_or_a_geometry(bridge: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    content = save(bridge.project_id)
    with monkeypatch.context() as patch:
        patch.setattr("zipfile.ZipFile", None)
        patch.setattr("studio.annotation.strokes.Drawn.check", None)
        made = load(bridge.user_id, content)
    same_masks(bridge.project_id, made)


def test_a_backup_that_ends_its_child_is_refused_by_a_sentence(
    bridge: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, before = save(bridge.project_id), counts()
    monkeypatch.setattr(unpacking, "clean", tasks.crash_at)
    with pytest.raises(StudioError, match=r"this backup is not restored: reading it ended the program"):
        load(bridge.user_id, content)
    assert counts() == before


def test_a_damaged_zip_is_refused_wherever_it_is_cut_or_changed(bridge: Someone) -> None:
    content, before = save(bridge.project_id), counts()
    rng = np.random.default_rng(0)
    for broken in (b"", b"PK", b"no zip at all", content[:-1], content[: len(content) // 2], content[100:]):
        with pytest.raises(StudioError):
            load(bridge.user_id, broken)
        assert counts() == before
    refused = 0
    for at in rng.integers(0, len(content), 60):
        changed = bytearray(content)
        changed[at] ^= 0xFF
        try:
            made = load(bridge.user_id, bytes(changed))
        except StudioError:
            refused += 1
            assert counts() == before
        else:  # a byte of no importance, as of a date in the zip
            same_masks(bridge.project_id, made)
            before = counts()
    assert refused > 40


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_that_lies_or_is_locked_is_refused(bridge: Someone) -> None:
    members, before = read_zip(save(bridge.project_id)), counts()
    buffer = io.BytesIO(write_zip(members))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("strokes.jsonl", b"")
    with pytest.raises(StudioError, match="twice"):
        load(bridge.user_id, buffer.getvalue())
    content = bytearray(write_zip(members))
    start = content.index(b"PK\x01\x02")
    content[start + 8] |= 1
    with pytest.raises(StudioError, match="encrypted"):
        load(bridge.user_id, bytes(content))
    small = bytearray(write_zip(members | {"works.jsonl": b" " * 300_000_000}))  # tells that it is small
    at = small.index((300_000_000).to_bytes(4, "little"), small.index(b"PK\x01\x02"))
    small[at : at + 4] = (100).to_bytes(4, "little")
    with pytest.raises(StudioError):
        load(bridge.user_id, bytes(small))
    assert counts() == before


def test_a_failure_in_the_midst_of_writing_leaves_nothing(bridge: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    content, before = save(bridge.project_id), counts()
    true, calls = unpacking.Unpacked.rows, []

    def fails(self: unpacking.Unpacked, table: str) -> Any:
        calls.append(table)
        if calls.count("turns") == 2:  # read once to be checked, and again to be written: that comes last
            raise StudioError("torn away")
        return true(self, table)

    with monkeypatch.context() as patch, pytest.raises(StudioError, match="torn away"):
        patch.setattr(unpacking.Unpacked, "rows", fails)
        load(bridge.user_id, content)
    assert counts() == before
    same_masks(bridge.project_id, load(bridge.user_id, content))


def test_too_many_people_are_refused(bridge: Someone) -> None:
    members = read_zip(save(bridge.project_id))
    event = lines(members["events.jsonl"])[0]
    members["events.jsonl"] = "".join(json.dumps(event | {"user": f"P{one}"}) + "\n" for one in range(1001)).encode()
    before = counts()
    with pytest.raises(StudioError, match="1,000 people"):
        load(bridge.user_id, write_zip(members))
    assert counts() == before


def test_progress_is_told(bridge: Someone) -> None:
    heard: list[tuple[int, int, str]] = []
    restore(bridge.user_id, io.BytesIO(save(bridge.project_id)), lambda *one: heard.append(one))
    assert heard == [
        *((one, 3, "reading photographs") for one in range(3)), (0, 1, "writing the log"), (1, 1, "writing the log")
    ]  # fmt: skip


def test_the_panel_restores_or_tells_why_not(bridge: Someone) -> None:
    def page(user_id: int, project_id: int) -> None:
        from studio.ui.backup import backup_link, panel

        backup_link(project_id)
        panel(user_id)

    app = AppTest.from_function(page, args=(bridge.user_id, bridge.project_id), default_timeout=30).run()
    asked = json.loads(app.get("bidi_component")[0].proto.json)
    assert asked["address"] == f"/api/projects/{bridge.project_id}/backup.zip"
    app.button[0].click().run()
    assert "Choose a backup first" in app.info[0].value
    app.file_uploader[0].set_value([("b.zip", b"PK", "application/zip")])
    app.button[0].click().run()
    assert not app.exception
    assert "cannot be unpacked" in app.error[0].value
    app.file_uploader[0].set_value([("b.zip", save(bridge.project_id), "application/zip")])
    app.button[0].click().run()
    assert not app.exception
    assert "Restored Bridge 42" in app.success[0].value
    assert app.session_state["Tab"].project_id == projects_of(bridge.user_id)[0][0].id != bridge.project_id
    assert counts()["works"] == 2 * len(rows(bridge.project_id, "works"))
    for model in (Comment, Event, Work):
        assert counts()[model.__tablename__] % 2 == 0
