"""Changed files of every kind through a running studio: `python -m tests.fuzz --count 500 [--kind zip] [--seed 1]`.

Fails where something hangs, breaks out of a limit, tells no sentence, leaves something behind, or where the studio's
health is not answered within a second.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fuzz.app import LONG
from tests.fuzz.run import fuzz
from tests.fuzz.samples import KINDS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--count", type=int, default=500, help="changed files of each kind")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only these; all by default")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = fuzz(Path(folder), asked.kind or KINDS, asked.count, asked.seed)
        for row in outcome.rows:
            if "count" in row:
                memory, slowest = row["memory"] / 2**30, f"slowest {row['slowest']:.2f} s ({row['which']})"
                print(f"{row['kind']:>12}: {row['count']} files, {slowest}, peak {memory:.2f} GB")
            if row.get("slowest", 0) > LONG:
                print((Path(folder) / "log").read_text()[-10_000:], file=sys.stderr)
        for row in outcome.wrong:
            print(f"{row.get('kind')} {row.get('number')}: {row.get('wrong') or row.get('failed')}", file=sys.stderr)
    print(f"health: asked {outcome.probes} times, {outcome.unanswered} unanswered, worst {outcome.worst:.2f} s")
    return 1 if outcome.wrong or outcome.unanswered or outcome.worst > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
