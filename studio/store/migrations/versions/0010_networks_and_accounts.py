"""Networks of a sweep that were deleted; contents of the shared store that may go"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "deleted_networks",
        sa.Column("job_id", sa.Integer(), sa.ForeignKey("jobs.id"), primary_key=True),
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("deleted_at", sa.Double(), nullable=False),
        sa.Column("deleted_by", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "unneeded",
        sa.Column("sha256", sa.String(), primary_key=True),
        sa.Column("tree", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
