"""Passwords by the rules of NIST SP 800-63B: a least length and no guessable ones, but no rules of composition."""

from __future__ import annotations

import base64
import secrets
import unicodedata
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from studio.errors import StudioError


class BadPassword(StudioError):  # noqa: N818
    """A password that is refused, whatever the name."""


LEAST, MOST = 10, 1000
"""How many characters a password has. Any are allowed, spaces too."""

_GUESSES = 10**8  # within reach of nobody whose attempts are delayed
_LEAST_BESIDE_NAME = 6  # characters
_LOOKED_AT = 72  # characters that are judged: the time for it grows faster than the length
_HASHER = PasswordHasher()
_AT_ONCE = BoundedSemaphore(4)  # each check takes 64 MiB


def _random_hash() -> str:
    """A hash that no known password has, of the same cost as others: making one takes no time."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (_HASHER.salt_len, _HASHER.hash_len)
    )
    cost = f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${digest}"


_NOBODY = _random_hash()  # checked where there is no such user, so that both take the same time


def check_given(password: str) -> None:
    """Refuse what is no text, or longer than any password may be. Raises `StudioError`."""
    if len(password) > MOST:
        raise BadPassword(f"a password has at most {MOST} characters")
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise BadPassword("this password holds half a character: type it anew")


def check_new(password: str, name: str) -> None:
    """Refuse a password that is too short or too long, common, or made of the user's own name. Raises `StudioError`."""
    from zxcvbn import zxcvbn  # reads lists of words that only who sets a password needs

    check_given(password)
    password = _normal(password)
    if len(password) < LEAST:
        raise BadPassword(f"a password has at least {LEAST} characters: a few words that nobody would put together do")
    own = [name, *name.split(), "studio", "ftl"]
    guesses = zxcvbn(password[:_LOOKED_AT], own)["guesses"]
    if guesses < _GUESSES or len(_without(password, own)) < _LEAST_BESIDE_NAME:
        raise BadPassword(
            "this password is among the first that would be guessed, being common, repetitive or close to your name: "
            "take a few words that nobody would put together"
        )


def _without(password: str, words: list[str]) -> str:
    """What a password holds beside these words and spaces."""
    rest = password.casefold()
    for word in sorted((word.casefold() for word in words if len(word) > 2), key=len, reverse=True):
        rest = rest.replace(word, "")
    return "".join(rest.split())


def hash_of(password: str) -> str:
    """What is stored instead of a password."""
    with _AT_ONCE:
        return _HASHER.hash(_normal(password))


def matches(password_hash: str | None, password: str) -> bool:
    """Whether this is the password of the hash; takes as long where there is no hash."""
    try:
        with _AT_ONCE:
            return _HASHER.verify(password_hash or _NOBODY, _normal(password)) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
