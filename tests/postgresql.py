"""A PostgreSQL of Debian's package or of the path, in a folder of its own, on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex


def binaries() -> Path | None:
    """The folder of the newest PostgreSQL's programs, Debian's or those on the path; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: float(file.parts[-3]))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return Path(path).parent if path else None


@contextmanager
def cluster(programs: Path) -> Iterator[str]:
    """A PostgreSQL in a temporary folder, on loopback; the address of its server, without a database's name."""
    folder = Path(tempfile.mkdtemp(prefix="ftl-postgresql-"))
    # PostgreSQL refuses to run as root
    who = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    if who:
        shutil.chown(folder, "nobody", "nogroup")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, told = folder / "data", folder / "log"
    make = [programs / "initdb", "-D", data, "-U", "studio", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    run = [programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder]
    server = None
    try:
        subprocess.run(make, check=True, capture_output=True, cwd=folder, **who)  # type: ignore[call-overload]
        with open(told, "wb") as out:
            server = subprocess.Popen(run, stdout=out, stderr=out, cwd=folder, **who)  # type: ignore[call-overload]
        ready: list[str | Path] = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        for _ in range(120):
            if subprocess.run(ready).returncode == 0:
                break
            assert server.poll() is None, told.read_text()
            time.sleep(0.25)
        yield f"postgresql+psycopg://studio@127.0.0.1:{port}"
    finally:
        if server:
            server.send_signal(2)  # a fast shutdown
            server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server: str) -> str:
    """The address of an empty database."""
    import psycopg

    name = f"studio_{token_hex(4)}"
    address = server.replace("+psycopg", "")
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{server}/{name}"
