"""Accounts: deactivation, sessions by browser, API tokens, reset links, single-use tickets, sign-in delays"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("users", sa.Column("deactivated_at", sa.Double(), nullable=True))
    op.add_column("sessions", sa.Column("created_at", sa.Double(), nullable=False, server_default="0"))
    op.add_column("sessions", sa.Column("seen_at", sa.Double(), nullable=False, server_default="0"))
    op.add_column("sessions", sa.Column("browser", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False, unique=True),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("project_id", sa.Integer(), sa.ForeignKey("projects.id"), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False, server_default="0"),
    )
    op.create_index("ix_api_tokens_user_id", "api_tokens", ["user_id"])
    op.create_table(
        "password_resets",
        sa.Column("token_hash", sa.String(), primary_key=True),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
    )
    op.create_table(
        "used_once",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("expires_at", sa.Double(), nullable=False),
    )
    op.drop_table("attempts")
    op.create_table(
        "sign_in_delays",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("address", sa.String(), primary_key=True),
        sa.Column("level", sa.Double(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
    )
