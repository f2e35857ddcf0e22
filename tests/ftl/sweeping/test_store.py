"""Files by content in a folder and in a real S3 endpoint on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from ftl.errors import FtlError
from ftl.files import digest
from ftl.sweeping.store import fetch, fetch_all, put, put_all
from tests.s3 import BUCKET, endpoint


@pytest.fixture(scope="module", params=["file", "folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("store")
    if request.param == "s3":
        pytest.importorskip("s3fs", reason="left out: there is no s3fs")
        with endpoint(folder / "log"):
            yield BUCKET
    else:
        yield str(folder) if request.param == "folder" else f"file://{folder}"


def test_what_is_put_is_fetched_by_its_content(store: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a crack")
    assert put(store, tmp_path / "a") == put(store, b"a crack") == digest(tmp_path / "a")
    target = tmp_path / "new" / "b"
    assert fetch(store, digest(tmp_path / "a"), target)
    assert target.read_bytes() == b"a crack"
    assert not fetch(store, "0" * 64, tmp_path / "none")
    assert [file.name for file in tmp_path.iterdir() if file.name not in ("a", "new")] == []  # no draft, no empty file


def test_many_at_once(store: str, tmp_path: Path) -> None:
    contents = [bytes([number]) * 1000 for number in range(50)]
    found = put_all(store, contents)
    wanted = [(sha256, tmp_path / str(number)) for number, sha256 in enumerate(found)]
    assert fetch_all(store, [*wanted, ("1" * 64, tmp_path / "none")]) == {"1" * 64}
    assert [(tmp_path / str(number)).read_bytes() for number in range(50)] == contents


def test_a_damaged_content_is_told_and_not_kept(store: str, tmp_path: Path) -> None:
    sha256 = put(store, b"whole")
    system, root = fsspec.core.url_to_fs(store)
    system.pipe_file(f"{root}/{sha256[:2]}/{sha256}", b"half")
    with pytest.raises(FtlError, match="is damaged"):
        fetch(store, sha256, tmp_path / "file")
    assert not any(tmp_path.iterdir())


def test_a_place_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(FtlError, match="no place for files"):
        put("nowhere://a", b"")
    (tmp_path / "file").touch()
    with pytest.raises(FtlError, match="cannot be written to"):
        put(str(tmp_path / "file"), b"")


def test_a_bucket_or_an_endpoint_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3fs = pytest.importorskip("s3fs", reason="left out: there is no s3fs")
    with endpoint(tmp_path / "log"):
        with pytest.raises(FtlError, match="s3://other cannot be written to"):
            put("s3://other", b"a")
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        s3fs.S3FileSystem.clear_instance_cache()
        with pytest.raises(FtlError, match="cannot be read"):
            fetch(BUCKET, "0" * 64, tmp_path / "target")
