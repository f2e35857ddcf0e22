"""Accounts: what works once, how guessing is delayed, and which passwords are taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from sqlalchemy import select

from studio.accounts import WrongPassword, check_password, oidc, open_session, passwords, throttle, user_of
from studio.accounts.sessions import browser_name
from studio.accounts.settings import owns
from studio.accounts.throttle import TooManyAttempts
from studio.accounts.tickets import issue, redeem, ticket
from studio.errors import StudioError
from studio.projects.invitations import accept, first_token, invite
from studio.store.database import reading, writing
from studio.store.tables import Session, SignInDelay, User
from tests.studio.conftest import Someone

PASSWORD = "a long enough password"


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What these calls return, or the `StudioError` that they raise, all begun at the same moment."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return call()
        except StudioError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def done(results: list[Any]) -> list[Any]:
    return [result for result in results if result is not None and not isinstance(result, StudioError)]


def test_of_many_who_join_at_once_by_one_invitation_one_is_in(project: Someone) -> None:
    token = invite(project.project_id, "annotator")
    results = at_once(*(lambda n=n: accept(token, None, f"Guest {n}", PASSWORD) for n in range(10)))  # type: ignore[misc]
    assert len(done(results)) == 1, results
    assert all("used up" in str(error) for error in results if isinstance(error, StudioError))
    with reading() as db:
        assert len(list(db.scalars(select(User).where(User.name.like("Guest %"))))) == 1


def test_of_many_first_links_used_at_once_one_makes_the_first_account(home: Path) -> None:
    older = first_token()
    token = first_token()
    assert older is not None
    assert token is not None
    with pytest.raises(StudioError, match="used up or too old"):
        accept(older, None, "Early", PASSWORD)
    links = [token, *(invite(None, "admin") for _ in range(5))]  # as by studios that start at the same moment
    results = at_once(*(lambda n=n, link=link: accept(link, None, f"Owner {n}", PASSWORD)  # type: ignore[misc]
                        for n, link in enumerate(links)))  # fmt: skip
    made = done(results)
    assert len(made) == 1, results
    assert owns(made[0])
    with reading() as db:
        assert len(list(db.scalars(select(User)))) == 1
    assert first_token() is None


def test_a_refused_first_account_leaves_its_link_open(home: Path) -> None:
    token = first_token()
    assert token is not None
    with pytest.raises(StudioError):
        accept(token, None, "Owner", "short")
    assert owns(accept(token, None, "Owner", PASSWORD))


def test_people_who_choose_one_name_at_once_are_told_that_it_is_taken(project: Someone) -> None:
    tokens = [invite(project.project_id, "annotator") for _ in range(6)]
    results = at_once(*(lambda token=token: accept(token, None, "Grace", PASSWORD) for token in tokens))  # type: ignore[misc]
    assert len(done(results)) == 1, results
    assert all("is taken" in str(error) for error in results if isinstance(error, StudioError))


def test_a_ticket_of_a_page_works_once(project: Someone) -> None:
    cookie = open_session(project.user_id)
    given = ticket(cookie)
    assert given != ticket(cookie)
    results = at_once(*[lambda: redeem(given, project.user_id)] * 8)
    assert done(results) == [cookie]
    assert redeem(given, project.user_id) is None
    other = ticket(cookie)
    assert redeem(other, project.user_id + 1) is None
    for nonsense in (
        None,
        7,
        "",
        "ä",
        "a.b.c",
        [given],
        issue("oidc", "x"),
        issue("ticket", None),
        issue("ticket", [1]),
    ):
        assert redeem(nonsense, project.user_id) is None
    assert user_of(redeem(ticket(cookie), project.user_id)) is not None


def test_a_ticket_of_the_provider_works_once_and_names_somebody(home: Path) -> None:
    given = oidc.ticket("https://id.example 7", "Ada")
    results = at_once(*[lambda: oidc.redeem(given)] * 8)
    assert len(done(results)) == 1, results
    tickets = [oidc.ticket("https://id.example 8", "Ada") for _ in range(6)]
    results = at_once(*(lambda ticket=ticket: oidc.redeem(ticket) for ticket in tickets))  # type: ignore[misc]
    assert len(set(done(results))) == 1
    assert len(done(results)) == 6, results
    for subject in (None, "", " ", 7, ["x"], {"a": 1}, "x" * 600):
        with pytest.raises(StudioError):
            oidc.redeem(issue("oidc", [subject, "Eve"]))
    for content in (None, [], "ab", ["x"], 3, {"a": 1, "b": 2}):
        with pytest.raises(StudioError):
            oidc.redeem(issue("oidc", content))
    with reading() as db:
        assert {user.subject for user in db.scalars(select(User))} == {"https://id.example 7", "https://id.example 8"}


def test_parallel_guesses_are_counted_each(project: Someone) -> None:
    results = at_once(*[lambda: check_password("ada", "wrong password", "192.0.2.1")] * 20)
    assert sum(isinstance(result, WrongPassword) for result in results) == 5
    assert sum(isinstance(result, TooManyAttempts) for result in results) == 15


def test_guessing_elsewhere_does_not_lock_its_victim_out(project: Someone) -> None:
    for _ in range(5):
        with pytest.raises(WrongPassword):
            check_password("Ada", "wrong password", "198.51.100.9")
    with pytest.raises(TooManyAttempts, match="try again in"):
        check_password("Ada", PASSWORD, "198.51.100.9")
    assert check_password("ADA", PASSWORD, "192.0.2.1").id == project.user_id


def test_delays_grow_and_failures_are_forgotten(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)

    def wait() -> int:
        """Seconds until the next attempt is let in and counted."""
        nonlocal now
        for second in range(3600):
            with suppress(TooManyAttempts):
                throttle.count_attempt("ada", "192.0.2.1")
                return second
            now += 1
        raise AssertionError("an hour was not enough")

    waits = [wait() for _ in range(10)]
    assert waits[:5] == [0] * 5
    assert waits[5] == 30
    assert all(1.7 * before < after <= 2 * before for before, after in pairwise(waits[5:])), waits
    throttle.forget_attempt("ada", "192.0.2.1")
    assert [wait() for _ in range(6)][4:] == [0, 30]
    now += 2 * 3600
    assert [wait() for _ in range(5)] == [0] * 5


def test_an_address_that_tries_many_names_waits_too(home: Path) -> None:
    names = [f"name {number}" for number in range(60)]
    results = at_once(*(lambda name=name: throttle.count_attempt(name, "2001:db8::1") for name in names))  # type: ignore[misc]
    assert sum(isinstance(result, TooManyAttempts) for result in results) == 10
    with pytest.raises(TooManyAttempts):
        throttle.count_attempt("another", "2001:db8::ffff")  # the same network
    throttle.count_attempt("another", "2001:db8:0:1::1")


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", "at least 10 characters"),
        ("123456789012345", "would be guessed"),
        ("passwordpassword", "would be guessed"),
        ("qwertyuiop", "would be guessed"),
        ("Ada Lovelace 1815", "would be guessed"),
        ("AdaLovelace99", "would be guessed"),
        ("lovelace ada!", "would be guessed"),
        ("ada lovelace ada lovelace", "would be guessed"),
        ("x" * 900, "would be guessed"),
        ("a long enough passwor\ud800", "half a character"),
        ("word " * 201, "at most 1000"),
    ],
)
def test_passwords_that_would_be_guessed_are_refused(password: str, words: str) -> None:
    with pytest.raises(StudioError, match=words):
        passwords.check_new(password, "Ada Lovelace")


@pytest.mark.parametrize(
    "password", ["a long enough password", "kfvqjzxpwm", "грустный зелёный мост", "壁石橋雨川風白鳥夜空"]
)
def test_a_password_needs_no_digits_and_may_be_in_any_script(password: str) -> None:
    passwords.check_new(password, "Ada")


def test_hashes_cost_whoever_guesses_what_rfc_9106_asks_for() -> None:
    """All other tests have quick ones; what is checked for names that nobody has was made before."""
    assert extract_parameters(passwords._NOBODY) == RFC_9106_LOW_MEMORY


def test_a_password_is_the_same_however_its_letters_are_composed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher())
    composed, decomposed = "zwölf grüne Brücken", "zwo\u0308lf gru\u0308ne Bru\u0308cken"
    assert passwords.matches(passwords.hash_of(composed), decomposed)
    assert not passwords.matches(passwords.hash_of(composed), composed.lower())
    assert not passwords.matches(None, composed)
    assert not passwords.matches("damaged", composed)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("x" * 65, PASSWORD),
        ("a\0b", PASSWORD),
        ("\ud800", PASSWORD),
        ("", PASSWORD),
        ("Ada", "\udfff" * 12),
        ("Ada", "x" * 1001),
    ],
)
def test_what_can_be_no_name_or_password_is_refused_before_it_is_counted(home: Path, name: str, password: str) -> None:
    with pytest.raises(StudioError) as refused:
        check_password(name, password, "192.0.2.1")
    assert not isinstance(refused.value, WrongPassword | TooManyAttempts)
    with reading() as db:
        assert db.scalar(select(SignInDelay)) is None


def test_a_deactivated_person_is_nobody(project: Someone) -> None:
    cookie = open_session(project.user_id)
    with writing() as db:
        db.get_one(User, project.user_id).deactivated_at = time.time()
    assert user_of(cookie) is None
    assert ticket(cookie) is None
    with pytest.raises(WrongPassword, match="deactivated"):
        check_password("Ada", PASSWORD, "192.0.2.1")


def test_sessions_of_before_the_new_columns_go_on(project: Someone) -> None:
    cookie = open_session(project.user_id)
    with writing() as db:
        session = db.scalars(select(Session)).one()
        session.created_at, session.seen_at, session.browser = 0.0, 0.0, ""
    found = user_of(cookie)
    assert found is not None
    assert found.id == project.user_id


def test_browsers_are_called_by_their_names() -> None:
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
    assert browser_name(chrome) == "Chrome on Linux"
    assert browser_name(chrome + " Edg/131.0") == "Edge on Linux"
    safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1 Version/17.0 Safari/604.1"
    assert browser_name(safari) == "Safari on iPhone"
    assert browser_name("python-httpx/0.28.1") == "python-httpx/0.28.1"
    assert browser_name("") == ""
    assert len(browser_name("x" * 9999)) == 80
