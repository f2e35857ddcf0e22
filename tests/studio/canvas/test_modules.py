"""The JavaScript of the drawing surface: its own tests, and its masks beside Python's, pixel for pixel."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from studio.annotation.pixels import encode
from studio.annotation.rasterise import paint
from studio.annotation.strokes import Painted, Region, parse

ROOT = Path(__file__).parents[3]
KINDS = ["brush", "erase", "polyline", "polygon", "rectangle", "region"]
EXAMPLES = 300


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("left out: there is no Node")
    major = int(subprocess.run([found, "--version"], capture_output=True, text=True).stdout.strip("v").split(".")[0])
    if major < 20:
        pytest.skip("left out: this Node is older than 20")
    return found


def test_the_modules_pass_their_own_tests(node: str) -> None:
    files = sorted(str(path) for path in (ROOT / "tests" / "canvas").glob("*.test.mjs"))
    done = subprocess.run([node, "--test", *files], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def test_a_browser_paints_every_pixel_as_the_studio_does(node: str) -> None:
    random = Random(16)
    examples = [_example(random) for _ in range(EXAMPLES)]
    lines = "".join(json.dumps(example) + "\n" for example in examples)
    command = [node, str(ROOT / "tests" / "canvas" / "fold.mjs")]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == EXAMPLES
    for example, answer in zip(examples, answers, strict=True):
        _compare(example, answer)


def _compare(example: dict[str, Any], answer: dict[str, Any]) -> None:
    height, width = example["height"], example["width"]
    mask = np.array(example["start"], np.uint8).reshape(height, width)
    cut = mask.copy()
    x, y, w, h = example["within"]
    for row, told, covered in zip(example["rows"], answer["told"], answer["covers"], strict=True):
        stroke = parse(row["id"], row["kind"], row["class_number"], row["geometry"], row["author"])
        stroke.check({1, 2, 3, 255}, height, width)
        assert isinstance(stroke, Painted)
        before = mask.copy()
        paint(mask, [stroke])
        paint(cut, [stroke], (slice(y, y + h), slice(x, x + w)))
        part, where = stroke.cover(height, width)
        whole = np.zeros((height, width), bool)
        whole[part] = where
        assert covered == encode(whole), row
        assert not whole.any() or told["region"] == {"counts": encode(whole), "size": [height, width]}
        assert whole.sum() == told.get("area", {"pixels": 0})["pixels"]
        for boxes in ([told["box"]] if told["box"] else [], told["boxes"]):
            outside = np.ones((height, width), bool)
            for left, top, wide, high in boxes:
                outside[top : top + high, left : left + wide] = False
            assert np.array_equal(before[outside], mask[outside]), "a pixel changed outside of the boxes that were told"
    assert bytes.fromhex(answer["mask"]) == mask.tobytes(), example
    assert bytes.fromhex(answer["cut"]) == cut.tobytes(), example
    _compare_flood(mask, example["seed"], answer["flooded"])
    x, y, w, h = example["patch"]["box"]
    values = np.repeat(np.array(example["patch"]["values"], np.uint8), example["patch"]["counts"])
    mask[y : y + h, x : x + w] = values.reshape((h, w), order="F")
    assert bytes.fromhex(answer["patched"]) == mask.tobytes(), example["patch"]


def _compare_flood(mask: np.ndarray, seed: list[int], flooded: dict[str, Any]) -> None:
    value = mask[seed[1], seed[0]]
    labels, _ = ndimage.label(mask == value, np.ones((3, 3)) if value else None)
    where = labels == labels[seed[1], seed[0]]
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    x, y = columns[0], rows[0]
    part = where[y : rows[-1] + 1, x : columns[-1] + 1]
    box = [x, y, part.shape[1], part.shape[0]]
    assert flooded["area"] == {"box": box, "counts": encode(part), "pixels": where.sum()}
    assert flooded["edge"] == bool(where[[0, -1]].any() or where[:, [0, -1]].any())


def _example(random: Random) -> dict[str, Any]:
    """A mask, strokes on it, a box to which they are cut, and a patch put on it at the end."""
    width, height = random.choice([(1, 1), (random.randint(1, 12), random.randint(1, 12)), _size(random)])
    start = np.zeros(width * height, int)
    if random.random() < 0.5:
        start = np.repeat([random.choice([0, 0, 1, 3]) for _ in range(width * height // 5 + 1)], 5)[: width * height]
    counts = _runs(random, (box := _box(random, width, height))[2] * box[3])
    return {
        "width": width,
        "height": height,
        "start": start.tolist(),
        "rows": [_row(random, number, width, height) for number in range(random.randint(1, 8))],
        "within": _box(random, width, height),
        "seed": [random.randrange(width), random.randrange(height)],
        "patch": {"box": box, "counts": counts, "values": [random.choice([0, 0, 1, 2, 255]) for _ in counts]},
    }


def _size(random: Random) -> tuple[int, int]:
    return random.randint(1, 200), random.randint(1, 150)


def _box(random: Random, width: int, height: int) -> list[int]:
    x, y = random.randrange(width), random.randrange(height)
    return [x, y, random.randint(1, width - x), random.randint(1, height - y)]


def _runs(random: Random, size: int) -> list[int]:
    counts = []
    longest = random.choice([3, 40, size])
    while size:
        counts.append(min(size, random.randint(1, longest)))
        size -= counts[-1]
    return counts


def _row(random: Random, number: int, width: int, height: int) -> dict[str, Any]:
    kind = random.choice(KINDS)
    points = _points(random, width, height)
    geometry: dict[str, Any] = {"points": points}
    if kind in ("brush", "erase", "polyline"):
        geometry["width"] = random.choice([0.3, 1, 2, 3, random.uniform(0.3, 60), random.randint(1, 60)])
    if kind in ("brush", "erase") and random.random() < 0.4:
        geometry["widths"] = [geometry["width"] * random.choice([1, 0.01, random.uniform(0.01, 1)]) for _ in points]
    if kind == "rectangle":
        geometry = {"box": [*points[0], *(random.choice([0, 0.5, 7, random.uniform(0, 90)]) for _ in range(2))]}
    label = random.choice([1, 2, 3, 255])
    if kind == "region":
        label = random.choice([0, label])
        bits = np.zeros(width * height, bool)
        for index, count in enumerate(np.cumsum(_runs(random, width * height)).tolist()):
            bits[count:] = index % 2 == 0
        geometry = Region.of(bits.reshape((height, width), order="F"), label, "r").geometry
    if random.random() < 0.3:
        geometry["over"] = random.choice([True, False])
    return {
        "id": f"s{number}",
        "kind": kind,
        "class_number": 0 if kind == "erase" else label,
        "geometry": geometry,
        "author": 1,
    }


def _points(random: Random, width: int, height: int) -> list[list[float]]:
    """Inside, outside and far outside of the image, on centres and edges of pixels, twice the same, level, upright."""
    size = [width, height]
    way = random.choice(["anywhere", "near", "centres", "edges", "halves", "far", "mixed"])
    points: list[list[float]] = []
    for _ in range(random.choice([1, 1, 2, 3, 5, 12, 40])):
        one = random.choice(["anywhere", "centres", "edges", "far"]) if way == "mixed" else way
        if points and random.random() < 0.2:
            points.append(list(points[-1]))
        elif points and random.random() < 0.2:
            axis = random.randrange(2)
            point = list(points[-1])
            point[axis] += random.choice([1, -3.5, 1e-10, random.uniform(-20, 20)])
            points.append(point)
        elif one == "near":
            points.append([point + random.gauss(0, 3) for point in (points[-1] if points else (width / 2, height / 2))])
        elif one == "centres":
            points.append([random.randrange(side) + 0.5 for side in size])
        elif one == "edges":
            points.append([float(random.randint(0, side)) for side in size])
        elif one == "halves":
            points.append([random.randint(-4, 2 * side + 4) / 2 for side in size])
        elif one == "far":
            points.append([random.uniform(-3000, 3000) for _ in size])
        else:
            points.append([random.uniform(-0.3 * side - 2, 1.3 * side + 2) for side in size])
    return points
