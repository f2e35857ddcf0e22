"""The studio's side of the two nurseries, for files and for networks: started when first needed, and again if gone."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_START_SECONDS = 180.0  # importing PyTorch on a busy machine
_FOR_NETWORKS = ("ftl.models.io", "ftl.pruning.coupling", "torch._dynamo")
"""What is imported for children that read networks; torch imports the last when a graph is first traced."""
_ENVIRONMENT = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_ENVIRONMENT |= {"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
"""All that a child knows: nothing of the studio's own, which may hold secrets. A process that is forked takes no other
threads along, so there is one."""


class _Nursery:
    """A process that forks children, and the socket over which it is asked to. `heavy`: its children read networks."""

    def __init__(self, heavy: bool) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "studio.sandbox.nursery", *(_FOR_NETWORKS if heavy else ())]
            self._process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                cwd=_ROOT,
                start_new_session=True,
            )
        self._control = ours

    def end(self) -> None:
        """Let it end; its children end with it."""
        self._control.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)

    def fork(self, task: str) -> tuple[socket.socket, socket.socket, int]:
        """A child that will run the task: its connection, the socket that reports its end, and the process' descriptor.

        Raises `OSError` or `EOFError` when the nursery is no longer there.
        """
        pairs = [socket.socketpair(), socket.socketpair()]
        (connection, connection_there), (status, status_there) = pairs
        try:
            with connection_there, status_there:
                descriptors = [connection_there.fileno(), status_there.fileno()]
                socket.send_fds(self._control, [task.encode()], descriptors)
            status.settimeout(_START_SECONDS)
            _, found, _, _ = socket.recv_fds(status, 1, 1)
            if not found:
                raise EOFError
        except BaseException:
            connection.close()
            status.close()
            raise
        return connection, status, found[0]


_NURSERIES: dict[bool, _Nursery] = {}
_LOCK = threading.Lock()


def _nursery(heavy: bool, gone: _Nursery | None = None) -> _Nursery:
    with _LOCK:
        if gone is not None and _NURSERIES.get(heavy) is gone:
            _NURSERIES.pop(heavy).end()
        if heavy not in _NURSERIES:
            _NURSERIES[heavy] = _Nursery(heavy)
        return _NURSERIES[heavy]


@contextmanager
def forked(task: str, *, heavy: bool) -> Iterator[tuple[socket.socket, socket.socket, int]]:
    """A child for one task, as `_Nursery.fork` gives it; its sockets are closed at the end."""
    nursery = _nursery(heavy)
    try:
        connection, status, process = nursery.fork(task)
    except (OSError, EOFError):  # it was idle for long, or ended from outside
        connection, status, process = _nursery(heavy, gone=nursery).fork(task)
    try:
        yield connection, status, process
    finally:
        connection.close()
        status.close()
        os.close(process)


@atexit.register
def _end_all() -> None:
    with _LOCK:
        for nursery in _NURSERIES.values():
            nursery.end()
        _NURSERIES.clear()


def _forget() -> None:
    """In a process that was forked off the studio: its parent's nurseries are not its own."""
    _NURSERIES.clear()


os.register_at_fork(after_in_child=_forget)
