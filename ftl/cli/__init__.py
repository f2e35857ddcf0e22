"""The command line: `ftl COMMAND ...`, the same as `python -m ftl COMMAND ...`."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from ftl.errors import FtlError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0, 1 after an error (in words), 2 for wrong usage, 130 when interrupted."""
    gc.set_threshold(100_000)  # looking for garbage again and again takes a tenth of the time that torch takes to load
    from ftl.cli.parser import build_parser

    parser = build_parser()
    options: argparse.Namespace = parser.parse_args(arguments)
    from ftl.memory import reuse_freed_memory
    from ftl.progress import Bar

    reuse_freed_memory()
    bar = Bar()
    try:
        with _device(options):
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


def _device(options: argparse.Namespace) -> AbstractContextManager[None]:
    """Where networks run; torch, which takes seconds to import, is needed only if the command line says where."""
    if getattr(options, "device", None) is None:
        return nullcontext()
    from ftl.device import run_on

    return run_on(options.device)
