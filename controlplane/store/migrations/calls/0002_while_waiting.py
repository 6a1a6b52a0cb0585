"""Mark calls that were made while waiting."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.add_column(sa.Column("while_waiting", sa.Boolean(), nullable=False, server_default=sa.false()))
