"""Many browser tabs draw on one image, and their replies are lost, doubled, late or out of order: one log, one mask."""

from __future__ import annotations

from dataclasses import replace
from secrets import token_hex
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy.exc import OperationalError

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.rasterise import fold, visible
from studio.annotation.strokes import Drawn
from studio.canvas import tab_state
from studio.canvas.adapter import ERASER, pens, strokes, toggle
from studio.canvas.viewport import look
from studio.errors import StudioError
from studio.projects.invitations import accept, invite
from studio.store import database
from studio.store.tables import Image
from tests.studio.conftest import Someone

H, W = 24, 32
VIEW = look(W, H)
PENS = pens({1: "#e5484d", 2: "#4080ff"})
INKS = [*(pen + "b3" for pen in PENS.values()), ERASER + "cc"]
WRITERS = (0, 0, 1, 2)  # the authors of the tabs: one has two of them
TAB = st.integers(0, len(WRITERS) - 1)
KIND = st.sampled_from(["undo", "redo"])
SPOT = st.tuples(st.integers(0, VIEW.width), st.integers(0, VIEW.height))
PATHS = st.builds(
    lambda ink, at, to, width: {
        "type": "Path", "stroke": ink, "strokeWidth": width,
        "path": [["M", *at], ["Q", *at, *to], ["L", *to]],
    },
    st.sampled_from(INKS), SPOT, SPOT, st.sampled_from([30, 90]),
)  # fmt: skip
RECTS = st.builds(
    lambda ink, at, wide: {"type": "Rect", "stroke": ink, "left": at[0], "top": at[1], "width": wide, "height": 80},
    st.sampled_from(INKS[:2]), SPOT, st.sampled_from([60, 200]),
)  # fmt: skip


class Tab:
    """A browser tab: its Streamlit session, the canvas it shows, and every reply that it ever sent."""

    def __init__(self, author_id: int) -> None:
        self.author_id = author_id
        self.session: dict[str, Any] = {}
        self.sent: list[tuple[tab_state.Mount, list[dict[str, Any]]]] = []

    def remount(self, image: Image) -> None:
        key = f"canvas-{image.id}-{token_hex(6)}"
        self.objects: list[dict[str, Any]] = []
        self.session[key] = {"drawing": {"raw": {"objects": self.objects}}}
        self.on = tab_state.place(image)["mount"] = tab_state.Mount(key, (), VIEW, b"", PENS, 0)


class Machine(RuleBasedStateMachine):
    """`drawn`: what anybody drew or toggled, by id; `told`: ids of what was acknowledged; `owed`: of what waits."""

    def __init__(self, project: Someone, authors: list[int], patch: pytest.MonkeyPatch) -> None:
        super().__init__()
        with database.writing() as db:
            self.image = Image(project_id=project.project_id, sha256=token_hex(32), name="w", width=W, height=H,
                               added_by=project.user_id)  # fmt: skip
            db.add(self.image)
        self.patch = patch
        self.tabs = [Tab(authors[who]) for who in WRITERS]
        self.drawn: dict[str, Drawn] = {}
        self.told: set[str] = set()
        self.held: list[Drawn] = []
        self.replicas: list[list[Any]] = [[], []]
        for tab in self.tabs:
            self.at(tab)
            tab.remount(self.image)

    def at(self, tab: Tab) -> Tab:
        """Make this tab's session the one that the desk sees."""
        self.patch.setattr(tab_state, "st", SimpleNamespace(session_state=tab.session))
        return tab

    def save(self, tab: Tab, on: tab_state.Mount, objects: list[dict[str, Any]]) -> None:
        self.at(tab)
        waiting = {one.id for one in tab_state.place(self.image)["waiting"]}
        found = strokes(objects, on.key, VIEW, PENS)
        assert tab_state.save(self.image, tab.author_id, on, objects) == len(found)
        self.told |= {one.id for one in found} | waiting

    @rule(tab=TAB, shape=PATHS | RECTS)
    def draw(self, tab: int, shape: dict[str, Any]) -> None:
        one = self.tabs[tab]
        one.objects.append(shape)
        new = strokes(one.objects, one.on.key, VIEW, PENS)[-1]
        assert new.id not in self.drawn
        self.drawn[new.id] = replace(new, author_id=one.author_id)
        one.sent.append((one.on, list(one.objects)))  # on its way: whether, when and how often it comes is open

    @rule(tab=TAB, shape=PATHS | RECTS, times=st.integers(1, 3))
    def draw_and_send(self, tab: int, shape: dict[str, Any], times: int) -> None:
        self.draw(tab, shape)
        for _ in range(times):
            self.save(self.tabs[tab], *self.tabs[tab].sent[-1])

    @rule(tab=TAB, data=st.data(), forgets=st.booleans())
    def an_old_reply_comes(self, tab: int, data: st.DataObject, forgets: bool) -> None:
        one = self.at(self.tabs[tab])
        if forgets:  # what it saved: then the log alone keeps doubles out
            tab_state.place(self.image)["saved"].clear()
        if one.sent:
            self.save(one, *data.draw(st.sampled_from(one.sent)))

    @rule(tab=TAB)
    def an_empty_reply_comes(self, tab: int) -> None:
        self.save(self.tabs[tab], self.tabs[tab].on, [])

    @rule(tab=TAB)
    def the_disk_refuses(self, tab: int) -> None:
        one = self.at(self.tabs[tab])

        def refuse(*_: object) -> int:
            raise OperationalError("INSERT", None, Exception("disk is full"))

        on, objects = one.on, list(one.objects)
        unsaved = {stroke.id for stroke in strokes(objects, on.key, VIEW, PENS)} - tab_state.place(self.image)["saved"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log, "append", refuse)
            if unsaved:
                with pytest.raises(StudioError, match="wait"):
                    tab_state.save(self.image, one.author_id, on, objects)
        assert unsaved <= {stroke.id for stroke in tab_state.place(self.image)["waiting"]}

    @rule(tab=TAB, orderly=st.booleans())
    def the_canvas_is_mounted_anew(self, tab: int, orderly: bool) -> None:
        one = self.at(self.tabs[tab])
        if orderly:
            tab_state.put_away(self.image, one.author_id)
            self.told |= {stroke.id for stroke in strokes(one.objects, one.on.key, VIEW, PENS)}
        one.remount(self.image)

    @rule(tab=TAB, kind=KIND)
    def step_back(self, tab: int, kind: str) -> None:
        one = self.at(self.tabs[tab])
        before = {row.id for row in log.read(self.image.id)}
        on_canvas = {stroke.id for stroke in strokes(one.objects, one.on.key, VIEW, PENS)}
        try:
            tab_state.step_back(self.image, one.author_id, kind)
        except StudioError:
            assert log.last(self.image.id, one.author_id, kind) is None
        else:
            row = log.drawn(log.read(self.image.id)[-1])
            assert (row.kind, row.author_id, row.id in before) == (kind, one.author_id, False)
            target = row.geometry["stroke"]
            assert self.drawn[target].author_id == one.author_id
            assert (target in {stroke.id for stroke in visible(self.rows())}) == (kind == "redo")
            self.drawn[row.id] = row
            self.told.add(row.id)
        self.told |= on_canvas
        one.remount(self.image)

    @rule(tab=TAB, kind=KIND)
    def a_toggle_is_made_and_held_back(self, tab: int, kind: str) -> None:
        author = self.tabs[tab].author_id
        target = log.last(self.image.id, author, kind)
        if target:
            self.held.append(toggle(kind, target, self.rows(author), author))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def a_held_toggle_comes_perhaps_again(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.held))
        assert log.append(self.image.id, one.author_id, [one]) == (one.id not in self.told)
        self.drawn[one.id] = one
        self.told.add(one.id)

    @rule(sessions=st.booleans())
    def the_process_restarts(self, sessions: bool) -> None:
        log._FOLDED.clear()
        database.engine().dispose()
        database._engine.cache_clear()
        for tab in self.tabs if sessions else []:  # what waited is lost with them, what is on the canvas is not
            tab.session = {tab.on.key: tab.session[tab.on.key]}
            self.at(tab)
            tab_state.place(self.image)["mount"] = tab.on

    @rule(which=st.integers(0, 1), most=st.integers(1, 5))
    def a_replica_reads_on(self, which: int, most: int) -> None:
        rows = self.replicas[which]
        rows += log.read(self.image.id, after=rows[-1].seq if rows else 0)[:most]

    def rows(self, author_id: int | None = None) -> list[Drawn]:
        return [log.drawn(row) for row in log.read(self.image.id, author_id=author_id)]

    @invariant()
    def the_log_holds_what_was_acknowledged_and_nothing_else(self) -> None:
        found = log.read(self.image.id)
        ids = [row.id for row in found]
        assert len(set(ids)) == len(ids)
        assert self.told <= set(ids) <= set(self.drawn)
        assert [log.drawn(row) for row in found] == [self.drawn[one] for one in ids]
        numbers = [row.seq for row in found]
        assert numbers == sorted(set(numbers))

    @invariant()
    def all_see_one_mask(self) -> None:
        found, rows = log.read(self.image.id), self.rows()
        whole = fold(rows, H, W)
        assert np.array_equal(log.mask(self.image), whole)
        for author in {tab.author_id for tab in self.tabs}:
            own = [row for row in rows if row.author_id == author]
            assert np.array_equal(log.mask(self.image, author_id=author), fold(own, H, W))
        for seen in self.replicas:
            assert [row.seq for row in seen] == [row.seq for row in found[: len(seen)]]
            folded = fold([log.drawn(row) for row in seen], H, W)
            then = log.mask(self.image, upto=seen[-1].seq) if seen else np.zeros((H, W))
            assert np.array_equal(folded, whole if len(seen) == len(found) else then)

    def teardown(self) -> None:
        """Every tab sends once more: then all that waited or is on a canvas is there, and replicas catch up."""
        for tab in self.tabs:
            self.save(tab, tab.on, tab.objects)
            assert tab_state.place(self.image)["waiting"] == []
        for which in range(2):
            self.a_replica_reads_on(which, 10_000)
        self.the_log_holds_what_was_acknowledged_and_nothing_else()
        self.all_see_one_mask()


def test_whatever_happens_to_replies_there_is_one_log_and_one_mask(
    project: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.writing() as db:
        others = [add_user(db, name, "a long enough password").id for name in ("Bob", "Cy")]
    authors = [project.user_id, *(accept(invite(project.project_id, "annotator"), other) for other in others)]
    run_state_machine_as_test(
        lambda: Machine(project, authors, monkeypatch),  # type: ignore[arg-type]
        settings=settings(
            max_examples=50, stateful_step_count=30, derandomize=True, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
