"""Sign-in, sign-out and invitations: plain forms, so that the cookie can be HttpOnly."""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from studio.accounts import (
    COOKIE,
    LEAST_PASSWORD,
    SESSION_SECONDS,
    check_password,
    close_session,
    open_session,
    user_of,
)
from studio.accounts.tickets import ticket as make_ticket
from studio.errors import StudioError
from studio.oidc import redeem
from studio.projects import accept, find_invitation

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root {{ color-scheme: light dark; --back: #f4f3f0; --card: #fff; --ink: #1d1c1a; --dim: #6b6862; --line: #d9d6cf;
  --main: #c2410c; }}
@media (prefers-color-scheme: dark) {{ :root {{ --back: #161513; --card: #211f1c; --ink: #f2f0eb; --dim: #a39f97;
  --line: #3b3833; --main: #f97316; }} }}
* {{ box-sizing: border-box }} body {{ margin: 0; min-height: 100vh; display: grid; place-items: center;
  background: var(--back); color: var(--ink); font: 16px/1.5 "Source Sans 3", system-ui, sans-serif }}
main {{ width: min(24rem, 92vw); background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: 2rem }} h1 {{ font-size: 1.35rem; margin: 0 0 .3rem }} p {{ margin: 0 0 1.2rem; color: var(--dim) }}
label {{ display: block; font-weight: 600; margin: .9rem 0 .25rem }} input {{ width: 100%; padding: .6rem .7rem;
  font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 8px }}
input:focus-visible, button:focus-visible, a:focus-visible {{ outline: 2px solid var(--main); outline-offset: 1px }}
button {{ width: 100%; margin-top: 1.4rem; padding: .65rem; font: inherit; font-weight: 600; color: #fff;
  background: #c2410c; border: 0; border-radius: 8px; cursor: pointer }} a {{ color: var(--main) }}
.error {{ color: #fff; background: #b42318; border-radius: 8px; padding: .5rem .7rem; margin-bottom: 1rem }}
</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"""
_HEADERS = {"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"}


def _page(title: str, body: str, error: str = "", status: int = 200) -> HTMLResponse:
    told = f'<div class="error" role="alert">{escape(error[:1].upper() + error[1:])}.</div>' if error else ""
    return HTMLResponse(_PAGE.format(title=escape(title), body=told + body), status, headers=_HEADERS)


def _form(action: str, button: str, hidden: dict[str, str], name: str = "", new: bool = False) -> str:
    fields = "".join(f'<input type="hidden" name="{key}" value="{escape(value)}">' for key, value in hidden.items())
    kind = "new-password" if new else "current-password"
    hint = f' minlength="{LEAST_PASSWORD}" placeholder="at least {LEAST_PASSWORD} characters"' if new else ""
    return (
        f'<form method="post" action="{action}">{fields}'
        f'<label for="name">Name</label><input id="name" name="name" value="{escape(name)}" autocomplete="username" '
        f'required autofocus><label for="password">Password</label><input id="password" name="password" '
        f'type="password" autocomplete="{kind}"{hint} required><button>{button}</button></form>'
    )


def _local(target: str) -> str:
    """A path of this site, else its start: nobody is sent elsewhere."""
    parts = urlsplit(target)
    plain = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc
    return target if plain else "/"


def _enter(request: Request, user_id: int, target: str) -> Response:
    response = RedirectResponse(_local(target), 303)
    secure = request.url.scheme == "https"
    response.set_cookie(
        COOKIE, open_session(user_id), max_age=SESSION_SECONDS, httponly=True, samesite="lax", secure=secure
    )
    return response


def _sign_in_page(target: str, name: str = "", error: str = "", status: int = 200) -> HTMLResponse:
    body = "<p>Finicky Transfer Learning studio</p>" + _form("/account/sign-in", "Sign in", {"next": target}, name)
    return _page("Sign in", body, error, status)


async def sign_in(request: Request) -> Response:
    """GET: the form. POST: check it, and set the cookie."""
    if request.method == "GET":
        return _sign_in_page(_local(request.query_params.get("next", "/")))
    form = await request.form()
    name, password, target = (str(form.get(key, "")) for key in ("name", "password", "next"))
    address = request.client.host if request.client else ""
    try:
        user = await run_in_threadpool(check_password, name, password, address)
    except StudioError as error:
        return _sign_in_page(_local(target), name, str(error), 429 if "attempts" in str(error) else 401)
    return await run_in_threadpool(_enter, request, user.id, target)


async def sign_out(request: Request) -> Response:
    """GET: ask. POST: end the session, for every tab of this browser."""
    if request.method == "GET":
        body = '<form method="post" action="/account/sign-out"><button autofocus>Sign out</button></form>'
        return _page("Sign out", body + '<p><br><a href="/">Back to the studio</a></p>')
    await run_in_threadpool(close_session, request.cookies.get(COOKIE))
    response = RedirectResponse("/account/sign-in", 303)
    response.delete_cookie(COOKIE)
    return response


async def join(request: Request) -> Response:
    """An invitation's page: a new account, or the project added to the one that is signed in."""
    token = request.path_params["token"]
    action = f"/account/join/{token}"
    try:
        invitation = await run_in_threadpool(find_invitation, token)
    except StudioError as error:
        return _page("Invitation", '<p><a href="/account/sign-in">Sign in</a></p>', str(error), 410)
    user = await run_in_threadpool(user_of, request.cookies.get(COOKIE))
    if invitation.project is None:
        title, text = "Welcome", "<p>You are the first one here. Make the account that starts the studio.</p>"
    else:
        title = f"Join {invitation.project.name}"
        text = f"<p>You are invited as {escape(invitation.role)}.</p>"
    joins = user is not None and invitation.project is not None
    if request.method == "GET":
        if joins and user is not None:
            body = f'<form method="post" action="{action}"><button>Join as {escape(user.name)}</button></form>'
        else:
            body = _form(action, "Make my account", {}, new=True)
            if invitation.project is not None:
                body += f'<p><br>Or <a href="/account/sign-in?next={action}">sign in</a> with the one you have.</p>'
        return _page(title, text + body)
    form = await request.form()
    name, password = str(form.get("name", "")), str(form.get("password", ""))
    try:
        known = user.id if joins and user is not None else None
        user_id = await run_in_threadpool(accept, token, known, name, password)
    except StudioError as error:
        return _page(title, text + _form(action, "Make my account", {}, name, new=True), str(error), 400)
    return await run_in_threadpool(_enter, request, user_id, "/")


async def from_provider(request: Request) -> Response:
    """Turn a ticket of the OIDC page into the cookie."""
    try:
        user_id = await run_in_threadpool(redeem, request.query_params.get("ticket", ""))
    except StudioError as error:
        return _sign_in_page("/", error=str(error), status=401)
    return await run_in_threadpool(_enter, request, user_id, "/")


async def ticket(request: Request) -> Response:
    """A ticket for this browser's pages that were open when their user was signed out."""
    given = await run_in_threadpool(make_ticket, request.cookies.get(COOKIE))
    return JSONResponse({"ticket": given}, 200 if given else 401, headers={"Cache-Control": "no-store"})


ROUTES = [
    Route("/account/oidc", from_provider),
    Route("/account/ticket", ticket),
    Route("/account/sign-in", sign_in, methods=["GET", "POST"]),
    Route("/account/sign-out", sign_out, methods=["GET", "POST"]),
    Route("/account/join/{token}", join, methods=["GET", "POST"]),
]
