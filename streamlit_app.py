"""What `streamlit run` starts: pages, files and API in one process, behind one gate."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import streamlit as st
from filelock import Timeout
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from ftl.memory import reuse_freed_memory
from studio.api import (
    assist,
    canvas_files,
    comments,
    files,
    lists,
    live,
    notices,
    objects,
    proposals,
    routes,
    sign_in_pages,
    strokes,
)
from studio.api.bodies import Bodies
from studio.api.gate import Gate
from studio.api.headers import Headers
from studio.images.uploads import clean_up
from studio.jobs.queue import see_to_worker
from studio.jobs.retake_times import resume
from studio.jobs.studio_runs import studio_lock
from studio.projects.invitations import first_token
from studio.store.database import migrate
from studio.store.home import allow_open_files, close_to_others, keep_private
from studio.trash.purging import purge
from studio.ui import index_page, sign_in

_WATCH_SECONDS, _PURGE_SECONDS = 10, 3600

keep_private()


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Bring the database up to date, and say where the studio is or, at the very first start, the first account."""
    reuse_freed_memory()
    allow_open_files()
    close_to_others()
    migrate()
    clean_up()
    token, port = first_token(), os.environ.get("STREAMLIT_SERVER_PORT") or st.get_option("server.port")
    what, where = ("The studio", "") if token is None else ("Make the first account here", f"/account/join/{token}")
    print(f"\n{what}: http://localhost:{port}{where}\n", flush=True)  # in place of Streamlit's own addresses
    here, resumed = studio_lock(), list[bool]()

    def see_to_jobs() -> None:
        see_to_worker()
        if not here.is_locked:
            with suppress(Timeout):  # another studio of this home holds it
                here.acquire()
        if here.is_locked and not resumed:
            resume()
            resumed.append(True)

    tasks = [
        # a job outlives the studio; one that was cut off with its worker goes on
        asyncio.create_task(_every(_WATCH_SECONDS, see_to_jobs, "jobs cannot be seen to now")),
        asyncio.create_task(_every(_PURGE_SECONDS, purge, "the trash cannot be emptied now")),
    ]
    yield
    for task in tasks:
        task.cancel()
    here.release()


async def _every(seconds: float, work: Callable[[], object], problem: str) -> None:
    """Do some work now and every so many seconds, in a thread."""
    while True:
        try:
            await asyncio.to_thread(work)
        except Exception as error:  # the database may be away for a moment
            print(f"{problem}: {error}", file=sys.stderr)
        await asyncio.sleep(seconds)


def apologise(error: Exception) -> bool:
    """Tell a user about an error that nobody foresaw; its traceback goes to the terminal."""
    import traceback

    traceback.print_exception(error, file=sys.stderr)
    st.error("Something went wrong here, and it is written in the studio's log. Your work is saved: reload the page.")
    return True


def home(request: Request) -> RedirectResponse:
    """Lead to Home whoever types its name into the address bar: Streamlit has its first page at / alone."""
    query = request.url.query
    return RedirectResponse("/" + f"?{query}" * bool(query))


_PROVIDER = sign_in.configured()

app = st.App(
    Path(__file__).parent / "studio" / "ui" / "main.py",
    routes=[
        *([sign_in_pages.FROM_PROVIDER] if _PROVIDER else []),
        *sign_in_pages.ROUTES,
        *canvas_files.ROUTES,
        *files.ROUTES,
        *lists.ROUTES,
        *live.ROUTES,
        *strokes.ROUTES,
        *assist.ROUTES,
        *proposals.ROUTES,
        *objects.ROUTES,
        *comments.ROUTES,
        *notices.ROUTES,
        Route("/home", home),
        routes.BELOW,
        *index_page.ROUTES,
    ],
    middleware=[Middleware(Headers), Middleware(Gate, provider=_PROVIDER), Middleware(Bodies)],
    lifespan=lifespan,
    on_script_error=apologise,
)
