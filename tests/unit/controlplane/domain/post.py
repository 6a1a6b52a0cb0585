"""One task told twice, as it is and as its model, with the post between it and two clients."""

from collections import Counter

import msgspec

from controlplane.domain import commands as asked
from controlplane.domain.choices import choices
from controlplane.domain.commands import Command, CreateTask, Envelope
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.events import ApprovalGiven, DeliverableApproved, Event, HumanNeeded, RunStarted, TaskReopened
from controlplane.domain.evolve import apply, evolve
from controlplane.domain.machines import is_run_step
from controlplane.domain.review_rules import missing_approvals
from controlplane.domain.state import LIVE, Actor, ActorKind, HoldKind, ReviewRule, RunState, TaskState, TaskStatus
from tests.unit.controlplane.domain.conversation import MAYA, ONE
from tests.unit.controlplane.domain.model import Heard, Model

KEPT_BY_THE_ENVELOPE = ("revision", "applied", "updated_at_ms")  # the events do not tell these


class Post:
    """Delivers commands, and checks after each that both tellings agree and that what is always so is so."""

    def __init__(self, create: CreateTask) -> None:
        self.count = 0
        self.now_ms = 1
        self.events: list[Event] = []
        self.waiting: list[Envelope] = []  # sent, and still to be delivered, or to be delivered again
        self.met: Counter[str] = Counter()
        envelope = Envelope("create", MAYA, 1, create)
        events = decide(None, envelope)
        assert isinstance(events, tuple)
        self.state = apply(None, envelope, events)
        self.events += events
        status = TaskStatus.BACKLOG if create.to_backlog else TaskStatus.READY
        self.model = Model(status, dict.fromkeys(create.blockers, "open"), rule=create.review, known={"create"})
        self.seen = [self.state, self.state]

    def send(self, client: int, command: Command, actor: Actor, fate: str = "now", *, is_careful: bool = False) -> None:
        """By a client that looks again only when it sends at once: what comes later was meant for an older state."""
        self.count += 1
        self.now_ms += 1
        expected = self.seen[client].revision if is_careful else None
        envelope = Envelope(f"cmd_{self.count}", actor, self.now_ms, command, expected)
        if fate != "now":
            self.waiting.append(envelope)
        if fate != "later":
            self.deliver(envelope)
            self.seen[client] = self.state

    def deliver(self, envelope: Envelope) -> None:
        """To both. Their answers are of one kind, and so are their tasks afterwards."""
        before, expected = self.state, self.model.hear(envelope)
        decided = decide(before, envelope)
        if isinstance(decided, Refusal):
            assert decided.message
            assert expected is Heard.REFUSED, (envelope.command, decided)
            return
        assert expected is (Heard.ACCEPTED if decided else Heard.NOTHING_NEW), (envelope.command, decided)
        after = apply(before, envelope, decided)
        if decided:
            assert after.revision == before.revision + 1
            assert envelope.command_id in after.applied
            self.met[type(envelope.command).__name__] += 1
        else:
            assert after == before
        self._check_steps(before, envelope.actor, decided)
        self.events += decided
        self.state = after
        self._check_agreement()
        self._check_what_is_always_so()

    def _check_steps(self, state: TaskState, actor: Actor, events: tuple[Event, ...]) -> None:
        for event in events:
            after = evolve(state, event)
            assert after.epoch >= state.epoch
            if isinstance(event, RunStarted):
                assert state.is_claimable
                assert event.epoch > state.epoch
            if isinstance(event, ApprovalGiven | DeliverableApproved):
                assert actor.id != state.author_id
            if isinstance(event, DeliverableApproved):
                assert missing_approvals(state) <= 1
            if isinstance(event, HumanNeeded):
                self.met[str(event.cause)] += 1
            if state.is_closed and not after.is_closed:
                assert (type(event), actor.kind) == (TaskReopened, ActorKind.PERSON)
            self._check_run_steps(state, after, event)
            state = after

    def _check_run_steps(self, state: TaskState, after: TaskState, event: Event) -> None:
        was = {run.run_id: run.state for run in state.runs}
        for run in after.runs:
            if was.get(run.run_id) is not run.state:
                assert is_run_step(was.get(run.run_id), run.state, type(event)), (was.get(run.run_id), run, event)

    def _check_agreement(self) -> None:
        state, model = self.state, self.model
        run, live = state.live_run, model.live
        question = state.question.question_id if state.question and state.question.is_open else None
        assert state.status is model.status
        assert (run and (run.run_id, run.epoch, run.agent_id)) == (live and (live.run_id, live.epoch, live.agent_id))
        assert (state.epoch, state.revision, state.run_count) == (model.epoch, model.revision, len(model.begun))
        assert {kind: hold.reason for kind, hold in state.holds.items()} == model.holds
        assert question == model.question
        assert (state.human_cause and state.human_cause.value) == model.cause
        assert bool(state.needs_human) is (model.cause is not None)
        counts = (state.failures, state.rejections, set(state.avoids))
        assert counts == (model.failures, model.rejections, model.avoids)
        assert (dict(state.blockers), dict(state.blocker_revisions)) == (model.blockers, model.heard)
        assert state.is_claimable is model.is_claimable
        if state.status is TaskStatus.IN_REVIEW:
            said = {one.reviewer.id for one in state.verdicts if one.verdict == "approve"}
            assert said == set(model.yes)
            assert missing_approvals(state) == max(0, model.rule.needed - model.counted)

    def _check_what_is_always_so(self) -> None:
        state = self.state
        live = [run for run in state.runs if run.state in LIVE]
        assert len(live) <= 1
        assert not live or (state.status is TaskStatus.IN_PROGRESS and live[0].epoch == state.epoch)
        if state.status is TaskStatus.IN_PROGRESS:
            assert live or state.changes_requested
        if state.is_blocked or state.holds or state.needs_human or state.is_closed or live:
            assert not state.is_claimable
        submitted = [run for run in state.runs if run.state is RunState.SUBMITTED]
        assert len(submitted) <= (1 if state.status is TaskStatus.IN_REVIEW else 0)
        assert [one.version for one in state.deliverables] == list(range(1, len(state.deliverables) + 1))
        if state.question is not None and state.question.is_open:
            assert [run.run_id for run in live] == [state.question.run_id]

    def check_claim(self) -> None:
        """What can be claimed is claimed by whoever is not avoided, and nothing else is."""
        agents = [self.state.agent_id] if self.state.agent_id else ["a_1", "a_2", "a_3"]
        agent_id = next((one for one in agents if one not in self.state.avoids), None)
        if agent_id is not None:
            probe = Envelope("probe", ONE, self.now_ms, asked.ClaimTask(agent_id, "r_probe"))
            assert isinstance(decide(self.state, probe), tuple) is self.state.is_claimable

    def check_choices(self) -> None:
        """Every choice that a person is offered is accepted, and changes something."""
        made = {
            "give_help": asked.GiveHelp(),
            "assign": asked.AssignTask("a_3"),
            "edit": asked.EditTask(brief="z"),
            "fail_task": asked.FailTask(),
            "complete": asked.CompleteTask(),
            "hold": asked.HoldTask(HoldKind.OPERATOR, "until tomorrow"),
            "remove_blocker": asked.RemoveBlocker(next(iter(self.state.blockers), "")),
            "add_blockers": asked.AddBlockers(("t_9",)),
            "cancel": asked.CancelTask(),
        }
        for choice in choices(self.state):
            decided = decide(self.state, Envelope("chosen", MAYA, self.now_ms, made[choice.verb]))
            assert isinstance(decided, tuple), (choice, decided)
            assert decided, choice

    def check_story(self) -> None:
        """The events, as they are stored, tell the whole state; and what is delivered once more changes nothing."""
        replayed: TaskState | None = None
        for event in self.events:
            replayed = evolve(replayed, msgspec.json.decode(msgspec.json.encode(event), type=Event))
        told = [name for name in TaskState.__struct_fields__ if name not in KEPT_BY_THE_ENVELOPE]
        assert [getattr(replayed, name) for name in told] == [getattr(self.state, name) for name in told]
        for envelope in self.waiting:
            if envelope.command_id in self.state.applied:
                assert decide(self.state, envelope) == ()


def begun(*, to_backlog: bool, is_blocked: bool, review: ReviewRule) -> Post:
    """A task at its beginning."""
    blockers = ("t_2",) if is_blocked else ()
    return Post(CreateTask("t_1", "w", "p", 1, "x", blockers=blockers, to_backlog=to_backlog, review=review))
