"""This machine's own Dask cluster: a scheduler and a worker a core, in processes of their own, while there are jobs.

Whoever reaches a scheduler can run code as its user. This one listens on loopback, and talks only to holders of a key
that lies in the home folder, for its owner alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from ftl.files import whole_file
from studio.errors import StudioError
from studio.store.home import home

_WORKER_BYTES = 2 * 2**30  # least memory of a worker: VGG16 over a few hundred masks
_SHARE = 0.75  # of this machine's memory, for all workers
_START_SECONDS = 60
_IDLE_SECONDS = 24 * 3600  # after which a scheduler leaves that nobody takes down
_KEY_SECONDS = 200 * 24 * 3600

UNWATCHED = {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "10s",
}
"""Variables that keep Dask's processes from measuring themselves fifty times a second, for no dashboard.

A process that waits then takes a third of the processor time.
"""

_running: dict[str, psutil.Process] = {}


def _folder() -> Path:
    folder = home() / "cluster"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder


def file() -> Path:
    """Where this machine's own scheduler writes its address."""
    return _folder() / "scheduler.json"


def environment() -> dict[str, str]:
    """The variables with which Dask finds the keys of this machine's own cluster, and keeps its files in the home."""
    key, certificate = str(_folder() / "key.pem"), str(_folder() / "certificate.pem")
    tls = {"CA_FILE": certificate}
    for who in ("SCHEDULER", "WORKER", "CLIENT"):
        tls |= {f"{who}__CERT": certificate, f"{who}__KEY": key}
    found = {f"DASK_DISTRIBUTED__COMM__TLS__{name}": value for name, value in tls.items()}
    # each has a web server even without its dashboard, and that asks for no key: it has nothing to tell
    found |= {f"DASK_DISTRIBUTED__{who}__HTTP__ROUTES": "[]" for who in ("SCHEDULER", "WORKER")}
    found |= {"DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "forkserver"}  # by ftl.sweeping.forked_workers
    found |= UNWATCHED
    return found | {"DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True", "DASK_TEMPORARY_DIRECTORY": str(_folder())}


def workers() -> tuple[int, int]:
    """How many workers this machine can have, each with a thread, and the bytes of memory of each."""
    from distributed.system import MEMORY_LIMIT  # less than the machine's where a container limits it

    memory = int(_SHARE * MEMORY_LIMIT)
    count = max(1, min(len(os.sched_getaffinity(0)), memory // _WORKER_BYTES))
    return count, memory // count


def keep_up() -> None:
    """Start what is not running of this machine's cluster. Raises `StudioError`."""
    if not _runs("scheduler"):
        _end("worker")  # it holds on to the scheduler that is gone
        _make_keys()
        file().unlink(missing_ok=True)
        _start("scheduler", "--port", "0", "--protocol", "tls", "--idle-timeout", str(_IDLE_SECONDS))
        end = time.monotonic() + _START_SECONDS
        while not file().is_file():
            if time.monotonic() > end or not _runs("scheduler"):
                raise StudioError(f"this machine's scheduler does not start: {_folder() / 'scheduler.log'} says why")
            time.sleep(0.05)
    if not _runs("worker"):
        count, memory = workers()
        each = "--nthreads", "1", "--nworkers", str(count), "--memory-limit", str(memory)
        forked = "--preload-nanny", "ftl.sweeping.forked_workers"
        _start("worker", *each, *forked, "--name", "here", "--death-timeout", "60", "--local-directory", str(_folder()))


def take_down() -> None:
    """End this machine's cluster, with whatever it is doing; what is finished is kept by whoever asked for it."""
    for what in ("worker", "scheduler"):
        _end(what)


def _command(what: str) -> list[str]:
    here = "--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"
    return [sys.executable, "-m", f"distributed.cli.dask_{what}", "--scheduler-file", str(file()), *here]


def _runs(what: str) -> bool:
    """Whether that part is running; one that an earlier process of the studio's started is found by its command."""
    if what not in _running:
        wanted = _command(what)
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.cmdline()[: len(wanted)] == wanted:
                    _running[what] = process
    process = _running.get(what)
    with contextlib.suppress(psutil.NoSuchProcess):
        if process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            return True
    _running.pop(what, None)
    return False


def _start(what: str, *options: str) -> None:
    with open(_folder() / f"{what}.log", "ab") as log:
        process = subprocess.Popen(
            [*_command(what), *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | environment(),
        )
    _running[what] = psutil.Process(process.pid)


def _end(what: str) -> None:
    if _runs(what):
        process = _running.pop(what)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its session: a worker has its own workers below it
        with contextlib.suppress(psutil.Error):
            process.wait(10)


def _make_keys() -> None:
    """A fresh key and certificate, when there are none or they grow old; nothing of the cluster runs now."""
    from distributed.security import Security

    key, certificate = _folder() / "key.pem", _folder() / "certificate.pem"
    if key.is_file() and certificate.is_file() and time.time() - certificate.stat().st_mtime < _KEY_SECONDS:
        return
    made = Security.temporary()
    for target, text in ((key, made.tls_client_key), (certificate, made.tls_ca_file)):
        with whole_file(target) as draft:
            draft.touch(0o600)
            draft.write_text(text)
