"""Many browser tabs draw on one image, and what they send is lost, doubled, late or out of order: one log, one mask."""

from __future__ import annotations

from dataclasses import replace
from secrets import token_hex
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
from studio.annotation.strokes import Drawn, Revision, Toggle, parse
from studio.api import rows as api_rows
from studio.projects.invitations import accept, invite
from studio.store import database
from studio.store.tables import Image
from tests.studio.annotation.test_fold import SHAPES, H, W, made
from tests.studio.browser import Browser
from tests.studio.conftest import Someone

WRITERS = (0, 0, 1, 2)  # the authors of the tabs: one has two of them
TAB = st.integers(0, len(WRITERS) - 1)
KIND = st.sampled_from(["undo", "redo"])


class Tab:
    """A browser's tab: what it keeps until it is acknowledged, all that it ever sent, and what it shows of whom."""

    def __init__(self, author_id: int, whose: int | None) -> None:
        self.author_id, self.whose = author_id, whose
        self.unsent: list[Drawn] = []
        self.sent: list[list[Drawn]] = []
        self.screen = Browser(H, W)


class Machine(RuleBasedStateMachine):
    """`drawn`: what anybody drew or toggled, by id; `told`: ids of what was acknowledged."""

    def __init__(self, project: Someone, authors: list[int]) -> None:
        super().__init__()
        with database.writing() as db:
            self.image = Image(project_id=project.project_id, sha256=token_hex(32), name="w", width=W, height=H,
                               added_by=project.user_id)  # fmt: skip
            db.add(self.image)
        # those with an author's number draw blind: they see their own strokes alone
        self.tabs = [Tab(authors[who], authors[who] if who == 1 else None) for who in WRITERS]
        self.drawn: dict[str, Drawn] = {}
        self.told: set[str] = set()

    def keep(self, tab: int, stroke: Drawn) -> None:
        self.drawn[stroke.id] = stroke
        self.tabs[tab].unsent.append(stroke)

    def arrive(self, tab: Tab, batch: list[Drawn]) -> None:
        before = {row.id for row in log.read(self.image.id)}
        new = log.append(self.image.id, tab.author_id, batch)
        added = [row.id for row in log.read(self.image.id) if row.id not in before]
        assert len(added) == new
        expected = [stroke.id for stroke in batch if stroke.id not in before]
        assert [one for one in expected if one in added or not isinstance(self.drawn[one], Toggle)] == added

    @rule(tab=TAB, shape=SHAPES, label=st.integers(1, 4), spares=st.booleans())
    def draw(self, tab: int, shape: tuple[str, dict[str, Any]], label: int, spares: bool) -> None:
        kind, geometry = shape
        stroke = made(0, (kind, geometry | ({"over": False} if spares else {})), self.tabs[tab].author_id, label)
        self.keep(tab, replace(stroke, id=token_hex(8)))

    @rule(tab=TAB, kind=KIND)
    def step_back(self, tab: int, kind: str) -> None:
        self.keep(tab, parse(token_hex(8), kind, 0, {}, self.tabs[tab].author_id))

    @rule(tab=TAB, kind=KIND, data=st.data())
    def toggle_a_stroke(self, tab: int, kind: str, data: st.DataObject) -> None:
        """One's own or, which changes nothing, another's."""
        painted = [id for id, stroke in self.drawn.items() if not isinstance(stroke, Toggle)]
        if painted:
            target = data.draw(st.sampled_from(painted))
            self.keep(tab, parse(token_hex(8), kind, 0, {"stroke": target}, self.tabs[tab].author_id))

    @rule(tab=TAB, data=st.data(), lost=st.booleans())
    def send(self, tab: int, data: st.DataObject, lost: bool) -> None:
        """`lost`: the studio has it, and the browser does not know."""
        one = self.tabs[tab]
        batch = one.unsent[: data.draw(st.integers(0, len(one.unsent)))]
        one.sent.append(batch)
        self.arrive(one, batch)
        if not lost:
            self.told |= {stroke.id for stroke in batch}
            del one.unsent[: len(batch)]

    @rule(tab=TAB, data=st.data(), times=st.integers(1, 2))
    def an_old_batch_comes_again(self, tab: int, data: st.DataObject, times: int) -> None:
        one = self.tabs[tab]
        if one.sent:
            batch = data.draw(st.sampled_from(one.sent))
            for _ in range(times):
                self.arrive(one, batch)

    @rule(tab=TAB)
    def the_disk_refuses(self, tab: int) -> None:
        one, before = self.tabs[tab], [row.id for row in log.read(self.image.id)]

        def refuse(*_: object) -> None:
            raise OperationalError("INSERT", None, Exception("disk is full"))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log, "work_of", refuse)  # the last thing that the transaction does
            try:
                added = log.append(self.image.id, one.author_id, one.unsent)
            except OperationalError:
                pass
            else:
                assert added == 0
        assert [row.id for row in log.read(self.image.id)] == before

    @rule()
    def the_process_restarts(self) -> None:
        log._FOLDED.clear()
        database.engine().dispose()
        database._engine.cache_clear()

    @precondition(lambda self: self.image.id)
    @rule(data=st.data())
    def an_earlier_mask_comes_back(self, data: st.DataObject) -> None:
        rows = log.read(self.image.id)
        if rows:
            past = log.mask(self.image, upto=data.draw(st.sampled_from(rows)).seq)
            row = Revision.of(past, f"restore-{token_hex(4)}")
            author = self.tabs[0].author_id
            log.append(self.image.id, author, [row])
            self.drawn[row.id] = replace(row, author_id=author)
            self.told.add(row.id)

    @rule(tab=TAB, forgets=st.sampled_from([False] * 9 + [True]))
    def a_tab_asks(self, tab: int, forgets: bool) -> None:
        """What it shows then is the mask, pixel for pixel."""
        one = self.tabs[tab]
        changes = log.changes(self.image, None if forgets else one.screen.position, one.whose)
        told = {"position": changes.position, "rows": [api_rows.as_json(row) for row in changes.rows]}
        one.screen.receive(told | {"patch": changes.patch})
        assert np.array_equal(one.screen.mask, fold(self.rows(one.whose), H, W))

    def rows(self, author_id: int | None = None) -> list[Drawn]:
        return [log.drawn(row) for row in log.read(self.image.id, author_id=author_id)]

    @invariant()
    def the_log_holds_what_was_acknowledged_and_nothing_else(self) -> None:
        found, rows = log.read(self.image.id), self.rows()
        ids = [row.id for row in found]
        assert len(set(ids)) == len(ids)
        assert {id for id in self.told if not isinstance(self.drawn[id], Toggle)} <= set(ids) <= set(self.drawn)
        for at, row in enumerate(rows):
            asked = self.drawn[row.id]
            if isinstance(row, Toggle) and not asked.geometry:  # the log found the stroke: its author's, and it changed
                before = {stroke.id for stroke in visible(rows[:at])}
                assert self.drawn[row.target].author_id == row.author_id == asked.author_id
                assert (row.target in before) == row.hides
            else:
                assert row == asked
        numbers = [row.seq for row in found]
        assert numbers == sorted(set(numbers))

    @invariant()
    def all_see_one_mask(self) -> None:
        assert np.array_equal(log.mask(self.image), fold(self.rows(), H, W))
        for author in {tab.author_id for tab in self.tabs}:
            assert np.array_equal(log.mask(self.image, author_id=author), fold(self.rows(author), H, W))

    def teardown(self) -> None:
        """Every tab sends once more: then all that it kept is there, and all screens are one."""
        for tab in self.tabs:
            self.arrive(tab, tab.unsent)
            self.told |= {stroke.id for stroke in tab.unsent}
        for number in range(len(self.tabs)):
            self.a_tab_asks(number, forgets=False)
        self.the_log_holds_what_was_acknowledged_and_nothing_else()
        self.all_see_one_mask()


def test_whatever_happens_to_what_is_sent_there_is_one_log_and_one_mask(project: Someone) -> None:
    with database.writing() as db:
        others = [add_user(db, name, "a long enough password").id for name in ("Bob", "Cy")]
    authors = [project.user_id, *(accept(invite(project.project_id, "annotator"), other) for other in others)]
    run_state_machine_as_test(
        lambda: Machine(project, authors),  # type: ignore[arg-type]
        settings=settings(
            max_examples=50, stateful_step_count=30, derandomize=True, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
