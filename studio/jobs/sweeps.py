"""Where sweeps lie, and which networks a project picked."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sqlalchemy import select

from ftl.errors import FtlError
from ftl.evaluation.runtimes import FIGURES, INT8
from studio.accounts.rights import changing
from studio.errors import Forbidden, Missing
from studio.projects.audit import record
from studio.store.database import reading
from studio.store.home import home
from studio.store.shared_store import there_folder
from studio.store.tables import DeletedNetwork, Job, Pick

CLASSIFIERS, SEGMENTERS = "results.json", "masks.json"
"""What a sweep writes of its networks that classify, and of those that draw masks."""

CLASSIFY, DRAW = "classify", "draw"
"""What a project picks a network for."""


def workspace(job_id: int) -> Path:
    """A job's folder: Images, Segmented, dataset and evaluation as laid out for it, `log.txt`, and `models`."""
    return home() / "jobs" / str(job_id)


def models(job_id: int) -> Path:
    """A sweep's networks and results, as `ftl run` leaves them."""
    return workspace(job_id) / "models"


def job_in(project_id: int, job_id: int) -> Job:
    """A job, if it is the project's. Raises `Forbidden` else, also where there is no such job."""
    with reading() as db:
        job = db.get(Job, job_id)
        if job is None or job.project_id != project_id:
            raise Forbidden("there is no such job in this project")
        return job


def finished_sweeps(project_id: int) -> list[Job]:
    """The sweeps of a project that are done and have results, of either kind of networks, newest first."""
    done = done_jobs(project_id)
    return [job for job in done if any((models(job.id) / file).is_file() for file in (CLASSIFIERS, SEGMENTERS))]


def done_jobs(project_id: int) -> list[Job]:
    """The jobs of a project that are done, newest first, with their files, whatever they left."""
    with reading() as db:
        query = select(Job).where(Job.project_id == project_id, Job.state == "done")
        jobs = list(db.scalars(query.order_by(Job.id.desc())))
    for job in jobs:
        if job.tree:
            with suppress(FtlError):  # without its files a sweep is not listed
                there_folder(job.tree, workspace(job.id))
    return jobs


def deleted_networks(job_id: int) -> set[str]:
    """The names of a sweep's networks that were deleted: its files may still hold them, and nothing shows them."""
    with reading() as db:
        return set(db.scalars(select(DeletedNetwork.name).where(DeletedNetwork.job_id == job_id)))


def network(project_id: int, job_id: int, candidate: str) -> Path:
    """The folder of a candidate's network. Raises `Missing` where there is none."""
    job = job_in(project_id, job_id)
    if candidate in deleted_networks(job_id):
        raise Missing("this network was deleted: an admin can restore it from the trash for 30 days")
    if job.tree:
        there_folder(job.tree, workspace(job.id))
    known = {file.parent.name: file.parent for file in models(job_id).glob("*/head.safetensors")}
    if candidate not in known:
        raise Missing("there is no such network in this sweep")
    return known[candidate]


def exported(project_id: int, job_id: int, candidate: str, ending: str = ".safetensors") -> Path:
    """A candidate as one file of `ftl.export`, by its ending; made anew only where the network is.

    Raises `StudioError` where there is no such network, `FtlError` for a file that would not answer as it does.
    """
    folder = network(project_id, job_id, candidate)
    file = workspace(job_id) / "exports" / f"{candidate}{ending}"
    made_of = [one for one in (folder / "head.safetensors", folder / FIGURES[INT8]) if one.is_file()]
    if file.is_file() and all(file.stat().st_mtime >= one.stat().st_mtime for one in made_of):
        return file
    return take_home(folder, file, workspace(job_id) / "dataset")


def take_home(folder: Path, file: Path, images: Path | None = None) -> Path:
    """Write a network's folder as one file. `images`: the data set, where it lies now.

    A .zip holds 8-bit integers too where the sweep has made them and they do not lose too much.
    """
    from ftl.exporting.export import export  # brings torch, which the worker, who only watches, need not load

    return export(folder, file, int8=file.suffix == ".zip" and (folder / FIGURES[INT8]).is_file(), images=images)


def pick(project_id: int, job_id: int, candidate: str, user_id: int) -> None:
    """Make a candidate the project's network for what it does."""
    from ftl.models.segmenter_files import draws_masks

    task = DRAW if draws_masks(network(project_id, job_id, candidate)) else CLASSIFY
    with changing(user_id, project_id, "reviewer") as db:
        db.get_one(Job, job_id, with_for_update=True)  # whoever deletes a network of it waits, or was first
        if db.get(DeletedNetwork, (job_id, candidate)) is not None:
            raise Missing("this network was deleted meanwhile: choose another")
        db.merge(Pick(project_id=project_id, task=task, job_id=job_id, candidate=candidate, chosen_by=user_id))
        record(db, project_id, user_id, "picked", name=candidate)


def picked(project_id: int) -> dict[str, Pick]:
    """The project's networks by their tasks, as far as some were picked, the one that was picked last first."""
    with reading() as db:
        own = select(Pick).join(Job, Job.id == Pick.job_id).where(Pick.project_id == project_id)
        return {pick.task: pick for pick in db.scalars(own.order_by(Pick.at.desc()))}
