"""HDF5 files from strangers, opened safely: none leads to another file, or unpacks to more than it holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import h5py

from ftl.errors import FtlError

_MOST_TIMES = 100  # trained weights hardly shrink
_FREE = 2**20  # bytes that may be claimed and not be there, as of arrays that nobody ever wrote to
_MOST_OBJECTS = 100_000
_FILTERS = frozenset({1, 2, 3, 32000})  # gzip, shuffle, checksums and lzf: any other is code that the file asks for


@contextmanager
def open_hdf5(path: str | Path) -> Iterator[h5py.File]:
    """Open a file for reading, once all that is in it is known to be in it.

    Raises:
        FtlError: a dataset with external storage, a virtual dataset, a link to another file, a filter that is a
            plug-in, or an array that claims to be much larger than what the file holds of it.
        OSError: the file is missing, or no HDF5.
    """
    with h5py.File(path, "r") as file:
        _check(file, Path(path))
        yield file


def _check(file: h5py.File, path: Path) -> None:
    size = path.stat().st_size
    claimed, seen, left = 0, set[int](), [h5py.Group(file.id)]
    while left:
        group = left.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.SoftLink):
                continue  # it can only lead to what is looked at here
            if not isinstance(link, h5py.HardLink):
                raise FtlError(f"{path}: {name} is a link to another file, which is never followed: copy it in")
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > _MOST_OBJECTS:
                raise FtlError(f"{path} holds more than {_MOST_OBJECTS:,} objects: it is no file of weights")
            if isinstance(item, h5py.Group):
                left.append(item)
            elif isinstance(item, h5py.Dataset):
                claimed += _bytes(item, size, f"{path}: dataset {item.name}")
    if claimed > _MOST_TIMES * size + _FREE:
        raise FtlError(f"{path} claims {claimed:,} bytes and has {size:,}: it is damaged, save it again")


def _bytes(item: h5py.Dataset, size: int, place: str) -> int:
    """What a dataset takes in memory, in bytes. Raises `FtlError` for one that is not in its file."""
    made = item.id.get_create_plist()  # asked before the shape, for which a virtual dataset opens its sources
    if made.get_external_count():
        raise FtlError(f"{place} has its numbers in another file, which is never read: save the weights into one file")
    if made.get_layout() == h5py.h5d.VIRTUAL:
        raise FtlError(
            f"{place} is put together from other files, which are never read: save the weights into one file"
        )
    if not {made.get_filter(index)[0] for index in range(made.get_nfilters())} <= _FILTERS:
        raise FtlError(f"{place} is packed by a plug-in, which is never run: save it with gzip, or unpacked")
    claimed = prod(item.shape or (1,)) * item.dtype.itemsize
    if claimed > _MOST_TIMES * min(item.id.get_storage_size(), size) + _FREE:
        raise FtlError(f"{place} claims {claimed:,} bytes, which the file does not hold: save it again")
    return claimed
