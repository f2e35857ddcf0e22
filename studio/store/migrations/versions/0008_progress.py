"""Progress: the share of a job that is done, what it should take, unstable times, who was told, webhooks"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("share", sa.Double(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("seconds", sa.Double(), nullable=True))
    op.add_column("jobs", sa.Column("unstable", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("told", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("projects", sa.Column("webhook", sa.String(), nullable=False, server_default=""))
