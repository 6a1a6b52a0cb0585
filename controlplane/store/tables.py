"""Tables of the control database. Times are UTC milliseconds, money is nano-USD, `workspace_id` stands on every row.

Who writes: `projections/` writes tasks, runs, edges, deliverables, verdicts, events (guarded by execution id and
revision); commands write people, agents, keys, comments, beats, freezes, uploads, checkpoints, recurring tasks; the API
writes what it answered; the recorder writes roll-ups of usage; the watch writes signals and incidents.
"""

from controlplane.store.base import CONTROL_METADATA, ControlTable
from controlplane.store.people_tables import (
    Agent,
    AgentTemplate,
    Key,
    Project,
    Session,
    SignInLink,
    SignInTry,
    Team,
    TeamMember,
    User,
    Workspace,
)
from controlplane.store.request_tables import AnsweredRequest
from controlplane.store.talk_tables import (
    AgentNote,
    Checkpoint,
    Comment,
    Directive,
    Freeze,
    LateDeliverable,
    Notice,
    Upload,
)
from controlplane.store.task_tables import (
    DeliverableRow,
    EdgeReservation,
    Occurrence,
    RecurringTask,
    Run,
    Task,
    TaskEdge,
    TaskEvent,
    TaskNumber,
    Verdict,
)
from controlplane.store.watch_tables import (
    Incident,
    Leader,
    Outbox,
    Process,
    RunUsage,
    Signal,
)

__all__ = [
    "CONTROL_METADATA",
    "Agent",
    "AgentNote",
    "AgentTemplate",
    "AnsweredRequest",
    "Checkpoint",
    "Comment",
    "ControlTable",
    "DeliverableRow",
    "Directive",
    "EdgeReservation",
    "Freeze",
    "Incident",
    "Key",
    "LateDeliverable",
    "Leader",
    "Notice",
    "Occurrence",
    "Outbox",
    "Process",
    "Project",
    "RecurringTask",
    "Run",
    "RunUsage",
    "Session",
    "SignInLink",
    "SignInTry",
    "Signal",
    "Task",
    "TaskEdge",
    "TaskEvent",
    "TaskNumber",
    "Team",
    "TeamMember",
    "Upload",
    "User",
    "Verdict",
    "Workspace",
]
