"""Whether reviewers may accept their own work; who said a comment as a reviewer, and to whom"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("projects", sa.Column("accept_own", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("comments") as comments:
        comments.add_column(sa.Column("by_reviewer", sa.Boolean(), nullable=False, server_default=sa.false()))
        comments.add_column(sa.Column("to_id", sa.Integer(), sa.ForeignKey("users.id", name="comments_to")))
    op.execute(
        "UPDATE comments SET by_reviewer = true WHERE EXISTS (SELECT 1 FROM images JOIN members "
        "ON members.project_id = images.project_id WHERE images.id = comments.image_id "
        "AND members.user_id = comments.author_id AND members.role IN ('reviewer', 'admin'))"
    )
