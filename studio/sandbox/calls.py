"""How the studio has something read by a child, and the errors where that fails."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ftl.errors import FtlError
from studio.errors import StudioError
from studio.sandbox import wire
from studio.sandbox.limits import FILES, Limits, Refused
from studio.sandbox.nurseries import forked

_AT_ONCE = threading.BoundedSemaphore(max(4, os.cpu_count() or 1))
_TURN_SECONDS = 300.0
_HELD = threading.local()
_LOG = logging.getLogger(__name__)

Task = Callable[..., Generator[Any, Any, None]]
"""A function of a module, which gives plain data (what JSON can hold) and may be sent some. Its arguments are plain."""


def call(
    task: Task, *arguments: Any, limits: Limits = FILES, folder: Path | None = None, reads: Sequence[Path] = ()
) -> Any:
    """The first answer of a task that a child runs. Raises as `each` does."""
    answers = each(task, *arguments, limits=limits, folder=folder, reads=reads)
    try:
        return next(answers)
    finally:
        answers.close()


def each(
    task: Task, *arguments: Any, limits: Limits = FILES, folder: Path | None = None, reads: Sequence[Path] = ()
) -> Generator[Any, Any, None]:
    """What `task(*arguments)` gives, an answer at a time, each computed by a child when it is asked for.

    `folder`: the only one in which the child can write. `reads`: files and folders that it can read besides.

    Raises:
        Refused: a limit was exceeded, or the child crashed; its message says what is wrong with "it".
        StudioError, FtlError: what the task raised.
    """
    name = f"{task.__module__}:{task.__qualname__}"
    with _turn(), forked(name, heavy=limits.heavy) as (connection, status, process):
        try:
            connection.settimeout(limits.wait)
            asked: dict[str, Any] = {"limits": limits, "folder": folder and str(folder.absolute())}
            asked["here"] = os.getcwd()  # the paths that a task is given may lead through it
            asked["reads"] = [str(one.absolute()) for one in reads]
            asked["arguments"] = arguments
            wire.send(connection, asked)
            given = None
            while True:
                wire.send(connection, given)
                answer = wire.receive(connection, limits.wait)
                if "value" not in answer:
                    break
                given = yield answer["value"]
        except TimeoutError:
            raise Refused(_too_long(limits.wait)) from None
        except (EOFError, OSError, ValueError, TypeError):
            raise _ended(status, limits) from None
        finally:
            with suppress(OSError):
                signal.pidfd_send_signal(process, signal.SIGKILL)
                select.select([process], [], [], 5)  # until it has: its folder is removed next
    if "end" not in answer:
        raise _failure(name, answer, limits)


@contextmanager
def serving(task: Task, *arguments: Any, **options: Any) -> Iterator[Callable[[Any], Any]]:
    """One child that answers many questions: `task` is sent them, after a first answer that says nothing.

    Whoever asks gets what `each` raises; the next question is then answered by another child.
    """
    answers: Generator[Any, Any, None] | None = None

    def ask(question: Any) -> Any:
        nonlocal answers
        if answers is None:
            answers = each(task, *arguments, **options)
            next(answers)
        try:
            return answers.send(question)
        except BaseException:
            answers = None
            raise

    try:
        yield ask
    finally:
        if answers is not None:
            answers.close()


@contextmanager
def _turn() -> Iterator[None]:
    """Wait until another child may run; whoever has one already, waits for nobody."""
    if getattr(_HELD, "one", False):
        yield
        return
    if not _AT_ONCE.acquire(timeout=_TURN_SECONDS):
        raise StudioError("the studio is busy with other people's files: try again in a few minutes")
    _HELD.one = True
    try:
        yield
    finally:
        _HELD.one = False
        _AT_ONCE.release()


def _failure(task: str, answer: dict[str, Any], limits: Limits) -> Exception:
    if "error" in answer:
        return FtlError(str(answer["error"])) if answer.get("ftl") else StudioError(str(answer["error"]))
    if "memory" in answer:
        return Refused(
            f"it takes more memory to read than the studio gives a file ({limits.memory / 2**30:.1f} GB): "
            "make it smaller, or split it"
        )
    _LOG.error("%s failed in its child:\n%s", task, answer.get("trace"))
    return Refused(f"it cannot be read ({answer.get('broken')}): it is damaged, save it again")


def _too_long(seconds: int) -> str:
    return f"it takes longer to read than the studio gives a file ({seconds} s): make it smaller, or split it"


def _ended(status: socket.socket, limits: Limits) -> Refused:
    code = None
    with suppress(EOFError, OSError, ValueError):
        select.select([status], [], [], 5)
        code = wire.receive(status, 5)
    if code == -signal.SIGXCPU:
        return Refused(_too_long(limits.cpu))
    _LOG.error("a child ended with %s", code)
    return Refused("reading it ended the program that reads it, as no sound file does: save it again")
