"""What all runs of one task have used together, and what of them is still on its way out."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.queries.calls import CallRow
from controlplane.queries.costs import FAILED
from controlplane.queries.rows import USAGE, first_row
from controlplane.queries.runs import RunView


@dataclass(frozen=True, slots=True)
class UsageView:
    """Sums over all runs."""

    calls: int = 0
    tool_calls: int = 0
    errors: int = 0
    unknown_calls: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cost_nano_usd: int = 0
    live_cost_nano_usd: int = 0
    bound_nano_usd: int = 0


@dataclass(frozen=True, slots=True)
class Stopping:
    """A run that is over, with a call of it still in flight: its key is dead, its bytes are not yet."""

    run: RunView
    since_ms: int
    model: str


async def usage_of(session: AsyncSession, task_id: str) -> UsageView:
    """The sums; all zero before the first call."""
    sums = [func.coalesce(func.sum(USAGE.c[name]), 0).label(name) for name in UsageView.__dataclass_fields__]
    row = await first_row(session, select(*sums).where(USAGE.c.task_id == task_id))
    return UsageView(*row) if row else UsageView()


def stopping_of(runs: tuple[RunView, ...], calls: tuple[CallRow, ...]) -> Stopping | None:
    """The oldest call in flight of a run that lost its task."""
    ended = {run.run_id: run for run in runs if not run.is_live and run.state in FAILED}
    flying = [call for call in calls if call.is_live and call.run_id in ended]
    if not flying:
        return None
    oldest = min(flying, key=lambda call: call.started_at_ms)
    return Stopping(ended[oldest.run_id or ""], oldest.started_at_ms, oldest.model)
