"""Keep when a stream's first token was passed on."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.add_column(sa.Column("first_token_us", sa.Integer(), nullable=False, server_default="0"))
