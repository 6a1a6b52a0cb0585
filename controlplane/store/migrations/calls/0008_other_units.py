"""Keep what a call is paid for beside tokens: sound by its length, characters, pages, searches in files."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.add_column(sa.Column("units", sa.String(), nullable=False, server_default=""))
