"""Uploads that are wrong in every way: a sentence each, nothing stored of them, nothing else lost."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.errors import StudioError
from studio.images import archives
from studio.images.library import Filter, count_classes, count_images, find_images
from studio.images.uploads import Chosen, Received, look_over, receive
from studio.projects.classes import classes_of
from studio.sandbox import calls, nurseries
from tests.studio.conftest import Someone


def picture(value: int = 90, kind: str = "JPEG", size: tuple[int, int] = (40, 30)) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(value).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise.astype(np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def bomb(side: int = 30_000) -> bytes:
    """A PNG of side x side pixels in a few hundred bytes that says so in its header."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 4096)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zipped(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def damaged() -> bytes:
    """A zip whose file does not unpack: its packed bytes are turned."""
    content = bytearray(zipped(("a.jpg", bytes(range(200)) * 20)))
    begin = 30 + len("a.jpg")
    content[begin : begin + 40] = bytes(255 - one for one in content[begin : begin + 40])
    return bytes(content)


def send(project: Someone, *files: tuple[str, bytes], **options: object) -> Received:
    opened = [(name, io.BytesIO(content)) for name, content in files]
    return receive(project.project_id, project.user_id, opened, **options)  # type: ignore[arg-type]


def stored(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file() and "studio.db" not in path.name]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "notes.txt",
            b"this is a text",
            "notes.txt cannot be read as an image (it is not a BMP, JPEG, PNG, TIFF or WEBP file)",
        ),
        ("short.jpg", picture(size=(400, 300))[:2000], "cannot be read as an image"),
        ("empty.png", b"", "cannot be read as an image"),
        ("bomb.png", bomb(), "more than the 100,000,000"),
        ("page.html", b"<script>alert(1)</script>", "cannot be read as an image"),
        ("vector.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "cannot be read as an image"),
        ("broken.zip", b"PK\x03\x04 not a zip", "cannot be unpacked"),
        ("up.zip", zipped(("../../up.jpg", picture())), "points out of the zip"),
        ("abs.zip", zipped(("/etc/abs.jpg", picture())), "points out of the zip"),
        ("back.zip", zipped(("..\\..\\up.jpg", picture())), "points out of the zip"),
        ("win.zip", zipped(("C:/abs.jpg", picture())), "points out of the zip"),
        ("empty.zip", zipped(), "is empty"),
        ("damaged.zip", damaged(), "cannot be unpacked"),
        ("bomb.zip", zipped(*((f"{number}.jpg", bytes(2**26)) for number in range(4))), "more than the studio takes"),
        ("nest.zip", zipped(("a.zip", zipped(("a.jpg", picture())))), "another zip"),
    ],
)
def test_what_is_no_photograph_is_told_and_the_others_are_taken(
    home: Path, project: Someone, name: str, content: bytes, words: str
) -> None:
    before = stored(home)
    alone = send(project, (name, content))
    assert (alone.added, len(alone.problems)) == ([], 1)
    assert words in alone.problems[0]
    assert str(home) not in alone.problems[0]
    assert stored(home) == before
    assert count_images(project.project_id) == 0
    together = send(project, ("good.jpg", picture(1)), (name, content), ("better.png", picture(2, "PNG")))
    assert (len(together.added), len(together.problems)) == (2, 1)


def test_hundreds_of_files_that_are_none_cost_no_child_each(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    forked, tasks = nurseries.forked, list[str]()
    monkeypatch.setattr(calls, "forked", lambda task, **rest: tasks.append(task) or forked(task, **rest))
    members = [*((f"{number}.png", b"no image") for number in range(100)), ("wall.png", picture(1, "PNG"))]
    received = send(project, ("many.zip", zipped(*members)))
    assert (len(received.added), len(received.problems)) == (1, 100)
    assert len(tasks) <= 3


def test_a_zip_that_unpacks_to_more_than_it_says_is_cut_off(
    home: Path, project: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_FILE_BYTES", 2**20)
    before = stored(home)
    content = zipped(("zeros.jpg", bytes(50 * 2**20)), ("good.jpg", picture()))
    assert len(content) < 2**17
    got = send(project, ("bomb.zip", content))
    assert "larger than 1 MB" in got.problems[0]
    assert len(got.added) == 1
    assert len(stored(home)) == len(before) + 2  # the good one and its thumbnail
    monkeypatch.setattr(archives, "MOST_ZIP_BYTES", 2**19)
    got = send(project, ("many.zip", zipped(*((f"{number}.jpg", bytes(2**18)) for number in range(40)))))
    assert "more than the studio takes" in got.problems[0]
    assert got.added == []


def test_one_damaged_member_and_a_lie_about_a_size_stop_no_other(project: Someone) -> None:
    content = bytearray(zipped(("a.jpg", picture(1)), ("b.jpg", picture(2)), ("c.jpg", picture(3))))
    for sign, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):  # a.jpg says that it has ten bytes
        begin = content.index(sign) + place
        content[begin : begin + 4] = struct.pack("<I", 10)
    begin = content.index(b"b.jpg") + 5
    content[begin : begin + 40] = bytes(40)
    got = send(project, ("some.zip", bytes(content)))
    assert (len(got.added), len(got.problems)) == (1, 2)
    assert [one[:5] for one in got.problems] == ["a.jpg", "b.jpg"]


def test_a_list_of_contents_that_is_too_long_is_not_read(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_MOST_LIST_BYTES", 10)
    assert "lists more files" in send(project, ("long.zip", zipped(("a.jpg", picture())))).problems[0]


def test_an_encrypted_member_is_told(project: Someone) -> None:
    content = bytearray(zipped(("a.jpg", picture())))
    for sign in (b"PK\x03\x04", b"PK\x01\x02"):
        content[content.index(sign) + (6 if sign[2] == 3 else 8)] |= 1
    assert "encrypted" in send(project, ("locked.zip", bytes(content))).problems[0]


def test_10001_files_are_refused_before_one_is_stored(home: Path, project: Someone) -> None:
    before = stored(home)
    with pytest.raises(StudioError, match="10,001 files"):
        send(project, *((f"{number}.jpg", b"") for number in range(10_001)))
    with pytest.raises(StudioError, match="10,001 files"):
        send(project, ("all.zip", zipped(*((f"{number}.jpg", b"") for number in range(10_001)))))
    assert stored(home) == before


@pytest.mark.parametrize(
    "name", ['🌉 "O\'Neill" <b>x</b>.jpg', "../../etc/passwd.jpg", "a\\b\\c.jpg", "\u202egpj.exe", ""]
)
def test_names_are_kept_for_showing_and_never_used_as_paths(home: Path, project: Someone, name: str) -> None:
    got = send(project, (name, picture()))
    assert len(got.added) == 1
    (image,) = find_images(project.project_id)
    assert "/" not in image.name
    assert image.name.isprintable()
    assert image.class_id is None or name.startswith("a")  # a folder that leads out is no class
    assert all(home in path.parents for path in stored(home))
    assert not any(part in str(path) for path in stored(home) for part in ("passwd", "Neill", "gpj"))


def test_the_same_photograph_is_there_once_and_told(project: Someone) -> None:
    first = send(project, ("a.jpg", picture()))
    again = send(project, ("b.jpg", picture()), ("c.jpg", picture(1)))
    assert again.known == first.added
    assert len(again.added) == 1


def test_the_folder_that_zipping_makes_is_no_class(project: Someone) -> None:
    before = len(classes_of(project.project_id))
    send(
        project,
        ("Bridge 7.zip", zipped(("Bridge 7/a.jpg", picture(1)))),
        ("crack.zip", zipped(("Crack/b.jpg", picture(2)))),
    )
    assert len(classes_of(project.project_id)) == before
    found = {image.name: image.class_id for image in find_images(project.project_id)}
    names = {one.name: one.id for one in classes_of(project.project_id)}
    assert found == {"a.jpg": None, "b.jpg": names["Crack"]}


def test_folders_give_class_and_split_and_new_classes_are_made(project: Someone) -> None:
    content = zipped(
        ("wall/train/crack/a.jpg", picture(1)),
        ("wall/test/Spalling/b.jpg", picture(2)),
        ("c.jpg", picture(3)),
        ("__MACOSX/._a.jpg", b"x"),
        (".DS_Store", b"x"),
    )
    names = {one.name: one.id for one in classes_of(project.project_id)}
    got = send(project, ("all.zip", content), class_id=names["Dirt"], split="train")
    assert (len(got.added), got.problems) == (3, [])
    names = {one.name: one.id for one in classes_of(project.project_id)}
    found = {image.name: (image.class_id, image.split) for image in find_images(project.project_id)}
    assert found == {
        "a.jpg": (names["Crack"], "train"),
        "b.jpg": (names["Spalling"], "test"),
        "c.jpg": (names["Dirt"], "train"),
    }
    assert count_images(project.project_id, Filter(class_id=names["Spalling"])) == 1
    assert [one.name for one in find_images(project.project_id, Filter(text="B."))] == ["b.jpg"]


def test_what_is_chosen_is_counted_by_the_classes_that_its_folders_tell() -> None:
    names = ["crack/a.jpg", "Crack/b.JPG", "train/Moss/c.png", "d.jpg", "test/e.jpg", "f.zip", "notes.txt", ".DS_Store"]
    found = look_over(names, ["Crack", "Background"])
    assert found == Chosen({"Crack": 2, "Moss": 1, "": 2}, ["f.zip"], ["notes.txt"])
    assert look_over(["a.jpg", "Moss/b.jpg"], ["Crack"], "Crack").photographs == {"Crack": 1, "Moss": 1}


def test_what_was_added_is_counted_by_class(project: Someone) -> None:
    got = send(project, ("Crack/a.jpg", picture(1)), ("Crack/b.jpg", picture(2)), ("c.jpg", picture(3)))
    names = {one.id: one.name for one in classes_of(project.project_id)} | {0: ""}
    assert {names[one]: count for one, count in count_classes(got.added).items()} == {"Crack": 2, "": 1}
