"""The studio on a PostgreSQL of its own: migrations, many writers, undo, and what other tests say of accounts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import delete, select, text, update

from studio.accounts import add_user, open_session
from studio.accounts.rights import SignedIn
from studio.annotation import log
from studio.annotation.rasterise import fold
from studio.annotation.strokes import Brush, Drawn, Rectangle, Undo
from studio.collaboration import presence, review
from studio.errors import Forbidden
from studio.images.library import add_image, find_images
from studio.projects.invitations import accept, invite
from studio.projects.members import members_of, set_role
from studio.store import database
from studio.store.home import secret
from studio.store.tables import Member, Session, User
from tests.conftest import save_png
from tests.postgresql import new_database
from tests.studio.accounts.test_accounts import (  # noqa: F401
    test_a_ticket_of_a_page_works_once,
    test_a_ticket_of_the_provider_works_once_and_names_somebody,
    test_an_address_that_tries_many_names_waits_too,
    test_guessing_elsewhere_does_not_lock_its_victim_out,
    test_of_many_first_links_used_at_once_one_makes_the_first_account,
    test_of_many_who_join_at_once_by_one_invitation_one_is_in,
    test_parallel_guesses_are_counted_each,
    test_people_who_choose_one_name_at_once_are_told_that_it_is_taken,
)
from tests.studio.accounts.test_own_account import (  # noqa: F401
    owner,
    test_a_reset_link_sets_a_password_once_and_ends_all_sessions,
    test_two_owners_cannot_deactivate_each_other,
    test_whoever_is_deactivated_has_no_session_token_or_link,
)
from tests.studio.annotation.test_fold import (  # noqa: F401
    test_an_accepted_image_is_read_only_but_a_resent_stroke_is_no_error,
    test_the_log_takes_each_stroke_once_and_folds_step_by_step_to_the_same_mask,
    test_undo_and_redo_walk_through_ones_own_strokes,
    wall,
)
from tests.studio.backup.test_backup import (  # noqa: F401  # run here again, on PostgreSQL
    bridge,
    test_a_failure_in_the_midst_of_writing_leaves_nothing,
    test_a_project_is_restored_with_all_that_was_done,
    test_too_many_people_are_refused,
    test_what_is_no_backup_is_refused_and_nothing_is_left_behind,
)
from tests.studio.conftest import Someone
from tests.studio.projects.test_projects import (  # noqa: F401
    test_a_refused_account_does_not_use_the_invitation_up,
    test_a_session_is_its_cookie,
    test_an_invitation_raises_a_role_but_never_lowers_it,
    test_classes_are_numbered_and_end_at_254,
    test_roles_build_on_each_other,
    test_the_last_admin_stays_one,
)
from tests.studio.store.test_store import test_a_block_that_fails_changes_nothing  # noqa: F401
from tests.studio.trash.test_trash import (  # noqa: F401
    test_a_deleted_image_is_served_nowhere_and_comes_back_as_it_was,
    test_a_deleted_project_is_nobody_s_and_leaves_nothing,
    test_every_table_that_can_be_deleted_is_left_out_of_reads,
    walls,
)

H, W = 24, 32


@pytest.fixture
def home(postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """As the other tests' home folder, with the database in PostgreSQL."""
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STUDIO_DATABASE", new_database(postgresql))
    secret.cache_clear()
    database.migrate()
    yield tmp_path / "home"
    database.engine().dispose()
    secret.cache_clear()


def test_all_is_in_postgresql_and_the_migrations_make_its_tables(home: Path) -> None:
    with database.reading() as db:
        assert "PostgreSQL" in str(db.execute(text("SELECT version()")).scalar())
        assert db.execute(text("SHOW synchronous_commit")).scalar() == "on"
    assert not (home / "studio.db").exists()
    database.migrate()  # again, which changes nothing
    config = Config()
    config.set_main_option("script_location", str(database._MIGRATIONS))
    command.check(config)


def test_many_writers_on_one_image_and_readers_that_follow(project: Someone, tmp_path: Path) -> None:
    file = save_png(np.zeros((H, W, 3), np.uint8), tmp_path / "a.png")
    image, _ = add_image(project.project_id, project.user_id, file, "a.png")
    ended, seen = threading.Event(), list[Any]()

    def follow() -> None:
        """Read on from the last position: a row that turns up behind it would be missed."""
        while not ended.is_set():
            seen.extend(log.read(image.id, after=seen[-1].seq if seen else 0))
        seen.extend(log.read(image.id, after=seen[-1].seq if seen else 0))

    def draw(writer: int) -> int:
        rng, new = np.random.default_rng(writer), 0
        for number in range(25):
            if number % 5 == 4:
                one: Drawn = Undo(f"undo-{writer}-{number}", 0, {"stroke": f"{writer}-{number - 1}"})
            else:
                points = rng.uniform(0, W, (3, 2)).round(2).tolist()
                one = Brush(f"{writer}-{number}", writer % 4 + 1, {"points": points, "width": 3.5})
            for _ in range(2):
                new += log.append(image.id, project.user_id, [one])
        return new

    reader = threading.Thread(target=follow)
    reader.start()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(draw, range(8))) == [25] * 8
    ended.set()
    reader.join()
    rows = log.read(image.id)
    assert len({row.id for row in rows}) == len(rows) == 200
    assert [row.seq for row in seen] == [row.seq for row in rows]
    assert np.array_equal(log.mask(image), fold([log.drawn(row) for row in rows], H, W))
    assert {f"{writer}-3" for writer in range(8)} <= {row.geometry.get("stroke") for row in rows}
    (known,) = find_images(project.project_id)
    assert known.strokes == 200


def test_first_strokes_and_first_beats_at_once(project: Someone, tmp_path: Path) -> None:
    """Two tabs of one person on an image that is new to them: each would make the row of their work."""

    def come(image_id: int, who: int, together: threading.Barrier) -> None:
        together.wait()
        if who % 2:
            presence.beat(image_id, project.user_id)
        else:
            box = Rectangle(f"s{who}", 1, {"box": [1, 1, 3, 3]})
            assert log.append(image_id, project.user_id, [box]) == 1

    for value in range(8):
        file = save_png(np.full((H, W, 3), value, np.uint8), tmp_path / f"{value}.png")
        image, _ = add_image(project.project_id, project.user_id, file, file.name)
        together = threading.Barrier(4)
        with ThreadPoolExecutor(4) as pool:
            for one in [pool.submit(come, image.id, who, together) for who in range(4)]:
                one.result()
        assert len(log.read(image.id)) == 2
        assert [user.id for user in presence.present([image.id])[image.id]] == [project.user_id]


def _until_somebody_waits() -> None:
    """Until a transaction of this database waits for a lock of another."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while True:
        with database.reading() as db:
            if db.scalar(text(waits)):
                return


def test_a_removal_that_is_committed_first_wins(project: Someone, tmp_path: Path) -> None:
    """The change that came meanwhile waited for it, and is refused then."""
    with database.writing() as db:
        bob = add_user(db, "Bob", None).id
    revocations = (
        delete(Member).where(Member.user_id == bob),
        update(Member).where(Member.user_id == bob).values(role="annotator"),
        update(User).where(User.id == bob).values(deactivated_at=1.0),
        delete(Session).where(Session.user_id == bob),
    )
    for number, revocation in enumerate(revocations):
        with database.writing() as db:
            db.execute(update(User).where(User.id == bob).values(deactivated_at=None))
        accept(invite(project.project_id, "reviewer"), bob)
        open_session(bob)
        with database.reading() as db:
            who = SignedIn(bob, str(db.scalar(select(Session.id).where(Session.user_id == bob))))
        file = save_png(np.full((H, W, 3), number, np.uint8), tmp_path / f"{number}.png")
        image, _ = add_image(project.project_id, project.user_id, file, file.name)
        review.submit(image.id, project.user_id)
        with ThreadPoolExecutor(1) as pool:
            with database.writing() as db:
                db.execute(revocation)
                accepted = pool.submit(review.accept, image.id, who)
                _until_somebody_waits()
            with pytest.raises(Forbidden):
                accepted.result()
        assert {found.state for found in find_images(project.project_id)} == {"submitted"}


def test_of_two_admins_who_take_each_other_s_role_one_stays(project: Someone) -> None:
    with database.writing() as db:
        bob = add_user(db, "Bob", None).id
    for _ in range(5):
        accept(invite(project.project_id, "admin"), bob)
        together = threading.Barrier(2)

        def lower(by: int, other: int, together: threading.Barrier = together) -> bool:
            together.wait()
            try:
                set_role(project.project_id, by, other, "annotator")
            except Forbidden:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(lower, (project.user_id, bob), (bob, project.user_id)))
        assert sorted(done) == [False, True]
        (winner,) = [user.id for user, role in members_of(project.project_id) if role == "admin"]
        if winner == bob:
            set_role(project.project_id, bob, project.user_id, "admin")
