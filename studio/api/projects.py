"""Projects and their images, for programs: list, upload, export, back up."""

from __future__ import annotations

from collections.abc import Iterator
from errno import EMFILE
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from python_multipart.exceptions import FormParserError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from studio.accounts.rights import SignedIn
from studio.api.answers import SIGNED_IN, Admins, Annotators, Asking, Changing, refusals, sent
from studio.api.schemas import LARGEST_ID, ImageOut, ImagesOut, ProjectOut, UploadOut, UploadRefusal
from studio.backup.packing import backup
from studio.collaboration.activity import as_csv
from studio.collaboration.assignment import draws_blind
from studio.errors import Forbidden, StudioError
from studio.formats.export_zip import as_zip
from studio.formats.registry import EXPORTS
from studio.images.addresses import photograph_address
from studio.images.library import Filter, count_images, find_images
from studio.images.uploads import receive
from studio.projects.classes import classes_of
from studio.projects.projects import projects_of
from studio.store.tables import Image

MOST_FILES = 10_000
_IN_MEMORY = 16 * 2**10  # of a file that is being sent; the rest goes to the disk

_HOLDS = "; ".join(f"{name}: {form.title}" for name, form in EXPORTS.items())

router = APIRouter(tags=["projects"], dependencies=SIGNED_IN)

_ZIP = sent("application/zip", "a zip")
_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["files"],
                "properties": {
                    "files": {
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "minItems": 1,
                        "maxItems": MOST_FILES,
                        "description": "photographs, or zips of them; a name may hold folders, as in Crack/a.jpg",
                    },
                    "class": {"type": "string", "description": "name of a class, for files without a class folder"},
                    "split": {"type": "string", "enum": ["train", "test"]},
                },
            }
        }
    },
}


@router.get("/api/projects", responses=refusals(401))
def projects(user: Asking) -> list[ProjectOut]:
    """The projects that the user is in, newest first, with their role and their classes."""
    return [
        ProjectOut.model_validate(
            {"id": project.id, "name": project.name, "role": role, "classes": classes_of(project.id)}
        )
        for project, role in projects_of(user.id)
    ]


@router.get("/api/projects/{project}/images", responses=refusals(401, 403, 404))
def images(
    project: Annotators,
    start: Annotated[int, Query(ge=0, le=LARGEST_ID, description="how many to leave out")] = 0,
    count: Annotated[int, Query(ge=0, le=1000, description="how many to answer at most")] = 100,
) -> ImagesOut:
    """A page of the project's images, in the order in which they were added."""
    found = find_images(project, Filter(), start, count)
    return ImagesOut(total=count_images(project), images=[_image(image) for image in found])


def _image(image: Image) -> ImageOut:
    given = {name: getattr(image, name) for name in ImageOut.model_fields if name != "url"}
    return ImageOut(**given, url=photograph_address(image.project_id, image.id, image.sha256, "view"))


@router.post(
    "/api/projects/{project}/images",
    responses=refusals(401, 403, 404) | {400: {"description": "nothing was taken", "model": UploadRefusal}},
    openapi_extra={"requestBody": _FORM},
    response_model=UploadOut,
)
async def upload(request: Request, project: Annotators, who: Changing) -> Response | UploadOut:
    """Add photographs: a multipart form with photographs or zips of them, and, if wanted, their class and split.

    What is sent goes to the disk as it comes. A bad file is listed among the problems and stops no other.
    """
    try:
        form = await _Parser(request.headers, request.stream(), max_files=MOST_FILES, max_fields=100).parse()
    except (MultiPartException, FormParserError, KeyError):  # no form, a broken one, or one without a boundary
        raise StudioError(f"send a multipart form with at most {MOST_FILES:,} files: send more in several") from None
    except OSError as error:
        if error.errno != EMFILE:
            raise
        raise StudioError("these are more files than this machine can hold open: send fewer at a time") from None
    try:
        return await run_in_threadpool(_received, project, who, form)
    finally:
        await form.close()


class _Parser(MultiPartParser):
    spool_max_size = _IN_MEMORY


def _received(project: int, who: SignedIn, form: FormData) -> Response | UploadOut:
    # a quote in a name is sent as %22 (WHATWG's form encoding), and only that is decoded
    given = [file for file in form.getlist("files") if isinstance(file, UploadFile)]
    uploads = [((file.filename or "").replace("%22", '"'), file.file) for file in given]
    name, split = form.get("class"), form.get("split")
    ids = {one.name: one.id for one in classes_of(project)}
    if name is not None and name not in ids:
        raise StudioError(f"there is no class {str(name)[:60]}: there are {', '.join(ids)}")
    if split not in (None, "train", "test"):
        raise StudioError("split is train or test")
    if not uploads:
        raise StudioError("send photographs in the form's field files")
    chosen = ids[str(name)] if name is not None else None
    got = receive(project, who, uploads, class_id=chosen, split=split)
    if got.problems and not (got.added or got.known):
        return JSONResponse({"error": "; ".join(got.problems[:10])} | got._asdict(), 400)
    return UploadOut(**got._asdict())


@router.get(
    "/api/projects/{project}/export.zip",
    responses=_ZIP | refusals(401, 403, 404),
    response_class=StreamingResponse,
)
def export_project(
    project: Annotators,
    user: Asking,
    format: Annotated[str, Query(description=_HOLDS, json_schema_extra={"enum": list(EXPORTS)})] = "index",
    images: Annotated[Literal["yes", "no"], Query(description="whether the photographs are in it")] = "yes",
) -> Response:
    """The project as a zip: photographs, masks, and `images.json`, which tells the images of the files."""
    if draws_blind(project, user.id):
        raise Forbidden("in this project annotators do not see each other's masks: ask a reviewer for them")
    return _zip(as_zip(project, format, images == "yes"), f"project-{project}-{format}.zip")


@router.get(
    "/api/projects/{project}/backup.zip", responses=_ZIP | refusals(401, 403, 404), response_class=StreamingResponse
)
def back_up(project: Admins) -> Response:
    """The whole project as a zip that the studio can restore: photographs, the log with its authors' names, and more.

    It holds no passwords, and neither sweeps nor networks.
    """
    return _zip(backup(project), f"project-{project}-backup.zip")


@router.get(
    "/api/projects/{project}/audit.csv",
    responses=sent("text/csv", "a table") | refusals(401, 403, 404),
    response_class=Response,
)
def audit_log(project: Admins) -> Response:
    """The project's whole audit log as a table, oldest line first: who did what, when, to which image."""
    headers = {"Content-Disposition": f'attachment; filename="project-{project}-audit.csv"'}
    return Response(as_csv(project), media_type="text/csv", headers=headers)


def _zip(pieces: Iterator[bytes], name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)
