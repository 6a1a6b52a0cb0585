"""Any sequence of commands, with repeats and lies, keeps the promises of a task."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from controlplane.domain.commands import (
    AddBlockers,
    AnswerQuestion,
    AskQuestion,
    AssignTask,
    CancelTask,
    ClaimTask,
    Command,
    CreateTask,
    EditTask,
    Envelope,
    FailRun,
    LoseRun,
    MoveTask,
    ReleaseRun,
    RemoveBlocker,
    ResolveBlocker,
    ReviewDeliverable,
    SubmitDeliverable,
)
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.events import Event, RunStarted
from controlplane.domain.evolve import apply, evolve
from controlplane.domain.run_rules import HOUR_MS
from controlplane.domain.state import LIVE, TaskState, TaskStatus
from tests.unit.controlplane.domain.lives import AGENT, PERSON, SYSTEM

AGENTS = st.sampled_from(["a_1", "a_2"])
BLOCKERS = st.sampled_from(["t_2", "t_3"])
OFF = st.sampled_from([0, 0, 0, 0, 1, -1])  # mostly right; off by one is how a stale caller errs


class TaskMachine(RuleBasedStateMachine):
    """Sends commands as people, agents and the system do; some are late, repeated, or somebody else's."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.events: list[Event] = []
        self.sent: list[Envelope] = []
        self.state: TaskState | None = None
        self.closed: TaskStatus | None = None
        self.epochs: list[int] = []

    @initialize(to_backlog=st.booleans(), is_blocked=st.booleans())
    def create(self, to_backlog: bool, is_blocked: bool) -> None:
        blockers = ("t_2",) if is_blocked else ()
        command = CreateTask("t_1", "w", "p", 1, "x", blockers=blockers, to_backlog=to_backlog)
        self.send(command, PERSON)

    def send(self, command: Command, actor) -> None:
        self.count += 1
        envelope = Envelope(f"cmd_{self.count}", actor, self.count * HOUR_MS, command)
        self.sent.append(envelope)
        self.deliver(envelope)

    def deliver(self, envelope: Envelope) -> None:
        before = self.state
        decided = decide(before, envelope)
        if isinstance(decided, Refusal):
            assert decided.message
            return
        after = apply(before, envelope, decided)
        if decided:
            assert after.revision == (before.revision if before else 0) + 1
            assert envelope.command_id in after.applied
        else:
            assert after == before
        self.epochs += [event.epoch for event in decided if isinstance(event, RunStarted)]
        self.events += decided
        self.state = after

    @rule(data=st.data())
    def repeat_an_earlier_command(self, data) -> None:
        envelope = data.draw(st.sampled_from(self.sent))
        before = self.state
        self.deliver(envelope)
        if envelope.command_id in before.applied:
            assert self.state == before

    @rule(agent=AGENTS, is_reused=st.booleans())
    def claim(self, agent: str, is_reused: bool) -> None:
        self.send(ClaimTask(agent, "r_1" if is_reused else f"r_{self.count}"), AGENT)

    @rule(verb=st.sampled_from([ReleaseRun, FailRun, LoseRun, SubmitDeliverable, AskQuestion]), off=OFF)
    def speak_as_a_run(self, verb, off: int) -> None:
        run = self.state.runs[-1] if self.state.runs else None
        run_id, epoch = (run.run_id, run.epoch + off) if run else ("r_none", 1)
        rest = {
            ReleaseRun: (),
            FailRun: ("exception",),
            LoseRun: (),
            SubmitDeliverable: ("aa", 1),
            AskQuestion: (f"q_{self.count}", "?"),
        }[verb]
        before, live = self.state, self.state.live_run
        self.send(verb(run_id, epoch, *rest), SYSTEM if verb is LoseRun else AGENT)
        if live is None or (live.run_id, live.epoch) != (run_id, epoch):
            assert self.state == before  # fenced: whoever does not hold the lease changes nothing

    @rule(verdict=st.sampled_from(["approve", "request_changes"]), off=OFF)
    def review(self, verdict: str, off: int) -> None:
        self.send(ReviewDeliverable(len(self.state.deliverables) + off, verdict, "note"), PERSON)

    @rule(to=st.sampled_from(list(TaskStatus)))
    def move(self, to: TaskStatus) -> None:
        self.send(MoveTask(to), PERSON)

    @rule(agent=st.one_of(st.none(), AGENTS))
    def assign(self, agent: str | None) -> None:
        self.send(AssignTask(agent), PERSON)

    @rule()
    def answer(self) -> None:
        question = self.state.question
        self.send(AnswerQuestion(question.question_id if question else "q_0", "Yes."), PERSON)

    @rule(task=BLOCKERS, verb=st.sampled_from([AddBlockers, RemoveBlocker, ResolveBlocker]))
    def change_blockers(self, task: str, verb) -> None:
        if verb is ResolveBlocker:
            self.send(ResolveBlocker(task, "done"), SYSTEM)
        else:
            self.send(AddBlockers((task,)) if verb is AddBlockers else RemoveBlocker(task), PERSON)

    @rule()
    def get_on(self) -> None:
        """The step that brings the task nearer to its end: without it, random walks stay near the start."""
        state = self.state
        run = state.live_run
        if state.question is not None and state.question.answer is None:
            self.answer()
        elif run is not None:
            self.send(SubmitDeliverable(run.run_id, run.epoch, f"{self.count}", 1), AGENT)
        elif state.status is TaskStatus.IN_REVIEW:
            self.send(ReviewDeliverable(state.deliverables[-1].version, "request_changes", "Shorter"), PERSON)
        elif state.status is TaskStatus.BACKLOG:
            self.send(MoveTask(TaskStatus.READY), PERSON)
        elif state.blockers:
            self.send(RemoveBlocker(next(iter(state.blockers))), PERSON)
        else:
            self.send(ClaimTask(state.agent_id or "a_1", f"r_{self.count}"), AGENT)

    @rule(chance=st.integers(0, 5))
    def cancel_or_edit(self, chance: int) -> None:
        self.send(CancelTask() if chance == 5 else EditTask(title="y"), PERSON)

    @invariant()
    def at_most_one_run_lives_and_only_in_progress(self) -> None:
        live = [run for run in self.state.runs if run.state in LIVE]
        assert len(live) <= 1
        assert not live or self.state.status is TaskStatus.IN_PROGRESS
        assert not live or live[0].epoch == self.state.epoch

    @invariant()
    def a_task_in_progress_has_a_run_or_is_asked_for_changes(self) -> None:
        if self.state.status is TaskStatus.IN_PROGRESS:
            assert self.state.live_run is not None or self.state.changes_requested

    @invariant()
    def epochs_only_grow(self) -> None:
        assert self.epochs == sorted(set(self.epochs))

    @invariant()
    def a_closed_task_stays_closed(self) -> None:
        if self.closed is not None:
            assert self.state.status is self.closed
        if self.state.is_closed:
            self.closed = self.state.status
            assert self.state.live_run is None
            assert not self.state.is_claimable

    @invariant()
    def an_open_question_belongs_to_the_live_run(self) -> None:
        question = self.state.question
        if question is not None and question.answer is None:
            assert self.state.live_run is not None
            assert self.state.live_run.run_id == question.run_id

    @invariant()
    def what_can_be_claimed_is_claimed(self) -> None:
        agent = self.state.agent_id or "a_1"
        decided = decide(self.state, Envelope("probe", AGENT, 0, ClaimTask(agent, "r_probe")))
        assert isinstance(decided, Refusal) is not self.state.is_claimable

    def teardown(self) -> None:
        """The events tell the whole state."""
        replayed: TaskState | None = None
        for event in self.events:
            replayed = evolve(replayed, event)
        kept = ("revision", "applied", "updated_at_ms")  # the envelope's, not the events'
        assert [getattr(replayed, name) for name in TaskState.__struct_fields__ if name not in kept] == [
            getattr(self.state, name) for name in TaskState.__struct_fields__ if name not in kept
        ]


TestTaskMachine = TaskMachine.TestCase
TestTaskMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, database=None)
