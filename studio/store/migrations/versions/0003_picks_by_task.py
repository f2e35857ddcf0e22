"""A network picked for each task; proposals whose sweep is in another studio"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("proposals") as table:
        table.alter_column("job_id", existing_type=sa.Integer(), nullable=True)
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
