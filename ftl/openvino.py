"""OpenVINO, without what it would report of its use."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import cast


def has_openvino() -> bool:
    """Whether it is installed."""
    return find_spec("openvino") is not None


def load_openvino() -> ModuleType:
    """The package. Where it is imported otherwise, it sends an event to its makers by each import and conversion.

    It does so through a package of its own, without which it works as well.
    """
    if "openvino" not in sys.modules:
        cast("dict[str, ModuleType | None]", sys.modules).setdefault("openvino_telemetry", None)
    import openvino

    return cast(ModuleType, openvino)
