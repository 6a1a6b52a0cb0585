"""What a task should do, said a second time and in another way: one mutable object, no events, no tables.

`Model.hear` answers with what becomes of a command. It knows nothing of `decide` and `evolve`; where both agree after
any sequence of commands, each is a check of the other.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from controlplane.domain import commands as asked
from controlplane.domain.commands import Envelope
from controlplane.domain.state import Actor, ReviewRule, TaskStatus
from tests.unit.controlplane.domain.model_table import CLOSED, MAY, OF_BLOCKERS, PERSON, S

HOUR_MS = 3_600_000


class Heard(Enum):
    """What became of a command."""

    ACCEPTED = "accepted"
    NOTHING_NEW = "nothing new"
    REFUSED = "refused"


class No(Exception):  # noqa: N818
    """The command is refused."""


class Nothing(Exception):  # noqa: N818
    """The command is fine, and changes nothing."""


@dataclass
class Attempt:
    """A run, while it matters."""

    run_id: str
    epoch: int
    agent_id: str
    begun_ms: int


@dataclass
class Model:
    """The task."""

    status: TaskStatus
    blockers: dict[str, str]
    heard: dict[str, int] = field(default_factory=dict)  # of each blocker, the revision
    now: int = 0
    revision: int = 1
    epoch: int = 0
    live: Attempt | None = None
    lost: Attempt | None = None  # the last run, while it may come back
    lost_at: dict[str, int] = field(default_factory=dict)  # runs that ended so, and when
    begun: list[Attempt] = field(default_factory=list)
    assigned: str | None = None
    holds: dict[str, str] = field(default_factory=dict)
    question: str | None = None  # open
    versions: list[tuple[str, str, str]] = field(default_factory=list)  # run, sha256, author
    rule: ReviewRule = field(default_factory=ReviewRule)
    yes: dict[str, bool] = field(default_factory=dict)  # by whom, and whether it counts
    sent_back: bool = False
    failures: int = 0
    rejections: int = 0
    avoids: set[str] = field(default_factory=set)
    helped_ms: int = 0
    cause: str | None = None
    known: set[str] = field(default_factory=set)

    def hear(self, envelope: Envelope) -> Heard:
        if envelope.command_id in self.known:
            return Heard.NOTHING_NEW
        if envelope.expected_revision not in {None, self.revision}:
            return Heard.REFUSED
        command, actor = envelope.command, envelope.actor
        kinds, places = MAY[type(command)]
        if actor.kind not in kinds or self.status not in places:
            return Heard.REFUSED
        self.now = envelope.at_ms
        try:
            getattr(self, f"on_{type(command).__struct_config__.tag}")(command, actor)
        except No:
            return Heard.REFUSED
        except Nothing:
            return Heard.NOTHING_NEW
        self.settle()
        self.revision += 1
        self.known.add(envelope.command_id)
        return Heard.ACCEPTED

    # What is always so.

    def settle(self) -> None:
        if self.status in CLOSED:
            self.holds, self.cause = {}, None
        elif self.cause is None or self.cause in OF_BLOCKERS:
            self.cause = self.standing()

    def standing(self) -> str | None:
        for outcome in self.blockers.values():
            if outcome in {"failed", "cancelled"}:
                return f"blocker_{outcome}"
        if self.failures >= 3:
            return "failures"
        return "rejections" if self.rejections >= 3 else None

    @property
    def is_claimable(self) -> bool:
        is_free = self.live is None and (self.status is S.READY or (self.status is S.IN_PROGRESS and self.sent_back))
        is_open = any(outcome != "done" for outcome in self.blockers.values())
        return is_free and not is_open and not self.holds and self.cause is None

    @property
    def is_running(self) -> bool:
        return self.live is not None and not self.holds and self.question is None

    # What several commands do.

    def help(self) -> None:
        self.failures, self.rejections, self.avoids, self.helped_ms = 0, 0, set(), self.now
        if self.cause not in OF_BLOCKERS:
            self.cause = None

    def end_run(self) -> None:
        if self.live is not None:
            self.live, self.question, self.status = None, None, S.READY

    def holder(self, command: Any) -> Attempt:
        if self.live is None or (self.live.run_id, self.live.epoch) != (command.run_id, command.epoch):
            raise No
        return self.live

    def comeback(self, command: Any) -> Attempt:
        lost = self.lost
        if self.status is not S.READY or lost is None or self.assigned not in {None, lost.agent_id}:
            raise No
        if (lost.run_id, lost.epoch) != (command.run_id, command.epoch):
            raise No
        return lost

    def forbid_comeback(self) -> None:
        if self.lost is not None:
            self.lost, self.epoch = None, self.epoch + 1

    def failed_again(self) -> None:
        self.failures += 1
        if self.failures >= 3:
            self.cause = "failures"
        else:
            self.woken()

    def woken(self) -> None:
        since = max(self.now - HOUR_MS, self.helped_ms)
        if sum(run.begun_ms > since for run in self.begun[-20:]) >= 6:
            self.cause = "wakes"

    def take_in(self, run_id: str, sha256: str, author: str) -> None:
        if self.cause not in OF_BLOCKERS:
            self.cause = None
        self.versions.append((run_id, sha256, author))
        self.status, self.live, self.question = S.IN_REVIEW, None, None
        self.yes, self.sent_back, self.failures = {}, False, 0
        self.lost_at.pop(run_id, None)
        if self.lost is not None and self.lost.run_id == run_id:
            self.lost = None

    @property
    def counted(self) -> int:
        named = {reviewer.id for reviewer in self.rule.reviewers}
        return sum(who in named if named else is_person for who, is_person in self.yes.items())

    # One method for each command, by its name on the wire.

    def on_edit(self, command: asked.EditTask, _actor: Actor) -> None:
        if (command.title, command.brief, command.needs) != (None, None, None):
            self.help()

    def on_move(self, command: asked.MoveTask, _actor: Actor) -> None:
        ways = {(S.BACKLOG, S.READY), (S.READY, S.BACKLOG), (S.IN_PROGRESS, S.READY)}
        if (self.status, command.to) not in ways:
            raise No
        self.end_run()
        self.status, self.sent_back = command.to, False
        self.help()

    def on_assign(self, command: asked.AssignTask, _actor: Actor) -> None:
        if command.agent_id == self.assigned and self.cause is None and self.live is None:
            raise Nothing
        self.end_run()
        if self.lost is not None and command.agent_id not in {None, self.lost.agent_id}:
            self.forbid_comeback()
        self.assigned = command.agent_id
        self.help()

    def on_claim(self, command: asked.ClaimTask, _actor: Actor) -> None:
        if not self.is_claimable or self.assigned not in {None, command.agent_id}:
            raise No
        if command.agent_id in self.avoids or any(run.run_id == command.run_id for run in self.begun[-20:]):
            raise No
        self.epoch += 1
        self.live = Attempt(command.run_id, self.epoch, command.agent_id, self.now)
        self.begun.append(self.live)
        self.status, self.sent_back, self.lost, self.question = S.IN_PROGRESS, False, None, None

    def on_release(self, command: asked.ReleaseRun, _actor: Actor) -> None:
        self.holder(command)
        self.end_run()
        if command.waits_for:
            self.holds["external"] = command.waits_for
        else:
            self.woken()

    def on_fail_run(self, command: asked.FailRun, _actor: Actor) -> None:
        self.holder(command)
        self.end_run()
        self.failed_again()

    def on_lose_run(self, command: asked.LoseRun, _actor: Actor) -> None:
        run = self.holder(command)
        if not self.is_running:
            raise No
        before = self.begun[-2] if len(self.begun) > 1 else None
        self.end_run()
        self.lost, self.lost_at[run.run_id] = run, self.now
        had_cause = self.cause
        self.failed_again()
        if self.cause in {"failures", "wakes"} and self.cause != had_cause:
            return
        if before is None or before.agent_id != run.agent_id:
            return
        if self.lost_at.get(before.run_id, 0) > self.helped_ms:
            self.avoids.add(run.agent_id)
            if self.assigned == run.agent_id or not command.others_are_able:
                self.cause = "lost_twice"

    def on_resume_run(self, command: asked.ResumeRun, _actor: Actor) -> None:
        if self.live is not None and (self.live.run_id, self.live.epoch) == (command.run_id, command.epoch):
            raise Nothing
        self.come_back(self.comeback(command))

    def come_back(self, lost: Attempt) -> None:
        self.live, self.lost, self.status = lost, None, S.IN_PROGRESS
        del self.lost_at[lost.run_id]
        self.failures = max(0, self.failures - 1)
        self.avoids.discard(lost.agent_id)
        if self.cause in {"failures", "lost_twice"}:
            self.cause = None

    def on_submit(self, command: asked.SubmitDeliverable, _actor: Actor) -> None:
        run = self.holder(command) if self.live is not None else self.comeback(command)
        if self.live is None:
            self.come_back(run)
        self.take_in(run.run_id, command.sha256, run.agent_id)

    def on_adopt_late(self, command: asked.AdoptLate, _actor: Actor) -> None:
        if any(version[:2] == (command.run_id, command.sha256) for version in self.versions):
            raise Nothing
        self.end_run()
        self.take_in(command.run_id, command.sha256, command.agent_id)
        self.help()

    def on_review(self, command: asked.ReviewDeliverable, actor: Actor) -> None:
        rule, author = self.rule, self.versions[-1][2]
        named = {reviewer.id for reviewer in rule.reviewers}
        first = rule.first_pass.id if rule.first_pass else None
        if actor.kind is PERSON:
            may = not named or actor.id in named
        else:
            may = actor.id != author and (actor.id in named or actor.id == first)
        if command.version != len(self.versions) or not may:
            raise No
        if command.verdict == "approve":
            self.approved(actor)
        elif not command.note.strip():
            raise No
        elif command.verdict == "request_changes":
            self.status, self.sent_back = S.IN_PROGRESS, True
            self.rejections += 1
            if self.rejections >= 3:
                self.cause = "rejections"

    def approved(self, actor: Actor) -> None:
        if actor.id in self.yes:
            raise Nothing
        self.yes[actor.id] = actor.kind is PERSON
        if self.counted >= self.rule.needed:
            self.rejections, self.status = 0, S.DONE
            if actor.kind is PERSON:
                self.help()

    def on_set_review(self, command: asked.SetReview, _actor: Actor) -> None:
        if command.review == self.rule:
            raise Nothing
        self.rule = command.review
        self.help()
        if self.status is S.IN_REVIEW and self.counted >= self.rule.needed:
            self.status = S.DONE

    def on_ask(self, command: asked.AskQuestion, _actor: Actor) -> None:
        self.holder(command)
        if self.question is not None:
            raise No
        self.question = command.question_id

    def on_answer(self, command: asked.AnswerQuestion, _actor: Actor) -> None:
        if self.question != command.question_id:
            raise No
        self.question = None

    def on_expire_question(self, command: asked.ExpireQuestion, _actor: Actor) -> None:
        if self.question != command.question_id:
            raise Nothing
        self.question = None

    def on_hold(self, command: asked.HoldTask, _actor: Actor) -> None:
        if self.holds.get(command.hold) == command.reason:
            raise Nothing
        self.holds[command.hold] = command.reason

    def on_lift_hold(self, command: asked.LiftHold, _actor: Actor) -> None:
        if command.hold not in self.holds:
            raise Nothing
        del self.holds[command.hold]

    def on_nudge(self, _command: asked.NudgeRun, _actor: Actor) -> None:
        if self.live is None:
            raise No

    def on_restart(self, _command: asked.RestartRun, _actor: Actor) -> None:
        if not self.begun or "freeze" in self.holds:
            raise No
        self.end_run()
        self.forbid_comeback()
        self.status, self.sent_back = S.READY, False
        self.help()

    def on_give_help(self, _command: asked.GiveHelp, _actor: Actor) -> None:
        if self.cause is None:
            raise Nothing
        if self.cause in OF_BLOCKERS:
            raise No
        self.help()

    def on_add_blockers(self, command: asked.AddBlockers, _actor: Actor) -> None:
        new = [task_id for task_id in command.task_ids if task_id not in self.blockers]
        if "t_1" in new:
            raise No
        if not new:
            raise Nothing
        self.blockers |= dict.fromkeys(new, "open")

    def on_remove_blocker(self, command: asked.RemoveBlocker, _actor: Actor) -> None:
        if self.blockers.pop(command.task_id, None) is None:
            raise Nothing
        self.heard.pop(command.task_id, None)
        self.help()

    def on_resolve_blocker(self, command: asked.ResolveBlocker, _actor: Actor) -> None:
        known, heard = self.blockers.get(command.task_id), self.heard.get(command.task_id, 0)
        is_older = 0 < command.revision < heard
        if known is None or is_older or (known == command.outcome and command.revision <= heard):
            raise Nothing
        self.blockers[command.task_id] = command.outcome
        self.heard[command.task_id] = max(heard, command.revision)
        if command.outcome in {"failed", "cancelled"} and known != command.outcome:
            self.cause = f"blocker_{command.outcome}"

    def on_cancel(self, _command: asked.CancelTask, _actor: Actor) -> None:
        self.close(S.CANCELLED)

    def on_fail_task(self, _command: asked.FailTask, _actor: Actor) -> None:
        self.close(S.FAILED)

    def on_complete(self, _command: asked.CompleteTask, _actor: Actor) -> None:
        self.close(S.DONE)

    def close(self, status: TaskStatus) -> None:
        self.end_run()
        self.help()
        self.status, self.sent_back = status, False

    def on_reopen(self, _command: asked.ReopenTask, _actor: Actor) -> None:
        self.help()
        self.forbid_comeback()
        self.status, self.sent_back, self.yes = S.READY, False, {}
        self.blockers = dict.fromkeys(self.blockers, "open")
