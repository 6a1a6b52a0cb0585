"""What people, agents and the system might say of a task as they see it, for tests that draw from it."""

from controlplane.domain import commands as asked
from controlplane.domain.commands import Command
from controlplane.domain.state import Actor, ActorKind, HoldKind, ReviewRule, Run, TaskState, TaskStatus

MAYA = Actor(ActorKind.PERSON, "u_maya", "Maya")
NOOR = Actor(ActorKind.PERSON, "u_noor", "Noor")
ONE = Actor(ActorKind.AGENT, "a_1", "one")
TWO = Actor(ActorKind.AGENT, "a_2", "two")
SYSTEM = Actor(ActorKind.SYSTEM, "workers", "Pointsman")

Said = tuple[Command, Actor]


def claims(state: TaskState, count: int) -> list[Said]:
    """By the agent that it is assigned to, or by each."""
    agents = [agent for agent in (ONE, TWO) if state.agent_id in {None, agent.id}]
    return [(asked.ClaimTask(agent.id, f"r_{count}"), agent) for agent in agents]


def words_that_end(run: Run, *, others_are_able: bool = True) -> list[Said]:
    """Without a deliverable; mostly by silence."""
    lose = (asked.LoseRun(run.run_id, run.epoch, "", others_are_able), SYSTEM)
    return [
        lose,
        lose,
        (asked.FailRun(run.run_id, run.epoch, "exception"), ONE),
        (asked.ReleaseRun(run.run_id, run.epoch), ONE),
    ]


def words_of_agents(state: TaskState, count: int) -> list[Said]:
    """What makes sense now."""
    said = claims(state, count) if state.is_claimable else []
    run = state.live_run or state.resumable_run
    if run is not None:
        said += [(asked.SubmitDeliverable(run.run_id, run.epoch, f"sha_{count}", 1), ONE)]
    if state.live_run is None and run is not None:
        said += [(asked.ResumeRun(run.run_id, run.epoch), ONE)]
    if state.live_run is not None:
        said += words_that_end(state.live_run)
        said += [(asked.ReleaseRun(state.live_run.run_id, state.live_run.epoch, waits_for="the vendor"), ONE)]
        said += [
            (asked.AskQuestion(state.live_run.run_id, state.live_run.epoch, f"q_{count}", "?", kind), ONE)
            for kind in ("text", "approval")
        ]
    if state.question is not None:
        said += [(asked.ExpireQuestion(state.question.question_id), SYSTEM)]
    return said


def words_of_people(state: TaskState, count: int) -> list[Said]:
    """What makes sense now, and a few things that might be said at any time."""
    said: list[Said] = [
        (asked.EditTask(title="y"), MAYA),
        (asked.EditTask(priority=1), MAYA),
        (asked.AddBlockers(("t_2",)), NOOR),
        (asked.AddBlockers(("t_3", "t_2")), NOOR),
        (asked.RestartRun(from_checkpoint=count % 2 == 0), MAYA),
        (asked.NudgeRun("Look."), NOOR),
        (asked.SetReview(ReviewRule()), MAYA),
        (asked.SetReview(ReviewRule(needed=2)), NOOR),
        (asked.SetReview(ReviewRule((MAYA, ONE), 1)), NOOR),
    ]
    said += [(asked.AssignTask(agent_id), MAYA) for agent_id in (None, "a_1", "a_2")]
    said += [(asked.HoldTask(kind, "because"), NOOR) for kind in (HoldKind.OPERATOR, HoldKind.FREEZE)]
    said += [(asked.LiftHold(HoldKind(kind)), MAYA) for kind in state.holds] * 2
    said += [(asked.RemoveBlocker(task_id), MAYA) for task_id in state.blockers] * 2
    said += [(asked.AdoptLate(run.run_id, run.agent_id, f"late_{count % 3}", 1), MAYA) for run in state.runs[-2:]]
    if state.question is not None:
        value = True if state.question.kind == "approval" else None
        said += [(asked.AnswerQuestion(state.question.question_id, "Yes.", value), who) for who in (MAYA, NOOR)]
    if state.needs_human:
        said += [(asked.GiveHelp(), MAYA)] * 3
    ways = {TaskStatus.BACKLOG: TaskStatus.READY, TaskStatus.READY: TaskStatus.BACKLOG}
    said += [(asked.MoveTask(ways.get(state.status, TaskStatus.READY)), MAYA)]
    if state.is_closed:
        return [*said, *[(asked.ReopenTask(), NOOR)] * 12]
    return [*said, (asked.CancelTask(), MAYA), (asked.FailTask(), MAYA), (asked.CompleteTask(), MAYA)]


def words_that_help(state: TaskState) -> list[Said]:
    """What brings the task nearer to its end."""
    if state.is_closed:
        return [(asked.ReopenTask(), NOOR)]
    said: list[Said] = [(asked.LiftHold(HoldKind(kind)), MAYA) for kind in state.holds]
    said += [(asked.RemoveBlocker(task_id), MAYA) for task_id in state.open_blockers]
    if state.needs_human:
        said += [(asked.GiveHelp(), MAYA)]
    if state.question is not None and state.question.is_open:
        value = True if state.question.kind == "approval" else None
        said += [(asked.AnswerQuestion(state.question.question_id, "Yes.", value), MAYA)]
    if state.status is TaskStatus.BACKLOG:
        said += [(asked.MoveTask(TaskStatus.READY), MAYA)]
    if state.status is TaskStatus.IN_REVIEW:
        verdict = asked.ReviewDeliverable(state.deliverables[-1].version, "request_changes", "Shorter")
        said += [(verdict, who) for who in (MAYA, NOOR)]
    return said


def mistakes(state: TaskState, count: int, off: int) -> list[Said]:
    """What does not fit: another run or epoch, a used id, a question long answered, an edge to itself."""
    run = state.runs[-1] if state.runs else None
    run_id, epoch = (run.run_id, run.epoch + off) if run else ("r_none", 1)
    return [
        (asked.ClaimTask("a_1", run_id), ONE),
        (asked.ClaimTask("a_2", f"r_{count}"), TWO),
        (asked.ReleaseRun(run_id, epoch), ONE),
        (asked.FailRun(run_id, epoch, "exception"), ONE),
        (asked.LoseRun(run_id, epoch), SYSTEM),
        (asked.ResumeRun(run_id, epoch), ONE),
        (asked.SubmitDeliverable(run_id, epoch, f"sha_{count}", 1), ONE),
        (asked.AskQuestion(run_id, epoch, f"q_{count}", "?"), ONE),
        (asked.AnswerQuestion("q_0", "Yes."), MAYA),
        (asked.ExpireQuestion("q_0"), SYSTEM),
        (asked.AddBlockers(("t_1",)), MAYA),
        (asked.RemoveBlocker("t_7"), MAYA),
        (asked.ResolveBlocker("t_7", "done"), SYSTEM),
        (asked.AdoptLate("r_old", "a_1", "late", 1), MAYA),
        (asked.GiveHelp(), MAYA),
        (asked.ReopenTask(), MAYA),
        *((asked.MoveTask(to), MAYA) for to in TaskStatus),
        *((asked.LiftHold(kind), MAYA) for kind in HoldKind),
    ]
