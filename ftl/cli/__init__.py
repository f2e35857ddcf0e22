"""The command line: `ftl COMMAND ...`, the same as `python -m ftl COMMAND ...`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ftl.errors import FtlError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0, 1 after an error told in words, 2 for wrong usage, 130 when interrupted."""
    from ftl.cli.parser import build_parser

    parser = build_parser()
    options: argparse.Namespace = parser.parse_args(arguments)
    from ftl.memory import reuse_freed_memory
    from ftl.progress import Bar

    reuse_freed_memory()
    bar = Bar()
    try:
        options.run(options, bar)
    except FtlError as error:
        bar.close()
        print(f"ftl: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        bar.close()
        print(
            f"ftl: {error.strerror or error}: {error.filename or ''}; free the place or choose another", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        bar.close()
        print("ftl: stopped; what was done is kept, the same command goes on from there", file=sys.stderr)
        return 130
    return 0
