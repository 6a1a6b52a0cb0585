"""Make the tables of the calls database."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "call_attempts",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.String(), nullable=False),
        sa.Column("total_us", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "number", name=op.f("pk_call_attempts")),
    )
    op.create_table(
        "call_bodies",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("response", sa.Text(), nullable=True),
        sa.Column("is_cut", sa.Boolean(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("kept_until_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_call_bodies")),
    )
    with op.batch_alter_table("call_bodies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_call_bodies_kept_until_ns"), ["kept_until_ns"], unique=False)

    op.create_table(
        "calls",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("started_at_ns", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ns", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=True),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("task_id", sa.String(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("dialect", sa.String(), nullable=False),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("is_stream", sa.Boolean(), nullable=False),
        sa.Column("is_simulated", sa.Boolean(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("writer", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("upstream_status", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.String(), nullable=False),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("cache_read_tokens", sa.Integer(), nullable=False),
        sa.Column("cache_write_5m_tokens", sa.Integer(), nullable=False),
        sa.Column("cache_write_1h_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.Column("reasoning_tokens", sa.Integer(), nullable=False),
        sa.Column("is_usage_estimated", sa.Boolean(), nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger(), nullable=False),
        sa.Column("cost_bound_nano_usd", sa.BigInteger(), nullable=False),
        sa.Column("live_output_tokens", sa.Integer(), nullable=False),
        sa.Column("live_cost_nano_usd", sa.BigInteger(), nullable=False),
        sa.Column("is_priced", sa.Boolean(), nullable=False),
        sa.Column("price_source", sa.String(), nullable=False),
        sa.Column("stop_reason", sa.String(), nullable=False),
        sa.Column("response_model", sa.String(), nullable=False),
        sa.Column("response_id", sa.String(), nullable=False),
        sa.Column("response_digest", sa.String(), nullable=False),
        sa.Column("queue_us", sa.Integer(), nullable=False),
        sa.Column("connect_us", sa.Integer(), nullable=False),
        sa.Column("first_byte_us", sa.Integer(), nullable=False),
        sa.Column("total_us", sa.Integer(), nullable=False),
        sa.Column("request_bytes", sa.Integer(), nullable=False),
        sa.Column("response_bytes", sa.Integer(), nullable=False),
        sa.Column("after_revocation", sa.Boolean(), nullable=False),
        sa.Column("replay_of", sa.String(), nullable=False),
        sa.Column("traceparent", sa.String(), nullable=False),
        sa.Column("span_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_calls")),
    )
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.create_index(
            "ix_calls_in_flight",
            ["writer"],
            unique=False,
            sqlite_where=sa.text("outcome = ''"),
            postgresql_where=sa.text("outcome = ''"),
        )
        batch_op.create_index("ix_calls_run", ["run_id", "started_at_ns"], unique=False)
        batch_op.create_index("ix_calls_started", ["workspace_id", "started_at_ns"], unique=False)
        batch_op.create_index("ix_calls_task", ["task_id", "started_at_ns"], unique=False)

    op.create_table(
        "spool_positions",
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("segment", name=op.f("pk_spool_positions")),
    )
    op.create_table(
        "stale_rollups",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_stale_rollups")),
    )
