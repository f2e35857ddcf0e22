"""Where networks are trained and asked: on a GPU if there is one."""

from __future__ import annotations

import torch


def device_of() -> torch.device:
    """The device that training takes; what is timed and what is scored stays on the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
