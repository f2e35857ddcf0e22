"""The one folder that holds everything: database, images, sweeps, secret."""

from __future__ import annotations

import os
import resource
import secrets
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from platformdirs import user_data_dir


def keep_private() -> None:
    """From here on this process and those that it starts make files and folders for their owner alone."""
    os.umask(0o077)


def close_to_others() -> None:
    """Take from everybody but the owner what a copy of the home folder left open."""
    for folder, names, files in os.walk(home()):
        for path in (Path(folder), *(Path(folder, name) for name in [*names, *files])):
            with suppress(OSError):  # it went meanwhile, or is somebody else's
                mode = stat.S_IMODE(path.lstat().st_mode)
                if mode & 0o077 and not path.is_symlink():
                    path.chmod(mode & 0o700)


def home() -> Path:
    """`STUDIO_HOME`, else the user's data directory; made if it is not there."""
    folder = Path(os.environ.get("STUDIO_HOME") or user_data_dir("ftl-studio")).expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


SCRATCH = ".upload-"
"""How folders begin that hold what is not checked yet."""


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder in the home folder for what is not checked yet."""
    return tempfile.TemporaryDirectory(dir=home(), prefix=SCRATCH)


def allow_open_files() -> None:
    """Let this process hold as many files open as the system allows: an upload is a file each until it is read."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@cache
def secret() -> bytes:
    """The key that signs cookies, 32 random bytes, made at the first start and readable by its owner alone."""
    file = home() / "secret.key"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_bytes()
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(secrets.token_bytes(32))
        handle.flush()
        os.fsync(handle.fileno())
    return file.read_bytes()
