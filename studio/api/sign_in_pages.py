"""Sign-in, sign-out, invitations and reset links: plain forms, so that the cookie can be HttpOnly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from html import escape

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from studio.accounts import (
    COOKIE,
    SESSION_SECONDS,
    check_password,
    close_session,
    oidc,
    open_session,
)
from studio.accounts.others import find_reset, reset_password
from studio.accounts.passwords import BadPassword
from studio.accounts.sessions import browser_name, signed_in
from studio.accounts.tickets import ticket as make_ticket
from studio.accounts.users import anybody
from studio.api.forms import address, form, local, name_field, page, password_field, sent, sign_in_status
from studio.errors import StudioError
from studio.projects.invitations import accept, find_invitation


def _enter(request: Request, user_id: int, target: str) -> Response:
    """Open a session, and send the browser there with its cookie."""
    response = RedirectResponse(local(target), 303)
    cookie = open_session(user_id, browser_name(request.headers.get("user-agent", "")))
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, cookie, max_age=SESSION_SECONDS, httponly=True, samesite="lax", secure=secure)
    return response


def _sign_in_page(target: str, name: str = "", error: StudioError | None = None) -> Response:
    again = bool(name.strip())  # the name stands there already
    fields = name_field(name, focus=not again) + password_field(focus=again)
    body = form("/account/sign-in", "Sign in", fields, {"next": local(target)})
    return page("Sign in", body, str(error or ""), sign_in_status(error) if error else 200)


def _readable(route: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Answer a form that cannot be read with a sentence."""

    @wraps(route)
    async def answer(request: Request) -> Response:
        try:
            return await route(request)
        except StudioError as error:
            return page("This did not work", '<p><a href="/">Back to the studio</a></p>', str(error), 400)

    return answer


@_readable
async def sign_in(request: Request) -> Response:
    """GET: the form. POST: check it, and set the cookie."""
    if request.method == "GET" and not await run_in_threadpool(anybody):
        return page("Welcome", "<p>No account yet: open the link that the terminal printed to make it.</p>")
    if request.method == "GET":
        return _sign_in_page(request.query_params.get("next", "/"))
    name, password, target = await sent(request, "name", "password", "next")
    try:
        user = await run_in_threadpool(check_password, name, password, address(request))
    except StudioError as error:
        return _sign_in_page(target, name, error)
    return await run_in_threadpool(_enter, request, user.id, target)


async def sign_out(request: Request) -> Response:
    """End the session, for every tab of this browser: at once by a POST or the studio's own link, else ask first."""
    cookie = request.cookies.get(COOKIE)
    found = await run_in_threadpool(signed_in, cookie)
    if found and request.method != "POST" and not _own_link(request):
        note = f"<p>You are signed in as {escape(found[0].name)}. This signs out every tab of this browser.</p>"
        body = note + form("/account/sign-out", "Sign out", "") + '<p><br><a href="/">Back to the studio</a></p>'
        return page("Sign out", body)
    await run_in_threadpool(close_session, cookie)
    response = RedirectResponse("/account/sign-in", 303)
    response.delete_cookie(COOKIE)
    return response


def _own_link(request: Request) -> bool:
    """Whether somebody clicked a link of the studio's own pages: other sites' pages cannot send this."""
    clicked = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    ahead = "sec-purpose" in request.headers  # a browser that fetches what might be clicked
    return request.method == "GET" and not ahead and clicked.items() <= dict(request.headers).items()


@_readable
async def join(request: Request) -> Response:
    """An invitation's page: a new account, or the project added to the one that is signed in."""
    token = request.path_params["token"]
    action = f"/account/join/{token}"
    try:
        invitation = await run_in_threadpool(find_invitation, token)
    except StudioError as error:
        return page("Invitation", '<p><a href="/account/sign-in">Sign in</a></p>', str(error), 410)
    found = await run_in_threadpool(signed_in, request.cookies.get(COOKIE))
    user, who = found or (None, None)
    if invitation.project is None:
        title = "Welcome"
        text = "<p>You are the first one here: this account will own the studio, and can invite others.</p>"
    else:
        title = f"Join {invitation.project.name}"
        text = f"<p>You are invited as {escape(invitation.role)}.</p>"
    known = who if invitation.project is not None else None
    if request.method == "GET":
        if known is not None and user is not None:
            return page(title, text + form(action, f"Join as {escape(user.name)}", ""))
        body = form(action, "Make my account", name_field() + password_field(new=True))
        if invitation.project is not None:
            body += f'<p><br>Or <a href="/account/sign-in?next={escape(action)}">sign in</a> with the one you have.</p>'
        return page(title, text + body)
    name, password = await sent(request, "name", "password")
    try:
        user_id = await run_in_threadpool(accept, token, known, name, password)
    except StudioError as error:
        weak = isinstance(error, BadPassword)
        fields = name_field(name, focus=not weak) + password_field(new=True, focus=weak)
        again = form(action, "Make my account", fields)
        return page(title, text + again, str(error), 400)
    return await run_in_threadpool(_enter, request, user_id, "/")


@_readable
async def reset(request: Request) -> Response:
    """The page of a link with which somebody sets a new password."""
    token = request.path_params["token"]
    title = "Set a new password"
    try:
        user = await run_in_threadpool(find_reset, token)
    except StudioError as error:
        return page(title, '<p><a href="/account/sign-in">Sign in</a></p>', str(error), 410)
    note = "All its browsers are signed out then, and its API tokens are revoked."
    fields = f"<p>For the account of {escape(user.name)}. {note}</p>" + password_field(new=True, focus=True)
    body = form(f"/account/reset/{token}", "Set the password", fields)
    if request.method == "GET":
        return page(title, body)
    (password,) = await sent(request, "password")
    try:
        user_id = await run_in_threadpool(reset_password, token, password)
    except StudioError as error:
        return page(title, body, str(error), 400)
    return await run_in_threadpool(_enter, request, user_id, "/")


async def from_provider(request: Request) -> Response:
    """Turn a ticket of the OIDC page into the cookie."""
    try:
        user_id = await run_in_threadpool(oidc.redeem, request.query_params.get("ticket", ""))
    except StudioError as error:
        return _sign_in_page("/", error=error)
    return await run_in_threadpool(_enter, request, user_id, "/")


async def ticket(request: Request) -> Response:
    """A ticket for this browser's pages that were open when their user was signed out."""
    given = await run_in_threadpool(make_ticket, request.cookies.get(COOKIE))
    return JSONResponse({"ticket": given}, 200 if given else 401, headers={"Cache-Control": "no-store"})


async def missing(request: Request) -> Response:
    """What there is not."""
    return page("There is no such page", '<p><a href="/">Back to the studio</a></p>', status=404)


ROUTES = [
    Route("/account/ticket", ticket),
    Route("/account/sign-in", sign_in, methods=["GET", "POST"]),
    Route("/account/sign-out", sign_out, methods=["GET", "POST"]),
    Route("/account/join/{token}", join, methods=["GET", "POST"]),
    Route("/account/reset/{token}", reset, methods=["GET", "POST"]),
    Route("/account/{rest:path}", missing),
]

FROM_PROVIDER = Route("/account/oidc", from_provider)
"""Only for a studio that has a provider; to be found before `ROUTES`."""
