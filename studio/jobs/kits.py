"""Kits that time a sweep's networks on another machine (`ftl.latency.bench_kit`), for downloads."""

from __future__ import annotations

from pathlib import Path

from ftl.models.layout import HEAD
from studio.errors import Missing
from studio.jobs.sweeps import deleted_networks, job_in, models, workspace
from studio.store.shared_store import there_folder


def kit(project_id: int, job_id: int) -> Path:
    """A kit of a sweep's networks less those that were deleted, made anew from what is kept of them as ONNX.

    Raises `StudioError` where there is no such job or no network, `FtlError` for a layer that ONNX does not have.
    """
    from ftl.latency.bench_kit import write_kit  # brings torch, which the worker, who only watches, need not load

    job, deleted = job_in(project_id, job_id), deleted_networks(job_id)
    if job.tree:
        there_folder(job.tree, workspace(job_id))
    folders = [file.parent for file in sorted(models(job_id).glob(f"*/{HEAD}")) if file.parent.name not in deleted]
    if not folders:
        raise Missing("this sweep has no networks")
    return write_kit(folders, workspace(job_id) / "exports" / "kit.zip")
