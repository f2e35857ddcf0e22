"""Jobs and their networks, for programs."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from studio.api.answers import SIGNED_IN, Admins, Annotators, Changing, refusals, sent
from studio.api.schemas import Done, Id, JobOut, JobWithNetworks
from studio.jobs import progress, queue
from studio.jobs.kits import kit
from studio.jobs.reports import MEDIA_TYPES, network_report
from studio.jobs.reports import sweep_report as report_of
from studio.jobs.sweeps import exported, job_in
from studio.jobs.usage import DOWNLOADED, note_use
from studio.store.tables import Job

router = APIRouter(tags=["jobs"], dependencies=SIGNED_IN)

_FILE = sent("application/octet-stream", "the file")
_REPORT = sent("text/html", "the report")
_REPORT[200]["content"] |= sent("application/pdf", "")[200]["content"]


@router.get("/api/projects/{project}/jobs", responses=refusals(401, 403, 404), response_model=list[JobOut])
def jobs(project: Annotators) -> list[Job]:
    """The project's jobs, newest first."""
    return queue.jobs_of(project)


@router.get("/api/projects/{project}/jobs/{job}", responses=refusals(401, 403, 404))
def job(project: Annotators, job: Id) -> JobWithNetworks:
    """A job: its state, stage and error, and a row for each network that is there."""
    found = job_in(project, job)
    fields = JobOut.model_validate(found).model_dump()
    return JobWithNetworks.model_validate(fields | {"networks": progress.candidates(found)})


@router.post("/api/projects/{project}/jobs/{job}/cancel", responses=refusals(401, 403, 404))
def cancel(project: Admins, job: Id, who: Changing) -> Done:
    """Ask a job to stop; what it has finished stays."""
    queue.cancel(project, job, who)
    return Done()


@router.get(
    "/api/projects/{project}/jobs/{job}/kit.zip",
    responses=sent("application/zip", "the kit") | refusals(401, 403, 404),
    response_class=FileResponse,
)
def bench_kit(project: Annotators, job: Id) -> Response:
    """A sweep's networks with a script that times them elsewhere; *Another machine* on Choose takes its times."""
    file = kit(project, job)
    return FileResponse(file, filename=f"kit-{job}.zip", media_type="application/zip")


@router.get(
    "/api/projects/{project}/jobs/{job}/networks/{name}.{ending}",
    responses=_FILE | refusals(401, 403, 404),
    response_class=FileResponse,
)
def model(
    project: Annotators, job: Id, name: str, ending: Literal["safetensors", "onnx", "zip", "pt2"], who: Changing
) -> Response:
    """A network of a sweep as one file: .safetensors for `ftl predict`, .onnx, .pt2, or .zip with an example.

    An export that would answer otherwise than the network is refused, with a sentence that says by how much.
    """
    file = exported(project, job, name, f".{ending}")
    note_use(project, who, DOWNLOADED, job, name)
    return FileResponse(file, filename=file.name, media_type="application/octet-stream")


@router.get(
    "/api/projects/{project}/jobs/{job}/networks/{name}/report.{kind}",
    responses=_REPORT | refusals(401, 403, 404),
    response_class=Response,
)
def network_card(project: Annotators, job: Id, name: str, kind: Literal["html", "pdf"]) -> Response:
    """The model card of a network: data, figures with intervals, latencies, mistakes, limits of use."""
    return _saved(network_report(project, job, name, kind), f"{name}.{kind}", kind)


@router.get(
    "/api/projects/{project}/jobs/{job}/report.{kind}",
    responses=_REPORT | refusals(401, 403, 404),
    response_class=Response,
)
def sweep_report(project: Annotators, job: Id, kind: Literal["html", "pdf"]) -> Response:
    """The report of a sweep: what is recommended and why, all networks, how they were made."""
    return _saved(report_of(project, job, kind), f"sweep-{job}.{kind}", kind)


def _saved(content: bytes, name: str, kind: str) -> Response:
    """A report to be saved: a browser never shows it on the studio's own address."""
    headers = {"Content-Disposition": f"attachment; filename*=utf-8''{quote(name, safe='')}"}
    return Response(content, media_type=MEDIA_TYPES[kind], headers=headers)
