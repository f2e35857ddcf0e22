"""Find a Chromium for the browser tests; install one where that is possible; else say plainly what is left out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SHELL = "chromium-headless-shell"

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def find() -> str | None:
    """Path of a Chromium that is there, Debian's first, then Playwright's own.

    A headless shell goes before a whole browser, whose windows are drawn though nobody sees them: a page takes a sixth
    less of the processor, the first one in a new context a fifth less.
    """
    for name in (SHELL, "chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))
    for pattern in ("chromium_headless_shell-*/*/*headless?shell", "chromium-*/chrome-linux*/chrome"):
        for file in sorted(cache.glob(pattern)):
            return str(file)
    return None


def install() -> None:
    """Debian's packages as root, else Playwright's own download. Failing is no error here."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        get = "apt-get install -qy --no-install-recommends"
        subprocess.run(f"apt-get update -q && {{ {get} {SHELL} || {get} chromium; }}", shell=True)
    if find() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"])


if __name__ == "__main__":
    if shutil.which(SHELL) is None:
        install()
    print(f"browser: {find() or 'none could be installed, so the tests in tests/e2e are left out'}")
