"""Accounts, roles, classes and invitations."""

from __future__ import annotations

import pytest

from studio.accounts import add_user, close_session, open_session, user_of
from studio.errors import Forbidden, StudioError
from studio.projects.classes import add_class, classes_of
from studio.projects.invitations import accept, first_token, invite
from studio.projects.members import members_of, require, role_of, set_role
from studio.projects.projects import create_project, set_photo_pattern
from studio.store.database import writing
from studio.ui import plain
from tests.studio.conftest import Someone


def member(project: Someone, name: str, role: str) -> int:
    with writing() as db:
        user_id = add_user(db, name, "a long enough password").id
    return accept(invite(project.project_id, role), user_id)


def test_roles_build_on_each_other(project: Someone) -> None:
    reviewer = member(project, "Grace", "reviewer")
    assert require(reviewer, project.project_id, "annotator") == "reviewer"
    with pytest.raises(Forbidden, match="needs the role admin; yours is reviewer"):
        require(reviewer, project.project_id, "admin")
    other = create_project(project.user_id, "Other")
    with pytest.raises(Forbidden, match="not in this project"):
        require(reviewer, other.id)


def test_the_last_admin_stays_one(project: Someone) -> None:
    for role in ("annotator", None):
        with pytest.raises(StudioError, match="needs an admin"):
            set_role(project.project_id, project.user_id, project.user_id, role)
    second = member(project, "Grace", "admin")
    set_role(project.project_id, project.user_id, project.user_id, None)
    assert role_of(project.user_id, project.project_id) is None
    assert [user.id for user, _ in members_of(project.project_id)] == [second]


def test_an_invitation_raises_a_role_but_never_lowers_it(project: Someone) -> None:
    accept(invite(project.project_id, "annotator"), project.user_id)
    assert role_of(project.user_id, project.project_id) == "admin"
    grace = member(project, "Grace", "annotator")
    accept(invite(project.project_id, "reviewer"), grace)
    assert role_of(grace, project.project_id) == "reviewer"
    token = invite(project.project_id, "admin")
    accept(token, grace)
    with pytest.raises(StudioError, match="used up"):
        accept(token, project.user_id)


def test_a_refused_account_does_not_use_the_invitation_up(project: Someone) -> None:
    token = invite(project.project_id, "annotator")
    for name, password in (("", "a long enough password"), ("Grace", "short"), ("ada", "a long enough password")):
        with pytest.raises(StudioError):
            accept(token, None, name, password)
    assert accept(token, None, "Grace", "a long enough password")


def test_the_first_link_is_only_for_an_empty_studio(project: Someone) -> None:
    assert first_token() is None


def test_a_session_is_its_cookie(project: Someone) -> None:
    cookie = open_session(project.user_id)
    found = user_of(cookie)
    assert found is not None
    assert found.id == project.user_id
    for forged in (None, "", cookie[:-1], cookie.swapcase(), cookie + "x", "é" * 40, "x" * 10_000):
        assert user_of(forged) is None
    close_session(cookie)
    assert user_of(cookie) is None


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "a\x00b", 'x"y', "x" * 61, "Crack", "CRACK"])
def test_class_names_that_cannot_be_folders_or_are_taken(project: Someone, name: str) -> None:
    with pytest.raises(StudioError), writing() as db:
        add_class(db, project.project_id, project.user_id, name)
    assert len(classes_of(project.project_id)) == 4


@pytest.mark.parametrize("colour", ["red", "#12345", "#1234567", "#12345g", "#123456'><script>", ""])
def test_a_colour_that_is_none_is_refused(project: Someone, colour: str) -> None:
    with pytest.raises(StudioError, match="#rrggbb"), writing() as db:
        add_class(db, project.project_id, project.user_id, "Spalling", colour)


def test_classes_are_numbered_and_end_at_254(project: Someone) -> None:
    with writing() as db:
        for number in range(5, 255):
            assert add_class(db, project.project_id, project.user_id, f"class {number}").number == number
        with pytest.raises(StudioError, match="at most 254"):
            add_class(db, project.project_id, project.user_id, "one more")


@pytest.mark.parametrize("pattern", ["(", "no group"])
def test_photo_patterns_that_tell_nothing(project: Someone, pattern: str) -> None:
    with pytest.raises(StudioError):
        set_photo_pattern(project.project_id, pattern)


def test_names_are_shown_as_they_are() -> None:
    assert plain("<b>*x*</b>") == "&#60;b&#62;&#42;x&#42;&#60;/b&#62;"
    assert plain("Brücke 42") == "Brücke 42"
