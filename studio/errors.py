"""What the studio tells its users when something cannot be done."""

from __future__ import annotations


class StudioError(Exception):
    """A sentence for the user: what is wrong, where, and what to do."""


class Forbidden(StudioError):  # noqa: N818
    """The user is not allowed to do or see this."""


class Missing(StudioError):  # noqa: N818
    """There is no such thing."""
