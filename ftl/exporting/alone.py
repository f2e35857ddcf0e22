"""Exporters of other libraries, which hold what they work on in globals: one at a time in a process, and quiet."""

from __future__ import annotations

import contextlib
import io
import logging
import threading
import warnings
from collections.abc import Iterator

from ftl.errors import FtlError

_TURN = threading.RLock()
_LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Wait until no other thread exports, and keep what exporters print for their developers from the user."""
    with _TURN, contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)


@contextlib.contextmanager
def writing_as(form: str) -> Iterator[None]:
    """Export `alone`; whatever PyTorch's exporter raises goes into the log, and an `FtlError` names the form."""
    try:
        with alone():
            yield
    except Exception as error:  # it raises of all kinds, with reports of many lines for its developers
        _LOG.error("PyTorch could not write the network as %s", form, exc_info=error)
        raise FtlError(
            f"PyTorch could not write this network as {form}, and nothing was saved: take the network as .safetensors; "
            "the log has the details"
        ) from error
