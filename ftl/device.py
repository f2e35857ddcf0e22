"""Where networks run: the rule of `device=` and `--device`; and how exactly they are trained there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

from ftl.errors import FtlError

Device = str | torch.device | None
"""What `run_on` takes."""

_asked: ContextVar[torch.device | None] = ContextVar("device", default=None)


@contextmanager
def run_on(device: Device) -> Iterator[None]:
    """Within, networks are scored, run and trained on `device`: cpu, cuda, cuda:1. None changes nothing.

    By default training takes a GPU if there is one, and all else the CPU, whose results are the same on every machine.
    Two things stay on the CPU: latency is measured there, and there `faithful` scores. Raises `FtlError` that lists the
    devices that this machine has.
    """
    if device is None:
        yield
        return
    token = _asked.set(_checked(device))
    try:
        yield
    finally:
        _asked.reset(token)


def asked_device() -> str | None:
    """The device of `run_on`, for a process elsewhere; None where there is no such wish."""
    asked = _asked.get()
    return None if asked is None else str(asked)


def device_of(*, training: bool = False) -> torch.device:
    """The device that networks run on, or are trained on."""
    default = torch.device("cuda" if training and torch.cuda.is_available() else "cpu")
    return _asked.get() or default


def _checked(device: str | torch.device) -> torch.device:
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    there = ["cpu", *(["cuda"] if gpus else []), *(f"cuda:{index}" for index in range(gpus))]
    if str(device) not in there:
        raise FtlError(f"this machine has no device {str(device)!r}: choose {' or '.join(there)}")
    return torch.device(device)


def mixed_precision(device: torch.device) -> torch.autocast:
    """bfloat16 within, where the device multiplies it itself: half the time of a wide network's step, or less.

    It has the range of float32, so that no loss needs scaling.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=multiplies_bfloat16(device))


def trained_in() -> str:
    """Where and how exactly training is done here, as "bfloat16 on cpu": elsewhere its results differ a little."""
    device = device_of(training=True)
    return f"{'bfloat16' if multiplies_bfloat16(device) else 'float32'} on {device.type}"


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 itself, and so faster than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16"))
