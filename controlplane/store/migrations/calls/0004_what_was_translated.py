"""Keep in which dialect the provider was asked, and what of the request it could not be told."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    with op.batch_alter_table("calls", schema=None) as batch_op:
        for name in ("asked_dialect", "dropped"):
            batch_op.add_column(sa.Column(name, sa.String(), nullable=False, server_default=""))
