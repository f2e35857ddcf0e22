"""A network with its head as a `torch.export` program, for PyTorch and ExecuTorch."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import torch

from ftl.exporting.alone import writing_as
from ftl.exporting.module import Joined
from ftl.models.classifier import Model


def program(model: Model) -> torch.export.ExportedProgram:
    """From the preprocessed tensor, float32 (1, 3, size, size), to probabilities (1, classes).

    Raises `FtlError` for a layer that PyTorch cannot export.
    """
    joined = Joined(model)
    with writing_as("a .pt2 program"):
        return torch.export.export(joined, (joined.input_of(model),))


class _Telling(torch.fx.Interpreter):
    """Runs a program and keeps the logits: what its last linear layer gives."""

    logits: torch.Tensor

    def run_node(self, n: torch.fx.Node) -> Any:
        """Run a node of the program."""
        value = super().run_node(n)
        if n.target is torch.ops.aten.linear.default:
            self.logits = value
        return value


@torch.inference_mode()
def answer(program: torch.export.ExportedProgram, tensor: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Logits (1 or classes,) and probabilities (classes,) of a preprocessed image (1, 3, size, size)."""
    running = _Telling(program.module())
    (probabilities,) = running.run(tensor)
    return running.logits[0].numpy(), probabilities.numpy()


def packed(program: torch.export.ExportedProgram, about: dict[str, Any]) -> bytes:
    """The program as the bytes of a .pt2 file; `about` lies in it as `ftl.json`."""
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={"ftl.json": json.dumps(about)})
    return buffer.getvalue()
