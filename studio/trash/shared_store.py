"""Removing from the shared store (`STUDIO_STORE`) what nothing needs any more.

Its files are named by their content, so one of them may be a photograph of two projects and of a sweep's data set. What
may go is noted in the transaction that removes the rows (`leave`), and goes later, once no job runs (`sweep_out`).
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as Database

from ftl.sweeping.store import remove
from studio.jobs.queue import UNFINISHED
from studio.store import files, shared_store
from studio.store.database import reading, writing
from studio.store.tables import BackboneFile, Image, Job, Unneeded

_NEW_SECONDS = 3600
"""A photograph that this machine was given so recently is spared: another image may be about to need it."""


def leave(db: Database, contents: Collection[str], *, trees: bool = False) -> None:
    """Note contents, or with `trees` whole folders, that may go with that transaction, if there is a store."""
    if shared_store.address():
        for sha256 in contents:
            db.merge(Unneeded(sha256=sha256, tree=trees))


def pending() -> bool:
    """Whether something waits to be removed from the store that there is."""
    with reading() as db:
        return shared_store.address() is not None and bool(db.scalar(select(func.count()).select_from(Unneeded)))


def sweep_out(now: float) -> None:
    """Remove what may go and is not needed, unless a job runs. Raises `FtlError` where the store does not answer."""
    store = shared_store.address()
    with reading(trash=True) as db:
        if store is None or db.scalar(select(Job.id).where(Job.state.in_(UNFINISHED)).limit(1)) is not None:
            return
        noted = list(db.scalars(select(Unneeded)))
        trees = set(db.scalars(select(Job.tree).where(Job.tree.is_not(None))))
        needed = set(db.scalars(select(Image.sha256))) | set(db.scalars(select(BackboneFile.sha256)))
    for tree in trees:
        needed |= {str(tree), *(shared_store.contents_of(str(tree)) or {}).values()}
    for row in noted:
        named = set((shared_store.contents_of(row.sha256) or {}).values()) if row.tree else set()
        spared = {one for one in named | {row.sha256} if _is_new(one, now)}
        for sha256 in sorted(named - needed - spared):
            remove(store, sha256)
        if row.sha256 not in needed | spared:
            remove(store, row.sha256)  # a tree goes last: without it nobody knows what it names
        if not spared:
            with writing() as db:
                db.execute(delete(Unneeded).where(Unneeded.sha256 == row.sha256))


def _is_new(sha256: str, now: float) -> bool:
    here = files.files_of(sha256)[0]
    return here.is_file() and here.stat().st_mtime > now - _NEW_SECONDS
