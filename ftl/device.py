"""Where networks are trained and asked, and how exactly: on a GPU if there is one, in bfloat16 where that is faster."""

from __future__ import annotations

import torch


def device_of() -> torch.device:
    """The device that training takes; what is timed and what is scored stays on the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def mixed_precision(device: torch.device) -> torch.autocast:
    """bfloat16 within, where the device multiplies it itself: half the time of a wide network's step, or less.

    It has the range of float32, so that no loss needs scaling.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=_multiplies_bfloat16(device))


def trained_in() -> str:
    """Where and how exactly training is done here, as "bfloat16 on cpu": elsewhere its results differ a little."""
    device = device_of()
    return f"{'bfloat16' if _multiplies_bfloat16(device) else 'float32'} on {device.type}"


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16"))
