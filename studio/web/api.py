"""The API for programs: upload, export, jobs. Each route says in its docstring what OpenAPI tells of it."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from studio.accounts import check_password, close_session, open_session
from studio.backup.packing import backup
from studio.classes import classes_of
from studio.errors import Forbidden, StudioError
from studio.exchange.archive import as_zip
from studio.images.library import Filter, count_images, find_images
from studio.images.uploads import receive
from studio.jobs import progress, queue
from studio.jobs.sweeps import exported, job_in
from studio.projects import projects_of, require
from studio.store.models import Image, Job
from studio.together.sharing import draws_blind
from studio.web.answers import for_members, told
from studio.web.files import address
from studio.web.gate import credentials
from studio.web.openapi import describe, page

MOST_FILES = 10_000


def _image(image: Image) -> dict[str, Any]:
    keys = ("id", "name", "sha256", "width", "height", "class_id", "split", "state", "strokes", "added_at")
    own = {key: getattr(image, key) for key in keys}
    return own | {"url": address(image.project_id, image.id, image.sha256, "view")}


def _job(job: Job) -> dict[str, Any]:
    keys = ("id", "kind", "name", "settings", "state", "stage", "done", "total", "error")
    times = ("created_at", "started_at", "ended_at")
    return {key: getattr(job, key) for key in (*keys, *times)}


async def session(request: Request) -> Response:
    """POST: sign in with JSON {name, password}; answers {token}, to be sent as a bearer's. DELETE: sign out."""
    if request.method == "DELETE":
        await run_in_threadpool(close_session, credentials(request))
        return JSONResponse({})
    try:
        given = await request.json()
        name, password = str(given["name"]), str(given["password"])
    except (ValueError, KeyError, TypeError):
        return JSONResponse({"error": "send JSON with name and password"}, 400)
    host = request.client.host if request.client else ""
    try:
        user = await run_in_threadpool(check_password, name, password, host)
    except StudioError as error:
        return JSONResponse({"error": str(error)}, 429 if "attempts" in str(error) else 401)
    return JSONResponse({"token": await run_in_threadpool(open_session, user.id)})


async def projects(request: Request) -> Response:
    """The projects that the user is in, with their role and their classes."""

    def answer() -> Response:
        found = []
        for project, role in projects_of(request.state.user.id):
            classes = [{"id": one.id, "number": one.number, "name": one.name} for one in classes_of(project.id)]
            found.append({"id": project.id, "name": project.name, "role": role, "classes": classes})
        return JSONResponse(found)

    return await told(answer)


@for_members()
def images(request: Request) -> Response:
    """A page of the project's images: `?start=0&count=100` (at most 1,000); answers {total, images}."""
    try:
        start, count = (int(request.query_params.get(key, value)) for key, value in (("start", 0), ("count", 100)))
    except ValueError:
        raise StudioError("start and count are whole numbers") from None
    project = request.path_params["project"]
    found = find_images(project, Filter(), max(0, start), min(1000, max(0, count)))
    return JSONResponse({"total": count_images(project), "images": [_image(one) for one in found]})


async def upload(request: Request) -> Response:
    """Add photographs: a multipart form with `files` (photographs or zips) and, if wanted, `class` and `split`."""
    try:
        await run_in_threadpool(require, request.state.user.id, request.path_params["project"])
    except Forbidden as error:
        return JSONResponse({"error": str(error)}, 403)
    try:
        async with request.form(max_files=MOST_FILES) as form:
            # a quote in a name is sent as %22 (WHATWG's form encoding), and only that is told apart
            given = [one for one in form.getlist("files") if not isinstance(one, str)]
            uploads = [((one.filename or "").replace("%22", '"'), one.file) for one in given]

            def answer() -> Response:
                project, name, split = request.path_params["project"], form.get("class"), form.get("split")
                ids = {one.name: one.id for one in classes_of(project)}
                if name is not None and name not in ids:
                    raise StudioError(f"there is no class {name}: there are {', '.join(ids)}")
                if split not in (None, "train", "test"):
                    raise StudioError("split is train or test")
                if not uploads:
                    raise StudioError("send photographs in the form's field files")
                chosen = ids[str(name)] if name is not None else None
                got = receive(project, request.state.who, uploads, class_id=chosen, split=split)
                return JSONResponse(got._asdict(), 400 if got.problems and not (got.added or got.known) else 200)

            return await told(answer)
    except HTTPException:
        most = f"{MOST_FILES:,}"
        return JSONResponse({"error": f"send a multipart form with at most {most} files: send more in several"}, 400)


@for_members()
def export_project(request: Request) -> Response:
    """The project as a zip: photographs, masks, and `images.json`, which tells the images of the files.

    `?format=` index (if none is asked for: index masks in class folders, and `classes.json`), classes (a 0/255 mask for
    each class), coco (run lengths), coco-polygons, cvat, yolo, voc, labelme; `?images=no` leaves the photographs out.
    """
    project, name = request.path_params["project"], request.query_params.get("format", "index")
    if draws_blind(project, request.state.user.id):
        raise Forbidden("in this project annotators do not see each other's masks: ask a reviewer for them")
    photographs = request.query_params.get("images", "yes")
    if photographs not in ("yes", "no"):
        raise StudioError("images is yes or no")
    pieces = as_zip(project, name, photographs == "yes")
    headers = {"Content-Disposition": f'attachment; filename="project-{project}-{name}.zip"'}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


@for_members("admin")
def back_up(request: Request) -> Response:
    """The whole project as a zip that the studio can restore: photographs, the log with its authors' names, and more.

    It holds no passwords, and neither sweeps nor networks.
    """
    project = request.path_params["project"]
    headers = {"Content-Disposition": f'attachment; filename="project-{project}-backup.zip"'}
    return StreamingResponse(backup(project), media_type="application/zip", headers=headers)


@for_members()
def jobs(request: Request) -> Response:
    """The project's jobs, newest first."""
    return JSONResponse([_job(one) for one in queue.jobs_of(request.path_params["project"])])


@for_members()
def job(request: Request) -> Response:
    """A job: its state, stage and error, and a row for each network that is there."""
    found = job_in(request.path_params["project"], request.path_params["job"])
    return JSONResponse(_job(found) | {"networks": progress.candidates(found)})


@for_members("admin")
def cancel(request: Request) -> Response:
    """Ask a job to stop; what it has finished stays."""
    queue.cancel(request.path_params["project"], request.path_params["job"], request.state.who)
    return JSONResponse({})


@for_members()
def model(request: Request) -> Response:
    """A network of a sweep as one .safetensors file, for `ftl predict`."""
    given = request.path_params
    file = exported(given["project"], given["job"], given["name"])
    return FileResponse(file, filename=file.name, media_type="application/octet-stream")


_PROJECT = "/api/projects/{project:int}"
_DESCRIBED = [
    Route("/api/session", session, methods=["POST", "DELETE"]),
    Route("/api/projects", projects),
    Route(f"{_PROJECT}/images", images),
    Route(f"{_PROJECT}/images", upload, methods=["POST"]),
    Route(f"{_PROJECT}/export.zip", export_project),
    Route(f"{_PROJECT}/backup.zip", back_up),
    Route(f"{_PROJECT}/jobs", jobs),
    Route(f"{_PROJECT}/jobs/{{job:int}}", job),
    Route(f"{_PROJECT}/jobs/{{job:int}}/cancel", cancel, methods=["POST"]),
    Route(f"{_PROJECT}/jobs/{{job:int}}/networks/{{name}}.safetensors", model),
]


async def openapi(request: Request) -> Response:
    """The API's description."""
    return JSONResponse(describe(_DESCRIBED))


async def documentation(request: Request) -> Response:
    """The API's description as a page."""
    return HTMLResponse(page(describe(_DESCRIBED)))


ROUTES = [*_DESCRIBED, Route("/api/openapi.json", openapi), Route("/api/", documentation)]
