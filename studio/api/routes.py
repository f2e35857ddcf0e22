"""The API for programs: FastAPI, behind the gate. Each family of addresses is a module with a router."""

from __future__ import annotations

import sys
import traceback
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from ftl.errors import FtlError
from studio.api import jobs, projects, sessions
from studio.api.answers import refusal
from studio.api.documentation import page
from studio.errors import StudioError

_ABOUT = (
    "Make a token on the page Account, or POST to `/api/session`, and send it as `Authorization: Bearer TOKEN`. "
    "What cannot be done is answered as `{error}`, a sentence."
)
_TAGS = [
    {"name": "session", "description": "sign in and out"},
    {"name": "projects", "description": "projects and their images"},
    {"name": "jobs", "description": "sweeps and their networks"},
]

own = APIRouter(include_in_schema=False)


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """OpenAPI 3.1: the first line of a route's docstring is its summary, the rest its description."""
        if self.openapi_schema is None:
            schema = super().openapi()
            for operation in [one for methods in schema["paths"].values() for one in methods.values()]:
                text = operation.pop("description", "")
                operation["summary"], _, rest = (" ".join(part.split()) for part in text.partition("\n\n"))
                operation |= {"description": rest} if rest else {}
                if operation["responses"].get("200", {}).get("description") == "Successful Response":
                    operation["responses"]["200"]["description"] = "done"
                operation["responses"].pop("422", None)  # what is wrong in a request is answered with 400 or 404
            for unused in ("HTTPValidationError", "ValidationError"):
                schema["components"]["schemas"].pop(unused, None)
        return self.openapi_schema or schema


app = _Api(title="FTL studio", version="1", description=_ABOUT, openapi_tags=_TAGS,
           openapi_url=None, docs_url=None, redoc_url=None)  # fmt: skip


@own.get("/api/openapi.json")
def description() -> JSONResponse:
    """The API's description."""
    return JSONResponse(app.openapi())


@own.get("/api/")
def documentation() -> HTMLResponse:
    """The API's description as a page."""
    return HTMLResponse(page(app.openapi()))


_ROUTERS = (sessions.router, projects.router, jobs.router, own)
for router in _ROUTERS:
    app.include_router(router)
ROUTES = [route for router in _ROUTERS for route in router.routes if isinstance(route, APIRoute)]


@app.exception_handler(StudioError)
@app.exception_handler(FtlError)
async def _studio_error(_: Request, error: Exception) -> Response:
    return refusal(error)


@app.exception_handler(RequestValidationError)
async def _invalid(_: Request, error: RequestValidationError) -> Response:
    """A sentence on the first thing that is wrong; an address that no number of the studio can be in is not there."""
    first = error.errors()[0]
    if first["loc"][0] == "path":
        return JSONResponse({"error": "there is nothing with this number"}, 404)
    where = " ".join(str(part) for part in first["loc"][1:] if isinstance(part, str)) or "the body"
    if first["type"] == "literal_error":
        return JSONResponse({"error": f"{where} is {first['ctx']['expected'].replace(chr(39), '')}"}, 400)
    problem = str(first["msg"]).replace("Input should", "should").replace("Field required", "is missing")
    return JSONResponse({"error": f"{where} {problem[:1].lower()}{problem[1:]}"}, 400)


@app.exception_handler(HTTPException)
async def _refused(request: Request, error: HTTPException) -> Response:
    sentences = {404: "there is nothing at this address: /api/ lists what there is",
            405: f"this address does not take {request.method}"}  # fmt: skip
    headers = dict(error.headers or {})
    if error.status_code == 405:  # of several routes at an address FastAPI tells only the first
        here = (route for route in ROUTES if route.matches(request.scope)[0] is not Match.NONE)
        headers["Allow"] = ", ".join(sorted({method for route in here for method in route.methods or ()}))
    return JSONResponse({"error": sentences.get(error.status_code, str(error.detail))}, error.status_code, headers)


@app.exception_handler(Exception)
async def _unforeseen(_: Request, error: Exception) -> Response:
    traceback.print_exception(error, file=sys.stderr)
    return JSONResponse({"error": "something went wrong here, and it is written in the studio's log"}, 500)


class Below(BaseRoute):
    """All that lies below an address, given to an app with its whole path."""

    def __init__(self, prefix: str, app: FastAPI) -> None:
        self._prefix, self._app = prefix, app

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether this is below the address."""
        return Match.FULL if scope["type"] == "http" and scope["path"].startswith(self._prefix) else Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the app answer; what is asked for by HEAD as by GET, whose body the server leaves out."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        await self._app({**scope, "method": method}, receive, send)


BELOW = Below("/api/", app)
