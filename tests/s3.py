"""An S3 endpoint on loopback: moto's server, in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BUCKET = "s3://bridges/studio"


@contextmanager
def endpoint(log: Path) -> Iterator[Path]:
    """A server with an empty bucket; the environment of this process and its children leads there. Gives its log."""
    from s3fs import S3FileSystem

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(log, "wb") as out, pytest.MonkeyPatch.context() as patch:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=out, stderr=out,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        try:
            for _ in range(200):
                with socket.socket() as tried:
                    if tried.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert server.poll() is None, log.read_text()
                time.sleep(0.1)
            address = f"http://127.0.0.1:{port}"
            for name, value in (("ENDPOINT_URL", address), ("ACCESS_KEY_ID", "key"), ("SECRET_ACCESS_KEY", "secret"),
                                ("DEFAULT_REGION", "us-east-1")):  # fmt: skip
                patch.setenv(f"AWS_{name}", value)
            S3FileSystem.clear_instance_cache()  # those of an earlier endpoint
            S3FileSystem().mkdir(BUCKET.split("/")[2])
            yield log
        finally:
            server.kill()
            server.wait()
            S3FileSystem.clear_instance_cache()
