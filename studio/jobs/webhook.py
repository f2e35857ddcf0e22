"""Tell a web address that a job has ended, in a process of its own: `python -m studio.jobs.webhook JOB`.

Nothing waits for it, and what fails is written into the job's log. Whoever sets an address makes the studio's machine
ask for it, so by default only addresses of the public internet are asked, by https: every number that the name stands
for is looked at, the connection goes to one that was looked at, and redirects are not followed.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

from studio.accounts.rights import changing
from studio.accounts.settings import save, settings
from studio.errors import StudioError
from studio.store.database import reading
from studio.store.home import home
from studio.store.tables import Job, Project

SECONDS = 10.0
"""For one try."""

RESTS = (0.0, 2.0, 10.0)
"""Seconds before each try."""

MOST = 500
"""Characters of an address."""


def check(address: str, *, private: bool) -> SplitResult:
    """The parts of an address. Raises `StudioError` for one that is none or, but for `private` ones, not https."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError as error:
        raise StudioError(f"{address} is no web address: {error}") from error
    schemes = ("https", "http") if private else ("https",)
    plain = address.isascii() and address.isprintable() and " " not in address
    if parts.scheme not in schemes or not parts.hostname or not plain or len(address) > MOST:
        raise StudioError(
            "a webhook's address begins with https:// and a host's name, as https://chat.example.com/hook"
        )
    if parts.username is not None or parts.password is not None:
        raise StudioError("a webhook's address holds no name and no password: others see it")
    return parts


def numbers_of(host: str, port: int, *, private: bool) -> list[str]:
    """The IP addresses of a host. Raises `StudioError` where there is none, or one that is not public and must be."""
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise StudioError(f"there is no host {host}: {error}") from error
    for number in found:
        if not private and not _is_public(number):
            raise StudioError(
                f"{host} is {number}, an address within a network: the studio's owner can allow those (Settings)"
            )
    return found


def _is_public(number: str) -> bool:
    address = ipaddress.ip_address(number.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if inner:
            return _is_public(str(inner))
        if address in ipaddress.ip_network("64:ff9b::/96"):  # IPv4 addresses behind a translator
            return _is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
    return address.is_global and not address.is_multicast


def post(address: str, message: dict[str, Any], *, private: bool, tls: ssl.SSLContext | None = None) -> None:
    """Send JSON to an address, once. Raises `StudioError` when it does not answer with success in time."""
    parts = check(address, private=private)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    body = json.dumps(message).encode()
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        number = numbers_of(host, port, private=private)[0]
        raw = socket.create_connection((number, port), timeout=SECONDS)
        if secure:
            context = tls or ssl.create_default_context()
            raw = context.wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
        timer = threading.Timer(SECONDS, _hang_up, [raw])  # time-outs alone would wait for every byte anew
        timer.start()
        with closing(raw), closing(http.client.HTTPConnection(host, port)) as connection:
            if isinstance(raw, ssl.SSLSocket):
                raw.do_handshake()
            connection.sock = raw
            headers = {"Content-Type": "application/json", "User-Agent": "ftl-studio", "Host": parts.netloc}
            connection.request("POST", target, body, headers)
            status = connection.getresponse().status
        timer.cancel()
    except (OSError, http.client.HTTPException) as error:
        raise StudioError(f"{host} does not answer ({error})") from error
    if 300 <= status < 400:
        raise StudioError(f"{host} answers with a redirect ({status}), which is not followed")
    if not 200 <= status < 300:
        raise StudioError(f"{host} answers with status {status}")


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def set_for_studio(owner: int, address: str, *, private: bool, root: str) -> None:
    """Set where every job's end is sent, whether private networks are allowed, and what links to the studio begin with.

    Raises `Forbidden` for everybody but the owner, `StudioError` for an address that cannot be.
    """
    if address:
        check(address, private=private)
    if root and not (root.startswith(("https://", "http://")) and urlsplit(root).hostname and len(root) <= MOST):
        raise StudioError("the studio's own address reads https://HOST, as people open it")
    save(owner, settings()._replace(webhook=address, private_webhooks=private, address=root))


def set_for_project(project_id: int, by: int, address: str) -> None:
    """Set where the ends of a project's jobs are sent; its admins may. Raises `StudioError` for what cannot be."""
    if address:
        check(address, private=settings().private_webhooks)
    with changing(by, project_id, "admin") as db:
        db.get_one(Project, project_id).webhook = address


def addresses(job: Job) -> list[str]:
    """Where a job's end is sent: the studio's address and its project's."""
    with reading() as db:
        project = db.get_one(Project, job.project_id)
    return list(dict.fromkeys(filter(None, (settings().webhook, project.webhook))))


def message_of(job: Job) -> dict[str, Any]:
    """What is sent about a job: `job` (its id), `name`, `state` and `link`, nothing that is secret."""
    root = settings().address.rstrip("/")
    return {"job": job.id, "name": job.name, "state": job.state, "link": f"{root}/jobs?project={job.project_id}"}


def send(job: Job, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Tell all addresses of a job's end, each some times until it hears; what fails goes to the job's log."""
    from studio.jobs.reporting import say

    message, private = message_of(job), settings().private_webhooks
    for address in addresses(job):
        why = ""
        for rest in RESTS:
            sleep(rest)
            try:
                post(address, message, private=private)
            except StudioError as error:
                why = str(error)
            else:
                break
        else:
            say(job.id, f"the webhook did not hear of this: {why}")


def announce(job: Job) -> None:
    """Have a job's end sent; whoever calls does not wait."""
    if addresses(job):
        with open(home() / "worker.log", "ab") as log:
            subprocess.Popen(
                [sys.executable, "-m", "studio.jobs.webhook", str(job.id)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | {"STUDIO_HOME": str(home())},
            )


if __name__ == "__main__":
    with reading() as db:
        ended = db.get_one(Job, int(sys.argv[1]))
    send(ended)
