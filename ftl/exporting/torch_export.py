"""A network with its head as a `torch.export` program, for PyTorch and ExecuTorch."""

from __future__ import annotations

import io
import json
from typing import Any

import torch

from ftl.exporting.joined import Joined
from ftl.exporting.onnx import quiet
from ftl.model import Model


def program(model: Model) -> torch.export.ExportedProgram:
    """From the preprocessed tensor, float32 (1, 3, size, size), to probabilities (1, classes)."""
    joined = Joined(model)
    with quiet():
        return torch.export.export(joined, (joined.input_of(model),))


def packed(program: torch.export.ExportedProgram, about: dict[str, Any]) -> bytes:
    """The program as the bytes of a .pt2 file; `about` lies in it as `ftl.json`."""
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={"ftl.json": json.dumps(about)})
    return buffer.getvalue()
