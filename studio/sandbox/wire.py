"""Messages between the studio and its children: plain data as JSON, each with its length before it."""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any

from studio.errors import StudioError

MOST_BYTES = 256 * 2**20
"""Of a message; what is larger goes through a file."""

_LENGTH = struct.Struct("!I")


def send(connection: socket.socket, value: Any) -> None:
    """Send plain data, with a "?" for half a surrogate pair, which nobody can show or store.

    Raises `OSError` when nobody is there.
    """
    data = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    if len(data) > MOST_BYTES:
        raise StudioError("it holds more than the studio takes at a time: split it")
    connection.sendall(_LENGTH.pack(len(data)) + data)


def receive(connection: socket.socket, seconds: float | None = None) -> Any:
    """The next message, which must be there within so many seconds.

    Raises:
        EOFError: the other side has ended.
        TimeoutError: it did not come, or not all of it.
        ValueError: this is no message.
    """
    until = None if seconds is None else time.monotonic() + seconds
    (length,) = _LENGTH.unpack(_read(connection, _LENGTH.size, until))
    if length > MOST_BYTES:
        raise ValueError("a message is longer than any can be")
    return json.loads(_read(connection, length, until))


def _read(connection: socket.socket, length: int, until: float | None) -> bytes:
    parts: list[bytes] = []
    while length:
        if until is not None:
            connection.settimeout(max(0.001, until - time.monotonic()))
        try:
            part = connection.recv(min(length, 1 << 20))
        except ConnectionError:
            part = b""
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
