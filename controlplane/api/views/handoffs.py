"""From what the queries found to the views of a hand-off and of costs."""

from controlplane.api.views.answers import iso
from controlplane.api.views.insight import (
    DecisionView,
    EarlierRunView,
    HandoffView,
    LatestWorkView,
    SavedStateView,
    TaskCostsView,
    ToolResultView,
)
from controlplane.queries.costs import TaskCosts
from controlplane.queries.handoff import Decision, EarlierRun, Handoff, LatestWork, SavedState, ToolResult


def handoff_view(packet: Handoff) -> HandoffView:
    return HandoffView(
        task_id=packet.task_id,
        ref=packet.ref,
        goal=packet.goal,
        brief=packet.brief,
        earlier=[_earlier(one) for one in packet.earlier],
        latest=_latest(packet.latest) if packet.latest else None,
        decisions=[_decision(one) for one in packet.decisions],
        open_questions=list(packet.open_questions),
        checkpoint=saved_view(packet.checkpoint) if packet.checkpoint else None,
        tool_results=[_result(one) for one in packet.tool_results],
        costs=costs_view(packet.costs),
    )


def costs_view(costs: TaskCosts) -> TaskCostsView:
    return TaskCostsView(
        total_nano_usd=costs.total_nano_usd,
        failed_nano_usd=costs.failed_nano_usd,
        waiting_nano_usd=costs.waiting_nano_usd,
        bound_nano_usd=costs.bound_nano_usd,
        runs=costs.runs,
        calls=costs.calls,
        unknown_calls=costs.unknown_calls,
    )


def saved_view(saved: SavedState) -> SavedStateView:
    return SavedStateView(
        run_id=saved.run_id, sha256=saved.sha256, size_bytes=saved.size_bytes, note=saved.note, at=iso(saved.at_ms)
    )


def _earlier(run: EarlierRun) -> EarlierRunView:
    return EarlierRunView(
        number=run.number, agent=run.agent, state=run.state, reason=run.reason, ended_at=iso(run.ended_at_ms)
    )


def _latest(work: LatestWork) -> LatestWorkView:
    return LatestWorkView(
        version=work.version,
        kind=work.kind,
        title=work.title,
        sha256=work.sha256,
        size_bytes=work.size_bytes,
        excerpt=work.excerpt,
    )


def _decision(decision: Decision) -> DecisionView:
    return DecisionView(
        kind=decision.kind, asked=decision.asked, said=decision.said, by=decision.by, at=iso(decision.at_ms)
    )


def _result(result: ToolResult) -> ToolResultView:
    return ToolResultView(
        call_id=result.call_id, label=result.label, tool=result.tool, excerpt=result.excerpt, at=iso(result.at_ms)
    )
