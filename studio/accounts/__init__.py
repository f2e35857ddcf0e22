"""Who somebody is: accounts, passwords, signed-in browsers, tokens of programs."""

from studio.accounts.passwords import LEAST as LEAST_PASSWORD
from studio.accounts.sessions import COOKIE, SESSION_SECONDS, close_session, open_session, session_of, user_of
from studio.accounts.users import WrongPassword, add_user, check_password

__all__ = [
    "COOKIE",
    "LEAST_PASSWORD",
    "SESSION_SECONDS",
    "WrongPassword",
    "add_user",
    "check_password",
    "close_session",
    "open_session",
    "session_of",
    "user_of",
]
