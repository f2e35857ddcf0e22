"""A small sound file of each kind that the studio takes; all masks are of the photograph `wall.png`."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import torch
from PIL import Image

from ftl.models.io import save_backbone
from tests.hostile import keras_convolution

HEIGHT, WIDTH = 24, 32
PHOTOGRAPHS = ("zip", "png", "jpeg", "tiff")
MASKS = ("coco", "cvat", "yolo", "voc", "labelme")
NETWORKS = ("h5", "safetensors", "pt", "pt2")
KINDS = (*PHOTOGRAPHS, *MASKS, *NETWORKS, "backup")


def picture(kind: str, seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    return _saved(Image.fromarray(pixels), kind)


def _saved(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def zipped(members: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def coco() -> bytes:
    corners = [4, 4, 20, 4, 20, 15, 4, 15]
    runs = {"size": [HEIGHT, WIDTH], "counts": [100, 30, HEIGHT * WIDTH - 130]}
    packed = {"size": [HEIGHT, WIDTH], "counts": "TT1n0bg0"}
    shapes = [[corners], runs, packed]
    return json.dumps({
        "images": [{"id": 1, "file_name": "wall.png", "height": HEIGHT, "width": WIDTH}],
        "categories": [{"id": 1, "name": "Crack"}, {"id": 2, "name": "Pore"}],
        "annotations": [{"image_id": 1, "category_id": 1 + n % 2, "segmentation": s} for n, s in enumerate(shapes)],
    }).encode()  # fmt: skip


def labelme() -> bytes:
    shapes = [
        {"label": "Crack", "shape_type": "polygon", "points": [[2, 2], [20, 3], [11, 17]]},
        {"label": "Pore", "shape_type": "circle", "points": [[9, 9], [9, 13]]},
        {"label": "Pore", "shape_type": "rectangle", "points": [[1, 1], [5, 6]]},
    ]
    value = {"imagePath": "wall.png", "imageHeight": HEIGHT, "imageWidth": WIDTH, "shapes": shapes}
    return json.dumps(value).encode()


def cvat() -> bytes:
    return (
        f'<?xml version="1.0"?><annotations><image id="0" name="wall.png" width="{WIDTH}" height="{HEIGHT}">'
        '<polygon label="Crack" points="2,2;20,3;11,17"/><box label="Pore" xtl="1" ytl="2" xbr="9" ybr="8"/>'
        '<mask label="Dirt" rle="4,8,4" left="3" top="3" width="4" height="4"/>'
        '<ellipse label="Pore" cx="9" cy="9" rx="4" ry="3"/></image></annotations>'
    ).encode()


def yolo() -> bytes:
    lines = b"0 0.1 0.1 0.8 0.1 0.5 0.9\n1 0.2 0.2 0.4 0.2 0.4 0.6\n"
    return zipped({"data.yaml": b"nc: 2\nnames:\n  0: Crack\n  1: 'Pore'\n", "labels/wall.txt": lines})


def voc() -> bytes:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[4:9, 4:20] = (255, 0, 0)
    mask = _saved(Image.fromarray(pixels), "PNG")
    return zipped({"labelmap.txt": b"background:0,0,0::\nCrack:255,0,0::\n", "SegmentationClass/wall.png": mask})


def network(suffix: str) -> bytes:
    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 4, 3))
    if suffix == "h5":
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            keras_convolution(file, 2).create_dataset("c/c/kernel:0", data=np.ones((3, 3, 3, 2), "f4"), compression=1)
        return buffer.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"net.{suffix}"
        if suffix == "safetensors":
            save_backbone(layers, file, size=32)
        elif suffix == "pt":
            conv = {"kernel": [3, 3], "stride": [1, 1], "padding": [0, 0], "dilation": [1, 1], "bias": True}
            told = [
                {"type": "conv", "in": 3, "out": 4} | conv,
                {"type": "relu"},
                {"type": "conv", "in": 4, "out": 4} | conv,
            ]
            state = {f"features.{key}": value for key, value in layers.state_dict().items()}
            torch.save(state | {"layers": told, "preprocess": "caffe", "size": 32}, file)
        else:
            torch.export.save(torch.export.export(layers, (torch.zeros(1, 3, 32, 32),)), file)
        return file.read_bytes()


def sample(kind: str, backup: Callable[[], bytes]) -> tuple[str, bytes]:
    """The name that the file is sent under, and its content; `backup` makes one of the project."""
    if kind == "zip":
        return "wall.zip", zipped({"Crack/a.png": picture("PNG", 1), "b.jpg": picture("JPEG", 2)})
    if kind in ("png", "jpeg", "tiff"):
        return f"new.{kind}", picture(kind.upper(), 3)
    if kind in NETWORKS:
        return f"net.{kind}", network(kind)
    if kind == "backup":
        return "backup.zip", backup()
    made = {"coco": coco, "labelme": labelme, "cvat": cvat, "yolo": yolo, "voc": voc}[kind]()
    ending = {"coco": "json", "labelme": "json", "cvat": "xml"}.get(kind, "zip")
    return f"masks.{ending}", made
