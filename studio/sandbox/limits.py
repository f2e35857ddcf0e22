"""What a child process may take, and what becomes of it elsewhere: no other file, no network, no second process."""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from studio.errors import StudioError


class Limits(NamedTuple):
    """What one child may take. `memory`, `output` (of each file that it writes): bytes, beyond what it starts with.

    `cpu`: seconds of computing for each answer; `wait`: seconds by the clock for each answer. `heavy`: whether it
    reads networks, for which PyTorch is imported.
    """

    memory: int
    output: int
    cpu: int
    wait: int
    heavy: bool


FILES = Limits(1536 * 2**20, 512 * 2**20, 60, 120, False)
"""For photographs, archives, masks and backups: a photograph of 100 megapixels is read with 1.2 GB."""

NETWORKS = Limits(3 * 2**30, 2**20, 60, 120, True)
"""For model files: VGG16 with its classifier, 0.5 GB, is there twice while it is read."""


class Refused(StudioError):  # noqa: N818  # noqa: N818
    """A child was ended because of what it was given: a limit was exceeded, or reading it crashed."""


def restrict(limits: Limits, folder: Path | None, reads: Sequence[Path]) -> None:
    """Take from this process what it need not have: it may write in `folder` and read `reads`, and open nothing else.

    Where the system knows no Landlock (Linux before 5.13), it can still open what its user can.
    """
    # counted from what it has: the size of libraries says nothing about a file
    data, everything = _now("VmData"), _now("VmSize")
    resource.setrlimit(resource.RLIMIT_DATA, 2 * (data + limits.memory,))
    resource.setrlimit(resource.RLIMIT_AS, 2 * (everything + limits.memory + 2**30,))
    resource.setrlimit(resource.RLIMIT_FSIZE, 2 * (limits.output,))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    tempfile.tempdir = str(folder or "/nowhere")
    _only_files(folder, reads)


def more_cpu(seconds: int) -> None:
    """Let this process compute for so many seconds from now; the system ends it after that."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, resource.RLIM_INFINITY))


def without_network() -> bool:
    """Put this process into a network of its own that has no way out. Returns whether the system allows it."""
    libc = ctypes.CDLL(None, use_errno=True)
    new_user, new_net = 0x10000000, 0x40000000  # from Linux' sched.h
    with suppress(AttributeError):
        if libc.unshare(new_net) == 0:
            return True
        user, group = os.getuid(), os.getgid()
        if libc.unshare(new_user | new_net) == 0:
            with suppress(OSError):  # so that files still belong to somebody
                Path("/proc/self/setgroups").write_text("deny")
                Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
                Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
            return True
    return False


def end_with_parent() -> None:
    """Have the system end this process when the one that started it ends."""
    with suppress(AttributeError):
        ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG, SIGKILL


def _now(key: str) -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(f"{key}:"))


_RULESET, _RULE, _RESTRICT = 444, 445, 446  # system calls of Landlock, the same on all processors
_READ = 0b1101  # execute, read files, read folders
_WRITE = 0b100101110 | 1 << 14  # write, read, list, remove and make plain files; no links, which others would follow
_ALL_OF_ABI = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}
_ON_FILES = 0b111 | 1 << 14 | 1 << 15  # the rights that a rule about a single file may grant
_TCP = 0b11  # bind and connect, from version 4 on

_SIGNALS = 0b11  # to processes outside, and their nameless sockets, from version 6 on


def _only_files(folder: Path | None, reads: Sequence[Path]) -> bool:
    """Close all files but the program's own, and those of `folder` and `reads`. Returns whether the system can."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_RULESET, None, 0, 1)
    if version < 1:
        return False
    every = _ALL_OF_ABI[min(version, 5)]
    asked = struct.pack("Q", every) + (struct.pack("Q", _TCP) if version >= 4 else b"")
    asked += struct.pack("Q", _SIGNALS) if version >= 6 else b""
    ruleset = libc.syscall(_RULESET, asked, len(asked), 0)
    if ruleset < 0:
        return False
    for path in (*_program(), *reads):
        _allow(libc, ruleset, path, _READ if path.is_dir() else _READ & _ON_FILES)
    _allow(libc, ruleset, Path("/dev/null"), every & _ON_FILES)
    if folder is not None:
        _allow(libc, ruleset, folder, every & _WRITE)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    done = libc.syscall(_RESTRICT, ruleset, 0) == 0
    os.close(ruleset)
    return bool(done)


def _program() -> Iterable[Path]:
    here = Path(__file__).parents[2]
    own = {here / "ftl", here / "studio", Path(sys.prefix), Path(sys.base_prefix) / "lib"}
    own |= {Path(one) for one in sys.path if one and Path(one) != here and Path(one).name == "site-packages"}
    return own | {Path("/usr/lib"), Path("/usr/lib64"), Path("/usr/share"), Path("/lib"), Path("/lib64")}


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    libc.syscall(_RULE, ruleset, 1, struct.pack("=Qi", rights, descriptor), 0)
    os.close(descriptor)
