"""How Alembic reaches the studio's database."""

from alembic import context

from studio.store.database import engine
from studio.store.tables import Base

with engine().execution_options(writes=True).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
