"""What is observed: usage, signals, incidents, our own processes, and the outbox that tells of all change."""

from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, Integer
from sqlmodel import Field

from controlplane.store.base import ControlTable, big, json_column


class Signal(ControlTable, table=True):
    """What the watch found out about a task by the clock. Absent: nothing to say."""

    __tablename__ = "signals"
    task_id: str = Field(primary_key=True)
    workspace_id: str
    signal: str  # stuck | watch
    reason: str
    since_ms: int = big()
    evidence: dict[str, Any] = json_column(default_factory=dict)


class RunUsage(ControlTable, table=True):
    """What a run has used, set absolutely by the recorder from the calls, so that writing it twice changes nothing."""

    __tablename__ = "run_usage"
    run_id: str = Field(primary_key=True)
    workspace_id: str
    task_id: str = Field(index=True)
    agent_id: str | None = None
    calls: int = 0
    tool_calls: int = 0
    errors: int = 0
    unknown_calls: int = 0
    input_tokens: int = big(default=0)
    cache_read_tokens: int = big(default=0)
    cache_write_tokens: int = big(default=0)
    output_tokens: int = big(default=0)
    cost_nano_usd: int = big(default=0)
    wait_cost_nano_usd: int = big(default=0)  # of the cost: calls begun while its task was blocked or it waited
    live_cost_nano_usd: int = big(default=0)  # estimate for calls in flight
    live_calls: int = 0
    bound_nano_usd: int = big(default=0)  # upper bound of unknown calls
    substate: str = ""  # thinking | writing | tool: NAME, of the call in flight
    is_simulated: bool = False
    last_call_at_ms: int | None = big(default=None)


class Outbox(ControlTable, table=True):
    """Every change that somebody may wait for, in order. Readers remember the last `seq` they saw."""

    __tablename__ = "outbox"
    __table_args__: ClassVar[dict[str, object]] = {"sqlite_autoincrement": True}
    seq: int | None = Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    )
    workspace_id: str
    topic: str  # task | run | usage | signal | comment | notice | note | agent | key | freeze | incident | process
    subject_id: str  # the task's, agent's, key's … id
    at_ms: int = big()


class Process(ControlTable, table=True):
    """Our processes, as they last said of themselves; `confirm_loss` forgives what they could not hear."""

    __tablename__ = "processes"
    name: str = Field(primary_key=True)  # web | proxy | recorder | workers | temporal
    pid: int
    started_at_ms: int = big()
    alive_at_ms: int = big()
    died_at_ms: int | None = big(default=None)  # said by the supervisor, forgotten at its next start


class Leader(ControlTable, table=True):
    __tablename__ = "leaders"
    role: str = Field(primary_key=True)
    holder: str
    until_ms: int = big()


class Incident(ControlTable, table=True):
    """Many agents lost at once: one event, one alarm. `subject_ids` are the runs; open while `ended_at_ms` is NULL."""

    __tablename__ = "incidents"
    incident_id: str = Field(primary_key=True)
    workspace_id: str = Field(index=True)
    kind: str  # agents_lost
    text: str
    subject_ids: list[str] = json_column(default_factory=list)
    started_at_ms: int = big()
    updated_at_ms: int = big()
    ended_at_ms: int | None = big(default=None)
