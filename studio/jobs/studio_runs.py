"""Whether a studio serves this home: jobs outlive it, but a worker that has none waits for nothing without it."""

from __future__ import annotations

from filelock import FileLock, Timeout

from studio.store.home import home

_PATIENCE = 3.0  # seconds: whoever looks holds the lock for a moment


def studio_lock() -> FileLock:
    """What a studio holds as long as its process lives, however that ends; one of several on the same home."""
    return FileLock(home() / ".studio.lock", timeout=_PATIENCE, thread_local=False)


def studio_runs() -> bool:
    """Whether a studio is there."""
    try:
        with studio_lock().acquire(timeout=0):
            return False
    except Timeout:
        return True
