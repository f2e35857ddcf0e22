"""Exports side by side in one process, as two downloads are, and exports that fail."""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

import pytest
import torch
from torch import nn

from ftl.errors import FtlError
from ftl.exporting.onnx import proto_of

ROUNDS = 2


def small(width: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU(), nn.Flatten()).eval().requires_grad_(False)


def test_two_threads_export_at_once() -> None:
    barrier, screen, made, failed = threading.Barrier(2), sys.stdout, list[Any](), list[str]()

    def export(width: int) -> None:
        for _ in range(ROUNDS):
            barrier.wait(timeout=60)
            try:
                made.append(proto_of(small(width), torch.zeros(1, 3, 8, 8), "output"))
            except Exception as error:  # anything may come of globals that two threads share
                failed.append(repr(error))

    threads = [threading.Thread(target=export, args=(width,)) for width in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(made) == 2 * ROUNDS
    assert sys.stdout is screen
    assert logging.root.manager.disable == logging.NOTSET


class _Unknown(nn.Module):
    """What ONNX has no word for."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.eigvals(x).real


def test_a_failed_export_is_one_sentence_and_its_report_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(FtlError) as refused:
        proto_of(_Unknown(), torch.zeros(1, 3, 8, 8), "output")
    sentence = str(refused.value)
    assert sentence.startswith("PyTorch could not write this network as ONNX, and nothing was saved: take the network")
    assert "\n" not in sentence
    assert "\x1b" not in sentence
    assert "linalg_eig" in caplog.text
