"""When a job was launched, and how long it ran."""

from __future__ import annotations

import time

from ftl.formatting import duration
from studio import ui
from studio.store.tables import Job


def times(job: Job) -> str:
    """When a job was launched, and how long it ran."""
    text = f"launched {ui.clock(job.created_at)}"
    if job.started_at is not None:
        text += f" · ran {duration((job.ended_at or time.time()) - job.started_at)}"
    return text
