"""Who hears of a job that has ended: its launcher's browser, once, and webhooks, that reach nothing they must not."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from ftl.latency.rounds import ROUNDS, Take, figure
from studio.accounts import add_user
from studio.accounts.settings import settings
from studio.errors import Forbidden, StudioError
from studio.jobs import notices, queue, reporting, retake_times, webhook
from studio.jobs.ending import end
from studio.jobs.request import SweepRequest
from studio.jobs.sweeps import job_in, models
from studio.projects.invitations import accept, invite
from studio.projects.members import set_role
from studio.projects.projects import create_project
from studio.store.database import writing
from tests.studio.conftest import Someone
from tests.tiny_sweep import add_sweep


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker takes up what is launched."""
    monkeypatch.setattr(queue, "start_worker", lambda: None)


class Listener(HTTPServer):
    """Hears POSTs; `answers`: the statuses that it gives, one after the other, then 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_port}/hook?to=us"


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, json.loads(body)))
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def owned(project: Someone) -> int:
    """The project's admin owns the studio, too."""
    accept(invite(None, "admin"), project.user_id)
    return project.user_id


def launched(project: Someone, **values: Any) -> int:
    job = queue.launch(project.project_id, project.user_id, "sweep", "The wall", SweepRequest())
    if values:
        queue.change(job.id, **values)
    return job.id


def test_a_webhook_hears_of_a_job_with_nothing_secret_and_its_ending_does_not_wait(
    project: Someone, listener: Listener
) -> None:
    webhook.set_for_studio(owned(project), listener.url, private=True, root="https://studio.example.com/")
    job = launched(project, state="running", started_at=1.0)
    listener.answers = [503]
    end(job, "done", share=1.0)
    assert job_in(project.project_id, job).state == "done"  # at once: another process tells it, and tries again
    until(lambda: len(listener.heard) == 2)
    told = {"job": job, "name": "The wall", "state": "done", "link": "https://studio.example.com/jobs?project=1"}
    assert listener.heard == [("/hook?to=us", told)] * 2


def until(there: Callable[[], bool], seconds: float = 60) -> None:
    finish = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < finish
        time.sleep(0.05)


def test_a_project_has_its_own_and_a_cancelled_job_is_told_to_nobody(project: Someone, listener: Listener) -> None:
    webhook.set_for_studio(owned(project), "", private=True, root="")
    webhook.set_for_project(project.project_id, project.user_id, listener.url)
    end(launched(project), "cancelled")
    failed = launched(project)
    queue.change(failed, state="failed")
    job = job_in(project.project_id, failed)
    assert webhook.addresses(job) == [listener.url]
    webhook.send(job, sleep=lambda seconds: None)
    assert [told["state"] for _, told in listener.heard] == ["failed"]
    other = create_project(project.user_id, "Other")
    elsewhere = queue.launch(other.id, project.user_id, "sweep", "a", SweepRequest())
    assert webhook.addresses(elsewhere) == []


def test_what_fails_is_tried_some_times_and_told_in_the_log(project: Someone, listener: Listener) -> None:
    webhook.set_for_studio(owned(project), listener.url, private=True, root="")
    job, rests = job_in(project.project_id, launched(project, state="done")), list[float]()
    listener.answers = [500, 500, 500]
    webhook.send(job, sleep=rests.append)
    assert (len(listener.heard), tuple(rests)) == (3, webhook.RESTS)
    assert "the webhook did not hear of this: 127.0.0.1 answers with status 500" in reporting.log(job.id)


def test_a_redirect_is_not_followed(listener: Listener) -> None:
    listener.answers = [302]
    with pytest.raises(StudioError, match="redirect"):
        webhook.post(listener.url, {}, private=True)
    assert [path for path, _ in listener.heard] == ["/hook?to=us"]


def test_one_that_trickles_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def trickle() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                while not over.wait(0.1):
                    try:
                        connection.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            with pytest.raises(StudioError):
                webhook.post(f"http://127.0.0.1:{server.getsockname()[1]}/", {}, private=True)
        finally:
            over.set()
            thread.join()


PRIVATE = [
    "127.0.0.1", "10.0.0.5", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
]  # fmt: skip


@pytest.mark.parametrize("number", PRIVATE)
def test_no_name_leads_into_a_private_network_unless_the_owner_allows_it(
    number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))
    hidden = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (number, 443, 0, 0))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [public, hidden])  # one good number hides none
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("it was asked"))
    with pytest.raises(StudioError, match="within a network"):
        webhook.post("https://innocent.example.com/hook", {}, private=False)
    assert webhook.numbers_of("innocent.example.com", 443, private=True)[1] == number


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"])
def test_numbers_in_any_writing_are_looked_at(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("it was asked"))
    with pytest.raises(StudioError):
        webhook.post(f"https://{host}/", {}, private=False)


def test_the_connection_goes_to_the_number_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answers = [[(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))]]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers.pop())  # a second answer would be another

    def connect(address: tuple[str, int], **_: object) -> socket.socket:
        asked.append(address[0])
        raise OSError("far away")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(StudioError, match="far away"):
        webhook.post("https://example.com/hook", {}, private=False)
    assert asked == ["93.184.215.14"]


@pytest.mark.parametrize(
    "address",
    ["http://example.com/", "ftp://example.com", "https://", "https://me:word@example.com/", "https://x:99999/",
     "https://example.com/\nHost: other", "https://exa mple.com/", "https://example.com/" + "a" * 500, "file:///etc"],
)  # fmt: skip
def test_addresses_that_are_refused_when_they_are_set(project: Someone, address: str) -> None:
    with pytest.raises(StudioError):
        webhook.set_for_project(project.project_id, project.user_id, address)


def test_only_the_owner_and_admins_say_where_to(project: Someone) -> None:
    with writing() as db:
        bob = add_user(db, "Bob", "a long enough password").id
    accept(invite(project.project_id, "reviewer"), bob)
    with pytest.raises(Forbidden):
        webhook.set_for_project(project.project_id, bob, "https://example.com/hook")
    with pytest.raises(Forbidden):
        webhook.set_for_studio(bob, "https://example.com/hook", private=True, root="")
    assert (settings().webhook, settings().private_webhooks) == ("", False)


def test_each_end_is_given_out_once_to_whoever_launched_the_job(project: Someone) -> None:
    with writing() as db:
        bob = add_user(db, "Bob", "a long enough password").id
    accept(invite(project.project_id, "admin"), bob)
    now = time.time()
    launched(project, state="done", ended_at=now - 3)
    launched(project, state="failed", ended_at=now, error="no masks")
    launched(project, state="done", ended_at=now - 3 * 24 * 3600)  # no news any more
    launched(project, state="cancelled", ended_at=now)
    launched(project)
    assert notices.claim(bob) == []
    found = notices.claim(project.user_id)
    assert [(one["title"], one["text"], one["link"], one["done"]) for one in found] == [
        ("The wall is done", "Bridge 42", "/choose?project=1", True),
        ("The wall has failed", "Bridge 42: no masks", "/jobs?project=1", False),
    ]
    assert notices.claim(project.user_id) == []
    mine = queue.launch(project.project_id, bob, "sweep", "b", SweepRequest())
    queue.change(mine.id, state="done", ended_at=now)
    set_role(project.project_id, project.user_id, bob, None)
    assert notices.claim(bob) == []  # it is not theirs to see any more


def test_unstable_latencies_are_taken_again_once_the_machine_is_quiet(project: Someone) -> None:
    job = add_sweep(project.project_id, project.user_id).id
    out = models(job)
    times = {name: out / name / "time.json" for name in ("base", "keep-0.25", "keep-0.5")}
    for name, file in times.items():
        found = json.loads(file.read_text())
        takes = found["rounds"][:ROUNDS]
        others = 0.9 if name == "keep-0.5" else 0.0
        rounds = [taken(take, others) for take in takes]
        file.write_text(json.dumps(found | figure(rounds)))
    before = {name: file.read_text() for name, file in times.items()}
    queue.change(job, unstable=1, ended_at=time.time())
    loads = [0.9, 0.0, 0.0, 0.9, *[0.0] * 5]
    assert retake_times.take_again(patience=600, seen=lambda: loads.pop(0)) is False
    assert not loads  # five quiet looks in a row
    assert {name for name, file in times.items() if file.read_text() != before[name]} == {"keep-0.5"}
    again = json.loads(times["keep-0.5"].read_text())
    assert len(again["rounds"]) > ROUNDS
    assert again["median_ms"] < 1000
    assert job_in(project.project_id, job).unstable == int(bool(again["unstable"]))


def taken(take: dict[str, Any], others: float) -> Take:
    """A round that was ten times as slow as it should have been."""
    return Take(**(take | {"others": others, "median_ms": 1000.0, "q1_ms": 900.0, "q3_ms": 1100.0}))


def test_a_job_that_comes_ends_the_wait_and_so_does_impatience(project: Someone) -> None:
    launched(project, state="done", unstable=2, ended_at=time.time())
    assert retake_times.take_again(patience=0.0, seen=lambda: pytest.fail("it looked")) is False
    launched(project)
    assert retake_times.take_again(patience=600, seen=lambda: pytest.fail("it looked")) is True
