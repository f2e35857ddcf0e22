"""A network picked for each task; proposals whose sweep is in another studio"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.drop_index("ix_proposals_job_id", "proposals")
    op.rename_table("proposals", "earlier_proposals")
    op.create_table(
        "proposals",
        sa.Column("image_id", sa.Integer(), sa.ForeignKey("images.id"), primary_key=True),
        sa.Column("job_id", sa.Integer(), sa.ForeignKey("jobs.id"), nullable=True),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=True),
        sa.Column("seen_by", sa.Integer(), sa.ForeignKey("users.id"), nullable=True),
    )
    op.execute("INSERT INTO proposals SELECT * FROM earlier_proposals")
    op.drop_table("earlier_proposals")
    op.create_index("ix_proposals_job_id", "proposals", ["job_id"])
    op.rename_table("picks", "earlier_picks")
    op.create_table(
        "picks",
        sa.Column("project_id", sa.Integer(), sa.ForeignKey("projects.id"), primary_key=True),
        sa.Column("task", sa.String(), primary_key=True),
        sa.Column("job_id", sa.Integer(), sa.ForeignKey("jobs.id"), nullable=False),
        sa.Column("candidate", sa.String(), nullable=False),
        sa.Column("chosen_by", sa.Integer(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
    )
    op.execute(
        "INSERT INTO picks (project_id, task, job_id, candidate, chosen_by, at) "
        "SELECT project_id, 'classify', job_id, candidate, chosen_by, at FROM earlier_picks"
    )
    op.drop_table("earlier_picks")
