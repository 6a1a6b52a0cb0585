"""Keep all that has a price, so that a call can be priced again, and what its provider billed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

COUNTS = (
    "audio_input_tokens", "audio_output_tokens", "image_input_tokens", "image_output_tokens",
    "audio_cache_read_tokens", "citation_tokens", "searches",
)  # fmt: skip


def upgrade() -> None:
    with op.batch_alter_table("calls", schema=None) as batch_op:
        for name in COUNTS:
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("billed_nano_usd", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("computed_nano_usd", sa.BigInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("service_tier", sa.String(), nullable=False, server_default=""))
    op.execute("UPDATE calls SET computed_nano_usd = cost_nano_usd WHERE is_priced")
