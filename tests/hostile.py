"""Model files that were made to read other files, or to fill memory: what tests of the library and the studio share."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

SECRET = bytes(range(1, 109))
"""27 float32: what a 3 x 3 convolution of three channels and one filter takes."""


def keras_convolution(file: h5py.File, filters: int = 1) -> h5py.Group:
    """Describe a network of one convolution, and give the group that its weights belong into."""
    conv = {
        "name": "c", "filters": filters, "kernel_size": [3, 3], "strides": [1, 1], "padding": "valid",
        "activation": "relu",
    }  # fmt: skip
    file.attrs["model_config"] = json.dumps({"config": {"layers": [{"class_name": "Conv2D", "config": conv}]}})
    weights = file.create_group("model_weights")
    weights["c/c/bias:0"] = np.zeros(filters, np.float32)
    return weights


def external_storage(file: h5py.File, secret: Path) -> None:
    keras_convolution(file).create_dataset(
        "c/c/kernel:0", (3, 3, 3, 1), np.float32, external=[(secret, 0, len(SECRET))]
    )


def virtual(file: h5py.File, secret: Path) -> None:
    layout = h5py.VirtualLayout((3, 3, 3, 1), np.float32)
    layout[:] = h5py.VirtualSource(f"{secret}.h5", "x", (3, 3, 3, 1))
    keras_convolution(file)["c/c"].create_virtual_dataset("kernel:0", layout)


def external_link(file: h5py.File, secret: Path) -> None:
    keras_convolution(file)["c/c/kernel:0"] = h5py.ExternalLink(f"{secret}.h5", "x")


def external_group(file: h5py.File, secret: Path) -> None:
    """The layer's group is a link in the file, to a link out of it."""
    weights = keras_convolution(file)
    del weights["c"]
    file["out"] = h5py.ExternalLink(f"{secret}.h5", "/")
    weights["c"] = h5py.SoftLink("/out/group")


POINTERS: list[Callable[[h5py.File, Path], None]] = [external_storage, virtual, external_link, external_group]


def pointing_at(secret: Path, point: Callable[[h5py.File, Path], None]) -> bytes:
    """A Keras file whose convolution reads its kernel out of `secret`, or out of the HDF5 file of that name."""
    secret.write_bytes(SECRET)
    with h5py.File(f"{secret}.h5", "w") as file:
        file["x"] = np.frombuffer(SECRET, np.float32).reshape(3, 3, 3, 1)
        file["group/c/kernel:0"] = file["x"]
        file["group/c/bias:0"] = np.zeros(1, np.float32)
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        point(file, secret)
    return buffer.getvalue()


def swollen_h5() -> bytes:
    """A few kilobytes that tell of 2.1 GB."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        shape = (3, 3, 3, 20_000_000)
        keras_convolution(file).create_dataset("c/c/kernel:0", shape, np.float32, chunks=(3, 3, 3, 1000), compression=1)
    return buffer.getvalue()


def convolution(wide: int, takes: int = 3) -> dict[str, Any]:
    return {
        "type": "conv", "in": takes, "out": wide, "kernel": [1, 1], "stride": [1, 1], "padding": [0, 0],
        "dilation": [1, 1], "bias": False,
    }  # fmt: skip


LAYERS = [convolution(24_000), convolution(24_000, 24_000)]


def swollen_safetensors() -> bytes:
    """A header that describes a layer of 24,000 x 24,000 weights, and a single weight."""
    told = {"layers": LAYERS, "preprocess": "caffe", "size": 32}
    header = {
        "__metadata__": {"ftl": json.dumps(told)},
        "features.1.weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
    }
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(4)


def swollen_pt() -> bytes:
    """One number, as a layer of 24,000 x 24,000."""
    buffer = io.BytesIO()
    weight = torch.zeros(1).expand(24_000, 24_000).unsqueeze(-1).unsqueeze(-1)
    torch.save({"features.1.weight": weight, "layers": LAYERS, "preprocess": "caffe", "size": 32}, buffer)
    return buffer.getvalue()


def swollen_pt2() -> bytes:
    """One number that strides of 0 make a layer of 24,000 x 24,000."""
    sizes = [{"as_int": one} for one in (24_000, 24_000, 1, 1)]
    meta = {"dtype": 7, "sizes": sizes, "strides": 4 * [{"as_int": 0}], "storage_offset": {"as_int": 0}}
    table = {"config": {"w": {"use_pickle": False, "tensor_meta": meta, "path_name": "weight_0"}}}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/models/model.json", json.dumps({"graph_module": {}}))
        archive.writestr("a/data/weights/model_weights_config.json", json.dumps(table))
        archive.writestr("a/data/weights/weight_0", bytes(4))
    return buffer.getvalue()


SWOLLEN = {
    "net.h5": swollen_h5, "net.safetensors": swollen_safetensors, "net.pt": swollen_pt, "net.pt2": swollen_pt2,
}  # fmt: skip
