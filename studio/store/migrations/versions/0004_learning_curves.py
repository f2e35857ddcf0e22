"""Learning curves of fine-tuned candidates"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("candidates", sa.Column("curve", sa.JSON(), nullable=False, server_default="[]"))
