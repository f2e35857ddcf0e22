"""The process that children are forked from: started once, alone, without secrets, and it reads nothing itself.

It gets a pair of sockets for each child: over one the studio and the child talk, over the other it tells how the child
ended. `python -m studio.sandbox.nursery MODULE...` with the control socket as its standard input imports the modules
first, for all its children.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Generator
from pathlib import Path
from typing import Any, NoReturn

from ftl.errors import FtlError
from studio.errors import StudioError
from studio.sandbox import wire
from studio.sandbox.limits import Limits, end_with_parent, more_cpu, restrict, without_network

_IDLE = 900.0  # seconds after which a nursery that nobody needs ends; the next call starts another


def main() -> None:
    """Fork a child for each request, until the studio ends or asks no more."""
    control = socket.socket(fileno=os.dup(0))
    without_network()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # looking for garbage takes a sixth of the time that torch takes to load, and there is none
    for module in sys.argv[1:]:
        importlib.import_module(module)
    gc.freeze()
    gc.enable()
    waiting: dict[int, tuple[int, socket.socket]] = {}  # by the descriptor of the process
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            events = selector.select(None if waiting else _IDLE)
            if not events:
                return
            for key, _ in events:
                if key.fd != control.fileno():
                    selector.unregister(key.fd)
                    _tell_end(key.fd, *waiting.pop(key.fd))
                    continue
                message, descriptors, _, _ = socket.recv_fds(control, 4096, 2)
                if not message:
                    return
                process = _start(message.decode(), descriptors)
                if process is not None:
                    waiting[process[0]] = process[1:]
                    selector.register(process[0], selectors.EVENT_READ)


def _tell_end(descriptor: int, pid: int, status: socket.socket) -> None:
    _, code = os.waitpid(pid, 0)
    os.close(descriptor)
    with status, contextlib.suppress(OSError):
        wire.send(status, os.waitstatus_to_exitcode(code))


def _start(task: str, descriptors: list[int]) -> tuple[int, int, socket.socket] | None:
    connection, status = (socket.socket(fileno=one) for one in descriptors)
    try:
        module, _, name = task.partition(":")
        run = getattr(importlib.import_module(module), name)  # once, so that children have it already
    except Exception:
        traceback.print_exc()
        connection.close()
        status.close()
        return None
    pid = os.fork()
    if pid == 0:
        status.close()
        _child(run, connection)
    connection.close()
    descriptor = os.pidfd_open(pid)
    with contextlib.suppress(OSError):  # by which the studio can end it, and nothing else
        socket.send_fds(status, [b"p"], [descriptor])
    return descriptor, pid, status


def _child(run: Any, connection: socket.socket) -> NoReturn:
    code = 1
    try:
        end_with_parent()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        connection = socket.socket(fileno=os.dup2(connection.detach(), 3))
        os.closerange(4, 4096)
        asked = wire.receive(connection)
        limits = Limits(*asked["limits"])
        os.chdir(asked["here"])
        restrict(limits, Path(asked["folder"]) if asked["folder"] else None, [*map(Path, asked["reads"])])
        answers = run(*asked["arguments"])
        _answer(connection, limits, answers)
        code = 0
    except (EOFError, OSError):
        pass
    finally:
        os._exit(code)


def _answer(connection: socket.socket, limits: Limits, answers: Generator[Any, Any, None]) -> None:
    """Run a task, an answer at a time, each when it is asked for."""
    try:
        given = wire.receive(connection)
        while True:
            more_cpu(limits.cpu)
            try:
                value = answers.send(given)
            except StopIteration:
                return wire.send(connection, {"end": True})
            wire.send(connection, {"value": value})
            del value
            given = wire.receive(connection)
    except EOFError:
        raise
    except MemoryError:
        answers = None  # type: ignore[assignment]
        wire.send(connection, {"memory": True})
    except StudioError as error:
        wire.send(connection, {"error": str(error)})
    except FtlError as error:
        wire.send(connection, {"error": str(error), "ftl": True})
    except BaseException as error:
        text = f"{type(error).__name__}: {error}"[:200]
        wire.send(connection, {"broken": text, "trace": traceback.format_exc()[-4000:]})


if __name__ == "__main__":
    sys.setrecursionlimit(2000)
    main()
