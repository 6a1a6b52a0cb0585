"""Who may say what of a task, and while it is where: the model's own table."""

from controlplane.domain import commands as asked
from controlplane.domain.state import ActorKind, TaskStatus

S = TaskStatus
OPEN = {S.BACKLOG, S.READY, S.IN_PROGRESS, S.IN_REVIEW}
CLOSED = {S.DONE, S.FAILED, S.CANCELLED}
PERSON, AGENT, SYSTEM = ActorKind.PERSON, ActorKind.AGENT, ActorKind.SYSTEM
OF_BLOCKERS = {"blocker_failed", "blocker_cancelled"}

# Who may say it, and while the task is where.
MAY: dict[type, tuple[set[ActorKind], set[TaskStatus]]] = {
    asked.EditTask: ({PERSON}, OPEN),
    asked.MoveTask: ({PERSON}, {S.BACKLOG, S.READY, S.IN_PROGRESS}),
    asked.AssignTask: ({PERSON}, {S.BACKLOG, S.READY, S.IN_PROGRESS}),
    asked.ClaimTask: ({AGENT, SYSTEM}, {S.READY, S.IN_PROGRESS}),
    asked.ReleaseRun: ({AGENT, SYSTEM}, {S.IN_PROGRESS}),
    asked.FailRun: ({AGENT, SYSTEM}, {S.IN_PROGRESS}),
    asked.LoseRun: ({SYSTEM}, {S.IN_PROGRESS}),
    asked.ResumeRun: ({AGENT, SYSTEM}, {S.READY, S.IN_PROGRESS}),
    asked.SubmitDeliverable: ({AGENT, SYSTEM}, {S.READY, S.IN_PROGRESS}),
    asked.AdoptLate: ({PERSON}, OPEN),
    asked.ReviewDeliverable: ({PERSON, AGENT}, {S.IN_REVIEW}),
    asked.SetReview: ({PERSON}, OPEN),
    asked.AskQuestion: ({AGENT, SYSTEM}, {S.IN_PROGRESS}),
    asked.AnswerQuestion: ({PERSON}, {S.IN_PROGRESS}),
    asked.ExpireQuestion: ({SYSTEM}, {S.IN_PROGRESS}),
    asked.HoldTask: ({PERSON, SYSTEM}, OPEN),
    asked.LiftHold: ({PERSON, SYSTEM}, OPEN),
    asked.NudgeRun: ({PERSON}, {S.IN_PROGRESS}),
    asked.RestartRun: ({PERSON}, {S.READY, S.IN_PROGRESS}),
    asked.GiveHelp: ({PERSON}, OPEN),
    asked.AddBlockers: ({PERSON, AGENT, SYSTEM}, OPEN),
    asked.RemoveBlocker: ({PERSON}, OPEN),
    asked.ResolveBlocker: ({SYSTEM}, OPEN),
    asked.CancelTask: ({PERSON}, OPEN),
    asked.FailTask: ({PERSON}, OPEN),
    asked.CompleteTask: ({PERSON}, OPEN - {S.BACKLOG}),
    asked.ReopenTask: ({PERSON}, CLOSED),
}
