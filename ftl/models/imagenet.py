"""Published ImageNet weights of registered networks: which are here, how large they are, and how they get here."""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from ftl.errors import FtlError
from ftl.models.registry import REGISTRY, Architecture

_DOWNLOAD_SECONDS = 20

ANSWER_SECONDS = 5
"""How long a server may take to answer."""


class DownloadError(FtlError):
    """Published weights are not here, and could not be downloaded."""


def downloaded() -> set[str]:
    """The registered networks whose ImageNet weights lie on this machine already, by name."""
    there = {file.name for file in _folder().glob("*.pth")}
    known = [chosen for chosen in REGISTRY.values() if chosen.weights is not None] if there else []
    return {chosen.name for chosen in known if _file_name(chosen) in there}


def address(chosen: Architecture) -> str:
    """Where a network's ImageNet weights are published."""
    return str(_published(chosen).url)


def download_size(chosen: Architecture) -> float:
    """The size in MiB of the file at `address`."""
    return float(_published(chosen).meta["_file_size"])


def answers(url: str, seconds: float = ANSWER_SECONDS) -> bool:
    """Whether the server of a published file answers within so many seconds, and not that it has no such file."""
    found = list[bool]()

    def ask() -> None:
        with suppress(OSError, http.client.HTTPException):
            try:
                urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds).close()
            except urllib.error.HTTPError as error:
                error.close()
                if error.code == http.HTTPStatus.NOT_FOUND:
                    return  # others may refuse to be asked like this, and still give the file
            found.append(True)

    asking = threading.Thread(target=ask, daemon=True)  # to look a server's name up knows no timeout
    asking.start()
    asking.join(seconds)
    return bool(found)


def fetch(chosen: Architecture) -> Path:
    """The file of a network's ImageNet weights, downloaded if it is not here. Raises `FtlError`, `DownloadError`."""
    if chosen.weights is None:
        raise FtlError(
            f"{chosen.name} has no published weights: train it (ftl backbone train {chosen.name} --dataset dataset), "
            "then give the file with --weights"
        )
    file = _folder() / _file_name(chosen)
    if file.is_file():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_SECONDS)
    try:
        torch.hub.download_url_to_file(address(chosen), str(file), hash_prefix=file.stem.rsplit("-", 1)[-1])
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        raise DownloadError(
            f"{chosen.name}'s ImageNet weights could not be downloaded ({error}). Fetch {file.name} elsewhere and put "
            f"it into {file.parent}, or give another file with --weights FILE"
        ) from error
    finally:
        socket.setdefaulttimeout(before)
    return file


def _folder() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _file_name(chosen: Architecture) -> str:
    return address(chosen).rsplit("/", 1)[-1]


def _published(chosen: Architecture) -> Any:
    import torchvision  # takes seconds to import

    return torchvision.models.get_weight(f"{chosen.weights}.IMAGENET1K_V1")
