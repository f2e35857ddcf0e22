"""Reports of a project's sweeps and of their networks, for members to take home."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from studio.errors import Missing
from studio.jobs.sweeps import CLASSIFIERS, SEGMENTERS, deleted_networks, job_in, models, network, workspace
from studio.projects.projects import project_of
from studio.store.shared_store import there_folder
from studio.store.tables import Job

if TYPE_CHECKING:
    from ftl.reporting.subject import Subject

MEDIA_TYPES = {"html": "text/html", "pdf": "application/pdf"}
"""Of reports, by the endings of their files."""


def network_report(project_id: int, job_id: int, candidate: str, kind: str) -> bytes:
    """The model card of a network as a file of one of `MEDIA_TYPES`.

    Raises `StudioError` where the project has no such network, or it has no results yet.
    """
    from ftl.reporting.write import as_file, card_of  # brings torch, which the worker need not load

    folder = network(project_id, job_id, candidate)
    return as_file(card_of(folder, _subject(job_in(project_id, job_id))), f".{kind}")


def sweep_report(project_id: int, job_id: int, kind: str) -> bytes:
    """The report of a sweep, less the networks that were deleted, as a file of one of `MEDIA_TYPES`.

    Raises `StudioError` where the project has no such sweep, or it has no results yet.
    """
    from ftl.reporting.write import as_file, sweep_document

    job = job_in(project_id, job_id)
    if job.tree:
        there_folder(job.tree, workspace(job_id))
    return as_file(sweep_document(models(job_id), _subject(job)), f".{kind}")


def _subject(job: Job) -> Subject:
    from ftl.reporting.subject import Subject

    if not any((models(job.id) / file).is_file() for file in (CLASSIFIERS, SEGMENTERS)):
        raise Missing("this sweep has no results yet: wait until it is done")
    launched = datetime.fromtimestamp(job.created_at, UTC)
    about = (
        ("Project", project_of(job.project_id).name),
        ("Sweep", f"{job.name}, launched on {launched:%Y-%m-%d}, job {job.id}"),
    )
    gone = frozenset(deleted_networks(job.id))
    return Subject(job.name, datetime.now(UTC).date(), about, within=workspace(job.id), without=gone)
