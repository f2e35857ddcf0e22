"""Plain HTML pages with forms, for what needs no Streamlit, and what such a form sends."""

from __future__ import annotations

import os
from html import escape
from urllib.parse import parse_qs, urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse

from studio.accounts import LEAST_PASSWORD, WrongPassword
from studio.accounts.throttle import TooManyAttempts
from studio.api.headers import streamlit_static
from studio.errors import StudioError

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{look}
* {{ box-sizing: border-box }} body {{ margin: 0; min-height: 100vh; display: grid; place-items: center }}
main {{ width: min(24rem, 92vw); margin: 1rem 0;
  background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 2rem }} .brand {{ display: flex; align-items: center; gap: .6rem; margin: 0 0 1.4rem; color: var(--ink);
  font-weight: 700 }} h1 {{ font-size: 1.35rem; margin: 0 0 .3rem }} p {{ margin: 0 0 1.2rem; color: var(--dim) }}
label {{ display: block; font-weight: 600; margin: .9rem 0 .25rem }} input {{ width: 100%; padding: .6rem .7rem;
  font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 8px }}
input:focus-visible, button:focus-visible, a:focus-visible {{ outline: 2px solid var(--main); outline-offset: 1px }}
button {{ width: 100%; margin-top: 1.4rem; padding: .65rem; font: inherit; font-weight: 600; color: #fff;
  background: #b83a09; border: 0; border-radius: 8px; cursor: pointer }} a {{ color: var(--main) }}
.error {{ color: #fff; background: #b42318; border-radius: 8px; padding: .5rem .7rem; margin-bottom: 1rem }}
</style></head><body><main>
<p class="brand"><svg viewBox="0 0 32 32" width="32" height="32" aria-hidden="true"><rect width="32" height="32" rx="8"
fill="#b83a09"/><path d="M8 27l6-8-3-4 8-6-2-4 6-4" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round"
stroke-linejoin="round"/></svg>FTL studio</p><h1>{title}</h1>{body}</main></body></html>"""
FONTS = [f"/static/media/{one.name}" for one in streamlit_static().glob("static/media/SourceSansVF-Upright*.woff2")]
"""Where the type of all other pages is, Streamlit's own; none where this Streamlit has another."""

LOOK = (
    "".join(f'@font-face {{ font-family: "Source Sans"; font-weight: 200 900; src: url({one}) }}' for one in FONTS)
    + """
:root { color-scheme: light dark; --back: #f4f3f0; --card: #fff; --ink: #141312; --dim: #6b6862; --line: #d9d6cf;
  --main: #b83a09; }
@media (prefers-color-scheme: dark) { :root { --back: #161513; --card: #211f1c; --ink: #f2f0eb; --dim: #a39f97;
  --line: #3b3833; --main: #f97316; } }
body { background: var(--back); color: var(--ink); font: 16px/1.5 "Source Sans", system-ui, sans-serif }"""
)
"""Type and colours of the studio's plain pages, as those of all others, as CSS."""

_HEADERS = {"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"}


def page(title: str, body: str, error: str = "", status: int = 200) -> HTMLResponse:
    """A page with that heading, HTML as its body, and above it what is wrong."""
    alert = f'<div class="error" role="alert">{escape(error[:1].upper() + error[1:])}.</div>' if error else ""
    content = _PAGE.format(title=escape(title), body=alert + body, look=LOOK)
    return HTMLResponse(content, status, headers=_HEADERS)


def form(action: str, button: str, fields: str, hidden: dict[str, str] | None = None) -> str:
    """A form that is posted to `action`."""
    kept = "".join(f'<input type="hidden" name="{key}" value="{escape(text)}">' for key, text in (hidden or {}).items())
    return f'<form method="post" action="{escape(action)}">{kept}{fields}<button>{button}</button></form>'


def name_field(name: str = "", *, focus: bool = True) -> str:
    """Asks for the name of an account; `focus`: the cursor is there at first."""
    return (
        f'<label for="name">Name</label><input id="name" name="name" value="{escape(name)}" autocomplete="username" '
        f'maxlength="64" required{" autofocus" * focus}>'
    )


def password_field(new: bool = False, *, focus: bool = False) -> str:
    """Asks for a password, or for a `new` one; `focus`: the cursor is there at first."""
    kind = "new-password" if new else "current-password"
    hint = f' minlength="{LEAST_PASSWORD}" placeholder="at least {LEAST_PASSWORD} characters"' if new else ""
    return (
        f'<label for="password">Password</label><input id="password" name="password" type="password" '
        f'autocomplete="{kind}"{hint} required{" autofocus" * focus}>'
    )


async def sent(request: Request, *names: str) -> list[str]:
    """What a form's fields hold, empty where they are missing. Raises `StudioError` for what is no form in UTF-8."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if body and kind != "application/x-www-form-urlencoded":
        raise StudioError("send a form's fields as application/x-www-form-urlencoded")
    try:
        given = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise StudioError("this form is damaged: its text is no UTF-8") from None
    return [given.get(name, [""])[0] for name in names]


def local(target: str) -> str:
    """A path of this site's pages, else its start: nobody is sent elsewhere, nor signed out again."""
    elsewhere = ("//", "/\\", "/account/sign-out")
    if not target.startswith("/") or target.startswith(elsewhere) or not target.isprintable():
        return "/"
    return target if not urlsplit(target).netloc else "/"


def sign_in_status(error: StudioError) -> int:
    """The HTTP status that tells why somebody is not signed in."""
    return 401 if isinstance(error, WrongPassword) else 429 if isinstance(error, TooManyAttempts) else 400


def address(connection: HTTPConnection) -> str:
    """The network address of who asks.

    What a proxy says of that counts only where `FORWARDED_ALLOW_IPS` names the proxies: uvicorn believes any program of
    this machine otherwise.
    """
    if "x-forwarded-for" in connection.headers and not os.environ.get("FORWARDED_ALLOW_IPS"):
        return "behind a proxy that is not named"
    return connection.client.host if connection.client else ""
