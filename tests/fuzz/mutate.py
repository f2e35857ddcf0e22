"""What is done to a sound file: blind changes of its bytes, and such as know its form."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

from tests.fuzz.samples import unzipped, zipped
from tests.hostile import SWOLLEN

_EXTREMES = (0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
_VALUES = ("-1", "0", "1e999", "-1e999", "NaN", "Infinity", "9" * 30, "9" * 5000, "0.5", "null", "true",
           '"\\ud800"', "[]", "{}", "[" * 3000, '"' + "x" * 10_000 + '"', "1000000000", "100000")  # fmt: skip


def flip(rng: Random, data: bytearray) -> None:
    for _ in range(rng.choice((1, 1, 4, 30))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def cut(rng: Random, data: bytearray) -> None:
    del data[rng.randrange(len(data)) :]


def lose(rng: Random, data: bytearray) -> None:
    start = rng.randrange(len(data))
    del data[start : start + rng.randrange(1, 64)]


def repeat(rng: Random, data: bytearray) -> None:
    start = rng.randrange(len(data))
    chunk = data[start : start + rng.randrange(1, 256)]
    data[start:start] = chunk * rng.choice((1, 2, 100))


def field(rng: Random, data: bytearray) -> None:
    """A length or count, of whatever size and order."""
    size = rng.choice((1, 2, 4, 8))
    value = rng.choice(_EXTREMES) & (256**size - 1)
    start = rng.randrange(len(data))
    data[start : start + size] = value.to_bytes(size, rng.choice(("little", "big")))


def splice(rng: Random, data: bytearray) -> None:
    first, second = rng.randrange(len(data)), rng.randrange(len(data))
    data[:] = data[:first] + data[second:]


BLIND: tuple[Callable[[Random, bytearray], None], ...] = (flip, flip, cut, lose, repeat, field, field, splice)


def mutated(rng: Random, kind: str, data: bytes) -> bytes:
    """The file with one to three changes."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        aware = AWARE.get(kind)
        data = aware(rng, data) if aware is not None and rng.random() < 0.5 else blind(rng, data)
    return data


def blind(rng: Random, data: bytes) -> bytes:
    changed = bytearray(data or b"\0")
    rng.choice(BLIND)(rng, changed)
    return bytes(changed)


def text(rng: Random, data: bytes) -> bytes:
    """One value of JSON, YAML or XML turned into another."""
    plain = data.decode("utf-8", "replace")
    found = list(re.finditer(r'-?\d+(\.\d+)?|"[^"]{0,40}"', plain))
    if not found:
        return blind(rng, data)
    hit, value = rng.choice(found), rng.choice(_VALUES)
    if rng.random() < 0.1:
        value = hit[0] + ("," + hit[0]) * rng.choice((1, 1000, 100_000))
    return (plain[: hit.start()] + value + plain[hit.end() :]).encode("utf-8", "replace")


def png(rng: Random, data: bytes) -> bytes:
    """Another size or kind in a head whose sum is right."""
    head = bytearray(data[16:29])
    if len(head) < 13:  # another change has cut it off
        return blind(rng, data)
    if rng.random() < 0.6:
        struct.pack_into(">II", head, 0, *(rng.choice((0, 1, 20_000, 9_999, 2**31 - 1, 24)) for _ in range(2)))
    else:
        head[rng.randrange(8, 13)] = rng.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
    return data[:16] + bytes(head) + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + data[33:]


def jpeg(rng: Random, data: bytes) -> bytes:
    at = data.find(b"\xff\xc0")
    if at < 0:
        return blind(rng, data)
    sides = struct.pack(">HH", *(rng.choice((0, 1, 9_999, 65_535, 24)) for _ in range(2)))
    return data[: at + 5] + sides + data[at + 9 :]


def archive(rng: Random, data: bytes, packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A member changed, or a new one: a bomb, a zip within, a name that leads out."""
    try:
        members = unzipped(data)
    except Exception:
        return blind(rng, data)
    name = rng.choice(list(members) or ["a"])
    what = rng.random()
    if what < 0.6 and name in members:
        textual = name.endswith((".json", ".jsonl", ".yaml", ".txt"))
        members[name] = (text if textual and rng.random() < 0.7 else blind)(rng, members[name])
    elif what < 0.7:
        members["bomb.png"] = bytes(rng.choice((10**6, 3 * 10**7)))
    elif what < 0.8:
        inner = data
        for _ in range(5):
            inner = zipped({"wall.zip": inner})
        members["more.zip"] = inner
    elif what < 0.9:
        members[
            rng.choice(("../../a.png", "/etc/a.png", "x" * 5000, "\udc80\n.png".encode("utf-8", "replace").decode()))
        ] = b"x"
    else:
        members |= {f"{number}.txt": b"" for number in range(300)}
        members.pop(name, None)
    return zipped(members, packing)


def stored(rng: Random, data: bytes) -> bytes:
    return archive(rng, data, zipfile.ZIP_STORED)


def safetensors(rng: Random, data: bytes) -> bytes:
    (length,) = struct.unpack("<Q", data[:8]) if len(data) >= 8 else (0,)
    head = text(rng, data[8 : 8 + length])
    return struct.pack("<Q", len(head)) + head + data[8 + length :]


def hostile(name: str) -> Callable[[Random, bytes], bytes]:
    return lambda rng, data: SWOLLEN[name]() if rng.random() < 0.1 else blind(rng, data)


def either(*ways: Callable[[Random, bytes], bytes]) -> Callable[[Random, bytes], bytes]:
    return lambda rng, data: rng.choice(ways)(rng, data)


AWARE: dict[str, Callable[[Random, bytes], bytes]] = {
    "zip": archive, "yolo": archive, "voc": archive, "backup": archive, "png": png, "jpeg": jpeg, "coco": text,
    "labelme": text, "cvat": text, "pt": either(stored, hostile("net.pt")), "pt2": either(stored, hostile("net.pt2")),
    "safetensors": either(safetensors, hostile("net.safetensors")), "h5": hostile("net.h5"),
}  # fmt: skip


def cases(kind: str, data: bytes, count: int, seed: int) -> Any:
    """So many changed files, the same for the same seed."""
    for number in range(count):
        yield number, mutated(Random(f"{seed} {kind} {number}"), kind, data)
