"""What people do with their accounts: passwords, names, sessions, tokens; and what the owner does with all."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from studio.accounts import WrongPassword, add_user, check_password, open_session, user_of
from studio.accounts.history import forget, happened
from studio.accounts.leaving import delete_account, only_admin_of
from studio.accounts.others import accounts, deactivate, find_reset, make_reset_link, reactivate, reset_password
from studio.accounts.own import change_password, rename
from studio.accounts.rights import ByToken, SignedIn, acting
from studio.accounts.sessions import browsers_of, sign_out_browser, sign_out_others, signed_in
from studio.accounts.throttle import TooManyAttempts
from studio.accounts.tickets import redeem, ticket
from studio.accounts.tokens import caller, make_token, revoke, tokens_of
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.collaboration.comments import comment, comments_on
from studio.errors import Forbidden, StudioError
from studio.images.library import add_image
from studio.projects.invitations import accept, find_invitation, invite
from studio.projects.members import members_of, set_role
from studio.projects.projects import create_project
from studio.store.database import reading, writing
from studio.store.tables import ApiToken, PasswordReset, User
from tests.conftest import save_png
from tests.studio.accounts.test_accounts import PASSWORD, at_once, done
from tests.studio.conftest import Someone

NEW = "seven herons on a viaduct"


def account(name: str) -> int:
    with writing() as db:
        return add_user(db, name, PASSWORD).id


def by(cookie: str) -> SignedIn:
    found = signed_in(cookie)
    assert found is not None
    return found[1]


def who(credential: str) -> int | None:
    with reading() as db:
        found = caller(db, credential)
        return found.user.id if found else None


@pytest.fixture
def owner(project: Someone) -> str:
    accept(invite(None, "admin"), project.user_id)
    return open_session(project.user_id, "Firefox on Linux")


def test_a_changed_password_ends_all_other_sessions(project: Someone) -> None:
    here, other = open_session(project.user_id), open_session(project.user_id)
    with pytest.raises(WrongPassword, match="present password"):
        change_password(by(here), "not the password", NEW)
    for bad, words in (("short", "at least"), ("Ada Ada Ada", "would be guessed"), (PASSWORD, "is the present one")):
        with pytest.raises(StudioError, match=words):
            change_password(by(here), PASSWORD, bad)
    assert user_of(other) is not None
    change_password(by(here), PASSWORD, NEW)
    assert user_of(here) is not None
    assert user_of(other) is None
    assert check_password("Ada", NEW, "").id == project.user_id
    with pytest.raises(WrongPassword):
        check_password("Ada", PASSWORD, "")


def test_guesses_of_the_present_password_are_delayed_and_lock_no_sign_in(project: Someone) -> None:
    here = open_session(project.user_id)
    for _ in range(5):
        with pytest.raises(WrongPassword):
            change_password(by(here), "not the password", NEW)
    with pytest.raises(TooManyAttempts):
        change_password(by(here), PASSWORD, NEW)
    assert check_password("Ada", PASSWORD, "").id == project.user_id


def test_a_name_is_changed_if_nobody_else_has_it(project: Someone) -> None:
    here = open_session(project.user_id)
    account("Grace")
    for bad in ("grace", "", "x" * 65, "a\0b", "\ud800"):
        with pytest.raises(StudioError):
            rename(by(here), bad)
    rename(by(here), "ADA")
    rename(by(here), "  Ada   Lovelace ")
    assert check_password("ada lovelace", PASSWORD, "").id == project.user_id


def test_sessions_are_listed_and_end_one_by_one_or_all(project: Someone) -> None:
    grace = open_session(account("Grace"))
    here, phone, desk = (open_session(project.user_id, name) for name in ("Firefox on Linux", "Safari on iPhone", "x"))
    found = browsers_of(by(here))
    assert [browser.here for browser in found] == [True, False, False]
    assert found[0].name == "Firefox on Linux"
    key = next(browser.key for browser in found if browser.name == "Safari on iPhone")
    sign_out_browser(by(grace), key)  # not hers
    assert user_of(phone) is not None
    sign_out_browser(by(here), key)
    assert user_of(phone) is None
    sign_out_others(by(here))
    assert user_of(desk) is None
    assert user_of(here) is not None
    assert user_of(grace) is not None


def test_a_signed_out_browser_changes_nothing(project: Someone) -> None:
    here, gone, other = by(open_session(project.user_id)), by(open_session(project.user_id)), account("Grace")
    sign_out_others(here)
    for act in (
        lambda: rename(gone, "Eve"),
        lambda: change_password(gone, PASSWORD, NEW),
        lambda: browsers_of(gone),
        lambda: sign_out_others(gone),
        lambda: make_token(gone, "x", "read", None, 1),
        lambda: revoke(gone, 1),
        lambda: tokens_of(gone),
        lambda: accounts(gone),
        lambda: deactivate(gone, other),
        lambda: make_reset_link(gone, other),
        lambda: reactivate(gone, other),
    ):
        with pytest.raises(Forbidden, match="signed out"):
            act()


def test_a_token_is_its_users_until_it_is_revoked_or_expires(project: Someone) -> None:
    here, grace = open_session(project.user_id), open_session(account("Grace"))
    token = make_token(by(here), "Nightly  export", "read", project.project_id, 30)
    assert who(token) == project.user_id
    (listed,) = tokens_of(by(here))
    assert (listed.name, listed.scope, listed.project_id) == ("Nightly export", "read", project.project_id)
    with reading() as db:
        assert token not in str([vars(row) for row in db.scalars(select(ApiToken))])
    for forged in (token[:-1] + ("a" if token[-1] != "a" else "b"), "ftl_", "ftl_ä", "ftl_\ud800", token.upper()):
        assert who(forged) is None
    assert tokens_of(by(grace)) == []
    revoke(by(grace), listed.id)  # not hers
    assert who(token) == project.user_id
    revoke(by(here), listed.id)
    assert who(token) is None
    with pytest.raises(Forbidden, match="revoked"), acting(ByToken(project.user_id, listed.id)):
        raise AssertionError("a revoked token changed something")
    late = make_token(by(here), "x", "write", None, 1)
    with writing() as db:
        db.scalars(select(ApiToken)).one().expires_at = time.time() - 1
    assert who(late) is None


@pytest.mark.parametrize(
    ("name", "scope", "project_id", "days"),
    [("", "read", None, 1), ("x" * 65, "read", None, 1), ("a\0", "read", None, 1), ("x", "admin", None, 1),
     ("x", "read", 99, 1), ("x", "read", None, 0), ("x", "read", None, 366)],
)  # fmt: skip
def test_what_can_be_no_token_is_refused(project: Someone, name: str, scope: str, project_id: int, days: int) -> None:
    with pytest.raises(StudioError):
        make_token(by(open_session(project.user_id)), name, scope, project_id, days)


def test_a_token_for_a_project_that_one_is_not_in_is_refused(project: Someone) -> None:
    grace = account("Grace")
    with pytest.raises(StudioError, match="not in this project"):
        make_token(by(open_session(grace)), "x", "read", project.project_id, 1)
    make_token(by(open_session(grace)), "x", "read", create_project(grace, "Own").id, 1)


def test_a_reset_link_sets_a_password_once_and_ends_all_sessions(owner: str) -> None:
    grace = account("Grace")
    cookie = open_session(grace)
    older = make_reset_link(by(owner), grace).rpartition("/")[2]
    token = make_reset_link(by(owner), grace).rpartition("/")[2]
    with pytest.raises(StudioError, match="used up or too old"):
        find_reset(older)
    assert find_reset(token).name == "Grace"
    with pytest.raises(StudioError, match="would be guessed"):
        reset_password(token, "grace grace grace")
    results = at_once(*[lambda: reset_password(token, NEW)] * 4)
    assert done(results) == [grace]
    assert user_of(cookie) is None
    assert check_password("Grace", NEW, "").id == grace
    late = make_reset_link(by(owner), grace).rpartition("/")[2]
    with writing() as db:
        db.scalars(select(PasswordReset)).one().expires_at = time.time() - 1
    with pytest.raises(StudioError):
        reset_password(late, NEW)


def test_whoever_is_deactivated_has_no_session_token_or_link(owner: str, project: Someone) -> None:
    grace = account("Grace")
    accept(invite(project.project_id, "annotator"), grace)
    cookie = open_session(grace)
    token, page = make_token(by(cookie), "x", "write", None, 1), ticket(cookie)
    link = make_reset_link(by(owner), grace).rpartition("/")[2]
    deactivate(by(owner), grace)
    assert user_of(cookie) is None
    assert who(token) is None
    assert redeem(page, grace) is None
    with pytest.raises(StudioError):
        reset_password(link, NEW)
    with pytest.raises(WrongPassword, match="deactivated"):
        check_password("Grace", PASSWORD, "")
    listed = [(one.name, one.deactivated, one.own) for one in accounts(by(owner))]
    assert listed == [("Ada", False, True), ("Grace", True, False)]
    reactivate(by(owner), grace)
    assert check_password("Grace", PASSWORD, "").id == grace
    assert user_of(cookie) is None
    assert who(token) is None


def test_only_the_owner_sees_to_accounts_and_not_to_their_own_end(owner: str, project: Someone) -> None:
    grace = account("Grace")
    hers = open_session(grace)
    for act in (
        lambda: accounts(by(hers)),
        lambda: make_reset_link(by(hers), project.user_id),
        lambda: deactivate(by(hers), project.user_id),
        lambda: reactivate(by(hers), project.user_id),
    ):
        with pytest.raises(Forbidden, match="owner"):
            act()
    with pytest.raises(StudioError, match="yourself"):
        deactivate(by(owner), project.user_id)
    with pytest.raises(StudioError, match="no such account"):
        deactivate(by(owner), 99)


def test_two_owners_cannot_deactivate_each_other(owner: str, project: Someone) -> None:
    from studio.store.tables import Invitation

    grace = account("Grace")
    with writing() as db:  # a second owner, as no link can make one
        db.add(Invitation(token_hash="x", project_id=None, role="admin", expires_at=0.0, used_by=grace))
    first, second = by(owner), by(open_session(grace))
    at_once(lambda: deactivate(first, grace), lambda: deactivate(second, project.user_id))
    with reading() as db:
        assert len([user for user in db.scalars(select(User)) if user.deactivated_at is None]) == 1


def told(cookie: str, *, everybody: bool = False) -> list[tuple[str, str, str]]:
    return [(line.name, line.what, line.by) for line in happened(by(cookie), everybody=everybody)]


def test_a_changed_or_reset_password_revokes_all_tokens(project: Someone, owner: str) -> None:
    grace = account("Grace")
    there = open_session(grace)
    for change in (
        lambda: change_password(by(there), PASSWORD, NEW),
        lambda: reset_password(make_reset_link(by(owner), grace).rpartition("/")[2], "nine otters under a bridge"),
    ):
        mine = make_token(by(there), "Export", "write", None, 9)
        other = make_token(by(owner), "Export", "write", None, 9)
        assert who(mine) == grace
        change()
        assert who(mine) is None
        assert who(other) == project.user_id


def test_each_sees_what_happened_to_their_account_and_the_owner_to_all(project: Someone, owner: str) -> None:
    grace = accept(invite(project.project_id, "annotator"), None, "Grace", PASSWORD)
    here = open_session(grace, "Firefox on Linux")
    for name in ("Grace", "Nobody"):
        with pytest.raises(WrongPassword):
            check_password(name, "not the password", "10.0.0.9")
    make_token(by(here), "Export", "read", None, 9)
    revoke(by(here), tokens_of(by(here))[0].id)
    change_password(by(here), PASSWORD, NEW)
    set_role(project.project_id, project.user_id, grace, "reviewer")
    reset_password(make_reset_link(by(owner), grace).rpartition("/")[2], "nine otters under a bridge")
    deactivate(by(owner), grace)
    reactivate(by(owner), grace)
    again = open_session(grace, "curl")
    mine = [
        ("signed in from curl", ""), ("the account was reactivated", "Ada"), ("the account was deactivated", "Ada"),
        ("a new password was set by a link", ""), ("a link to set a new password was made", "Ada"),
        ("became reviewer of Bridge 42", "Ada"), ("the password was changed", ""), ("the token Export was revoked", ""),
        ("the token Export was made", ""), ("a sign-in failed, from 10.0.0.9", ""),
        ("signed in from Firefox on Linux", ""),
    ]  # fmt: skip
    assert told(again) == [("Grace", what, actor) for what, actor in mine]
    everything = told(owner, everybody=True)
    assert set(told(again)) < set(everything)
    assert ("", "a sign-in failed, from 10.0.0.9", "") in everything
    assert ("Ada", "signed in from Firefox on Linux", "") in everything
    assert not any("Nobody" in " ".join(line) or "not the" in " ".join(line) for line in everything)
    with pytest.raises(Forbidden):
        told(again, everybody=True)
    with writing() as db:
        forget(db, time.time() + 366 * 24 * 3600)
    assert told(again) == []


def test_a_deleted_account_leaves_its_work_and_nothing_that_opens(project: Someone, owner: str, tmp_path: Path) -> None:
    own = project.project_id
    grace = accept(invite(own, "annotator"), None, "Grace", PASSWORD)
    image = add_image(own, grace, save_png(np.zeros((24, 32, 3), np.uint8), tmp_path / "wall.png"), "wall.png")[0]
    log.append(image.id, grace, [Rectangle("box", 1, {"box": [2, 2, 9, 9]})])
    comment(image, grace, "look")
    alone = create_project(grace, "Hers").id
    accept(invite(alone, "annotator"), account("Eve"))
    here = open_session(grace)
    session, token = by(here), make_token(by(here), "Export", "write", None, 9)
    link = make_reset_link(by(owner), grace).rpartition("/")[2]
    invitation, mine = invite(alone, "admin", session), invite(own, "annotator", by(owner))
    assert only_admin_of(session, grace) == only_admin_of(by(owner), grace) == ["Hers"]
    for forbidden in (
        lambda: only_admin_of(session, project.user_id),
        lambda: delete_account(session, project.user_id),
    ):
        with pytest.raises(Forbidden):
            forbidden()
    delete_account(session, grace)
    assert user_of(here) is who(token) is None
    for closed in (
        lambda: find_reset(link),
        lambda: find_invitation(invitation),
        lambda: check_password("Grace", PASSWORD, ""),
        lambda: reactivate(by(owner), grace),
        lambda: make_reset_link(by(owner), grace),
        lambda: delete_account(by(owner), grace),
        lambda: log.append(image.id, session, [Rectangle("late", 1, {"box": [2, 2, 9, 9]})]),
        lambda: account("grace"),
    ):
        with pytest.raises(StudioError):
            closed()
    assert find_invitation(mine).project_id == own
    assert [one.name for one in accounts(by(owner))] == ["Ada", "Eve"]
    assert [(user.name, role) for user, role in members_of(own)] == [("Ada", "admin")]
    assert [(user.name, role) for user, role in members_of(alone)] == [("Ada", "admin"), ("Eve", "annotator")]
    assert log.mask(image).any()
    assert [(one.author.name, one.text) for one in comments_on(image.id)] == [("Grace", "look")]
    with pytest.raises(StudioError, match="needs its owner"):
        delete_account(by(owner), project.user_id)
    assert ("Grace", "the account was deleted", "") in told(owner, everybody=True)


def test_the_owner_deletes_another_s_account(project: Someone, owner: str) -> None:
    grace = account("Grace")
    here = open_session(grace)
    delete_account(by(owner), grace)
    assert user_of(here) is None
    assert ("Grace", "the account was deleted", "Ada") in told(owner, everybody=True)


def test_a_deactivated_person_s_invitations_open_nothing(project: Someone, owner: str) -> None:
    grace = accept(invite(project.project_id, "admin"), None, "Grace", PASSWORD)
    left = invite(project.project_id, "admin", grace)
    deactivate(by(owner), grace)
    with pytest.raises(StudioError):
        find_invitation(left)
