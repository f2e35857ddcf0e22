"""Child processes that read what strangers sent: no secrets, no network, and limits of memory, time and output."""

from studio.sandbox.calls import call, each, serving
from studio.sandbox.limits import FILES, NETWORKS, Limits, Refused

__all__ = ["FILES", "NETWORKS", "Limits", "Refused", "call", "each", "serving"]
