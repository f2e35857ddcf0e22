"""Published weights: which are here, how large they are, whether their server answers, and what happens without it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import torch

from ftl.models.imagenet import address, answers, download_size, downloaded
from ftl.models.registry import REGISTRY, architecture


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of these tests are on this machine."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[str]:
    """The address of one that has `/here` and nothing else, and of `/secret` does not say whether it has it."""

    class Files(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response({"/here": 200, "/secret": 403}.get(self.path, 404))
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    made = HTTPServer(("127.0.0.1", 0), Files)
    serving = threading.Thread(target=made.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    serving.join()
    made.server_close()


def test_all_published_weights_have_an_address_and_a_size() -> None:
    published = [known for known in REGISTRY.values() if known.weights]
    assert all(address(known).startswith("https://") and download_size(known) > 1 for known in published)
    assert download_size(architecture("resnet18")) == 44.661


def test_weights_are_here_once_their_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert downloaded() == set()
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "resnet18-f37072fd.pth").touch()
    assert downloaded() == {"resnet18"}


def test_a_server_answers_or_does_not(server: str) -> None:
    assert answers(f"{server}/here", 30)
    assert answers(f"{server}/secret", 30)
    assert not answers(f"{server}/gone", 30)
    assert not answers("http://name.invalid/here", 30)


def test_a_server_that_keeps_silent_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never answers
        assert not answers(f"http://127.0.0.1:{silent.getsockname()[1]}/here", 0.05)


def test_a_name_that_nobody_looks_up_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def hang(*_: object, **__: object) -> None:
        ended.wait()
        raise OSError

    monkeypatch.setattr("ftl.models.imagenet.urllib.request.urlopen", hang)
    assert not answers("http://127.0.0.1/here", 0.05)
    ended.set()
