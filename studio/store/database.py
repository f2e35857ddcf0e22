"""The database: SQLite in WAL mode in the home folder, or that of `STUDIO_DATABASE`, brought to the newest tables."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.orm.util import LoaderCriteriaOption

from studio.store.home import home
from studio.store.tables import Deletable

_MIGRATIONS = Path(__file__).parent / "migrations"


@cache
def _engine(address: str) -> Engine:
    if not address.startswith("sqlite"):
        return create_engine(address, pool_pre_ping=True)
    engine = create_engine(address, connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        # a writer takes its turn at once: a reader that turns writer can be refused
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def engine() -> Engine:
    """The database of `STUDIO_DATABASE` (SQLAlchemy's URL, as postgresql+psycopg://...), else the home folder's."""
    return _engine(os.environ.get("STUDIO_DATABASE") or f"sqlite:///{home() / 'studio.db'}")


@contextmanager
def reading(*, trash: bool = False) -> Iterator[Session]:
    """A session that only reads; its objects can be used after it. `trash`: it finds what was deleted as well."""
    with Session(engine(), expire_on_commit=False, info={"trash": trash}) as session:
        yield session


@contextmanager
def writing(*, trash: bool = False) -> Iterator[Session]:
    """A session whose changes are on disk, all of them, once the block ends without error; else none is.

    `trash`: it finds what was deleted as well.
    """
    with (
        Session(engine().execution_options(writes=True), expire_on_commit=False, info={"trash": trash}) as session,
        session.begin(),
    ):
        yield session


@event.listens_for(Session, "do_orm_execute")
def _leave_the_trash_out(state: ORMExecuteState) -> None:
    """No query that does not ask for it finds what was deleted, whether it names the table or joins it."""
    if (state.is_select or state.is_update) and not state.is_column_load and not state.session.info.get("trash"):
        state.statement = state.statement.options(*_not_deleted())


@cache
def _not_deleted() -> list[LoaderCriteriaOption]:
    tables = Deletable.__subclasses__()
    return [with_loader_criteria(table, table.deleted_at.is_(None), include_aliases=True) for table in tables]


def migrate() -> None:
    """Bring the tables to the newest revision; one process does, others wait."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with FileLock(home() / ".migrate.lock"):
        command.upgrade(config, "head")
