"""The one exception that reaches a user: a sentence that says what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable


class FtlError(Exception):
    """Bad input or an impossible request, in words; the command line prints it without a traceback."""


def raise_together(headline: str, problems: Iterable[str]) -> None:
    """Raise one `FtlError` that lists every problem, or nothing when there is none."""
    listed = list(problems)
    if listed:
        lines = "\n".join(f"  - {problem}" for problem in listed)
        count = "1 problem" if len(listed) == 1 else f"{len(listed)} problems"
        raise FtlError(f"{headline} ({count}):\n{lines}")
