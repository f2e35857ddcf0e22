"""Machine load: how much of the processor other programs use, from the system's own counters."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

import psutil


class Reading(NamedTuple):
    """Seconds since the machine's start, of the cores that this process may use: `busy` and `all` together.

    Busy is whatever is not idle, also what a hypervisor gave to other machines. `own`: of this process, all threads.
    """

    busy: float
    all: float
    own: float


def read() -> Reading:
    """The counters now; the system counts in hundredths of a second."""
    allowed = os.sched_getaffinity(0)
    cores = [core for number, core in enumerate(psutil.cpu_times(percpu=True)) if number in allowed]
    every = sum(sum(core) - getattr(core, "guest", 0.0) - getattr(core, "guest_nice", 0.0) for core in cores)
    idle = sum(core.idle + getattr(core, "iowait", 0.0) for core in cores)
    return Reading(every - idle, every, time.process_time())


def others(before: Reading, after: Reading) -> float:
    """The share 0..1 of the processor that other processes used between two readings."""
    passed = after.all - before.all
    return min(1.0, max(0.0, after.busy - before.busy - (after.own - before.own)) / passed) if passed else 0.0


def look(seconds: float = 0.1) -> float:
    """The share 0..1 of the processor that other processes use now, measured while this one sleeps for some seconds.

    Processes of low priority (`nice`) show only here: they hardly run beside a process that computes.
    """
    before = read()
    time.sleep(seconds)
    return others(before, read())
