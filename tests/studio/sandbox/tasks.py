"""What tests have children do: all that a file could make a program do that reads it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from studio.errors import StudioError


def add(first: int) -> Generator[Any, Any, None]:
    total = first
    while True:
        total += (yield total) or 0


def take_memory(size: int) -> Generator[Any, Any, None]:
    yield len(b"x" * size)


def compute() -> Generator[Any, Any, None]:
    while True:
        pass
    yield None


def hang() -> Generator[Any, Any, None]:
    time.sleep(1000)
    yield None


def crash() -> Generator[Any, Any, None]:
    os.abort()
    yield None


def crash_at(*given: Any) -> Generator[Any, Any, None]:
    os.abort()
    yield given


def write(file: str, size: int) -> Generator[Any, Any, None]:
    yield Path(file).write_bytes(bytes(size))


def raise_it(what: str) -> Generator[Any, Any, None]:
    raise StudioError(what) if what else KeyError("a bug")
    yield None


def reach(file: str, port: int) -> Generator[Any, Any, None]:
    """What of the world can be reached: environment, a file, the network, the process that started this one."""
    found: dict[str, Any] = {"environment": dict(os.environ)}
    for name in (file, f"/proc/{os.getppid()}/environ", "/etc/passwd"):
        try:
            found[name] = Path(name).read_bytes().decode("latin-1")
        except OSError as error:
            found[name] = type(error).__name__
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
        found["network"] = True
    except OSError as error:
        found["network"] = type(error).__name__
    yield found
