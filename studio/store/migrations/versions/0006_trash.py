"""Trash: projects, images, jobs and backbones that were deleted can be restored for a while; projects are archived"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0009"


def upgrade() -> None:
    for table in ("projects", "images", "jobs", "backbones"):
        op.add_column(table, sa.Column("deleted_at", sa.Double(), nullable=True))
        op.add_column(table, sa.Column("deleted_by", sa.Integer(), nullable=True))
    op.add_column("projects", sa.Column("archived_at", sa.Double(), nullable=True))
