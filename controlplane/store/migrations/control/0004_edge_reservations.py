"""Let each request for an edge hold it by itself, so that none gives away what another one still asks for."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "edge_reservations",
        sa.Column("command_id", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("blocker_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("command_id", "task_id", "blocker_id", name=op.f("pk_edge_reservations")),
    )
    op.execute("DELETE FROM task_edges WHERE tentative_until_ms IS NOT NULL")
    with op.batch_alter_table("task_edges", schema=None) as batch_op:
        batch_op.drop_column("tentative_until_ms")
