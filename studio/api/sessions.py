"""Sign-in and sign-out of programs."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from studio.accounts import WrongPassword, check_password, close_session, open_session, user_of
from studio.accounts.sessions import browser_name
from studio.accounts.throttle import TooManyAttempts
from studio.api.answers import SIGNED_IN, refusals
from studio.api.forms import address
from studio.api.gate import credentials
from studio.api.schemas import Credentials, Done, Token

router = APIRouter(tags=["session"])


@router.post("/api/session", responses=refusals(401), response_model=Token)
def sign_in(request: Request, given: Credentials) -> Response | Token:
    """Sign in with a name and a password. Answers a token, to be sent as a bearer's."""
    try:
        user = check_password(given.name, given.password, address(request))
    except TooManyAttempts as error:
        return JSONResponse({"error": str(error)}, 429, {"Retry-After": str(error.seconds)})
    except WrongPassword as error:
        return JSONResponse({"error": str(error)}, 401)
    return Token(token=open_session(user.id, browser_name(request.headers.get("user-agent", ""))))


@router.delete("/api/session", responses=refusals(401), dependencies=SIGNED_IN, response_model=Done)
def sign_out(request: Request) -> Response | Done:
    """Sign out: the token is worth nothing from then on."""
    token = credentials(request)
    if user_of(token) is None:
        return JSONResponse({"error": "sign in first"}, 401)
    close_session(token)
    return Done()
