"""Imports point one way, and nothing that could run code is ever loaded."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

FORBIDDEN = {"ftl": {"studio", "pages", "streamlit", "sqlalchemy", "starlette"}, "studio": {"pages"}}


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_imports_point_one_way() -> None:
    for package, forbidden in FORBIDDEN.items():
        for path in (ROOT / package).rglob("*.py"):
            assert not imports(path) & forbidden, path


def test_no_pickle_is_ever_loaded() -> None:
    unsafe = re.compile(r"pickle\.load|joblib\.load|weights_only *= *False|allow_pickle *= *True|torch\.export\.load\(")
    for package in ("ftl", "studio", "pages"):
        for path in (ROOT / package).rglob("*.py"):
            assert not unsafe.search(path.read_text()), path
            assert "pickle" not in imports(path), path


def test_the_worker_is_light() -> None:
    """It only watches the processes that compute."""
    code = "import sys, studio.jobs.worker; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_import_of_ftl_is_light_on_the_command_line() -> None:
    """The command line starts without importing torch until a command needs it."""
    code = "import sys, ftl.cli.parser; ftl.cli.parser.build_parser(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
