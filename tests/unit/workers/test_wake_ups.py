"""Closed, reopened, drawn and erased at random: in the end every task knows how those stand that it waits for.

The steps of task workflows are taken one at a time, in an order that a seed decides: the real rules, the real
projection on SQLite, and the real activities, whose signals and answers lie on their way while other steps are taken.
`Execution` repeats the loop of `workers/workflows/task.py`, which cannot be stopped between its steps.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

import msgspec
import pytest
from sqlalchemy import select
from temporalio.testing import ActivityEnvironment

from controlplane.domain.commands import (
    AddBlockers,
    CancelTask,
    Command,
    CompleteTask,
    CreateTask,
    Envelope,
    FailTask,
    RemoveBlocker,
    ReopenTask,
)
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.events import BlockersAdded, TaskCreated, TaskReopened
from controlplane.domain.evolve import apply
from controlplane.domain.state import Actor, ActorKind, BlockerState, TaskState
from controlplane.ports import Applied
from controlplane.projections.task import project
from controlplane.settings import Home, Settings
from controlplane.store.database import Database, open_control
from controlplane.store.migrate import migrate
from controlplane.store.tables import Task
from controlplane.store.upsert import table_of
from workers.activities.tasks import TaskActivities
from workers.messages import CheckBlockers, NotifyDependents, resolution_of
from workers.reconcile import Reconciler

MAYA = Actor(ActorKind.PERSON, "u_maya", "Maya")
MASTER = b"m" * 32
TASKS = 4
COMMANDS = 45

Step = Callable[[], Awaitable[None]]


@dataclass
class Execution:
    """One task and the loop of its workflow, which waits for one activity at a time."""

    world: "World"
    state: TaskState
    unprojected: deque[Applied] = field(default_factory=deque)
    mailbox: deque[Envelope] = field(default_factory=deque)
    has_new_blockers: bool = False
    owes_reopening: bool = False
    is_over: bool = False
    waits_for: Step | None = None  # what comes of the activity under way

    def apply(self, envelope: Envelope) -> bool:
        events = decide(self.state, envelope)
        if isinstance(events, Refusal) or not events:
            return False
        self.state = apply(self.state, envelope, events)
        applied = Applied(self.state, events, "x1", envelope.command_id)
        self.unprojected.append(applied)
        self.world.written_through.append(applied)
        is_reopened = any(isinstance(event, TaskReopened) for event in events)
        has_more = any(isinstance(event, TaskCreated | TaskReopened | BlockersAdded) for event in events)
        self.is_over &= not is_reopened
        self.owes_reopening = (self.owes_reopening or is_reopened) and not self.state.is_closed
        self.has_new_blockers |= has_more and self.state.is_blocked
        return True

    def steps(self) -> Iterator[Step]:
        """What could happen next."""
        if self.mailbox:
            yield self.read_mail
        following = self.waits_for or self.next_activity()
        if following is not None and not self.is_over:
            yield following

    async def read_mail(self) -> None:
        envelope = self.mailbox.popleft()
        if not self.is_over:
            self.apply(envelope)

    def next_activity(self) -> Step | None:
        """The order of the workflow's loop."""
        if self.unprojected:
            return self.project
        if self.has_new_blockers:
            return self.look_at_blockers
        if self.state.is_closed:
            return partial(self.notify, self.state.status.value, is_last=True)
        if self.owes_reopening:
            return partial(self.notify, BlockerState.OPEN.value, is_last=False)
        return None

    async def project(self) -> None:
        batch = list(self.unprojected)
        for applied in batch:
            await self.world.project(applied)
        self.waits_for = partial(self.projected, len(batch))

    async def projected(self, count: int) -> None:
        self.waits_for = None
        for _ in range(count):
            self.unprojected.popleft()

    async def look_at_blockers(self) -> None:
        self.has_new_blockers = False
        open_ids = tuple(task_id for task_id, known in self.state.blockers.items() if known is BlockerState.OPEN)
        self.waits_for = partial(self.read_blockers, open_ids)

    async def read_blockers(self, open_ids: tuple[str, ...]) -> None:
        outcomes = await self.world.activities.check_blockers(CheckBlockers(open_ids))
        self.waits_for = partial(self.looked, outcomes)

    async def looked(self, outcomes: dict[str, str]) -> None:
        self.waits_for = None
        for task_id, told in sorted(outcomes.items()):
            self.apply(self.world.as_system(f"check/{task_id}/{self.state.revision}", resolution_of(task_id, told)))

    async def notify(self, outcome: str, *, is_last: bool) -> None:
        self.owes_reopening = False
        request = NotifyDependents(self.state.task_id, outcome, self.state.revision)
        self.world.caught = []
        await ActivityEnvironment().run(self.world.activities.notify_dependents, request)
        self.waits_for = partial(self.tell, deque(self.world.caught), is_last)

    async def tell(self, letters: deque[tuple[str, Envelope]], is_last: bool) -> None:
        if letters:
            self.world.post(*letters.popleft())
            return
        self.waits_for = None
        # An execution ends when nothing was accepted while it told the others.
        self.is_over = is_last and self.state.is_closed and not self.unprojected


@dataclass
class World:
    """All tasks, the database, and the post between them. It is the activities' client and clock."""

    control: Database
    random: Random
    tasks: dict[str, Execution] = field(default_factory=dict)
    caught: list[tuple[str, Envelope]] = field(default_factory=list)  # signals of the activity that runs
    late: list[tuple[str, Envelope]] = field(default_factory=list)  # said again by a worker that was thought dead
    written_through: list[Applied] = field(default_factory=list)  # by the API, when it comes to it
    now: int = 0

    def __post_init__(self) -> None:
        self.activities = TaskActivities(self.control, self, self, MASTER)
        self.reconciler = Reconciler(self.control, self, self)

    def now_ms(self) -> int:
        self.now += 1
        return self.now

    def get_workflow_handle(self, task_id: str) -> "Handle":
        return Handle(self, task_id)

    def as_system(self, command_id: str, command: Command) -> Envelope:
        return Envelope(command_id, Actor(ActorKind.SYSTEM, "workers"), self.now_ms(), command)

    def post(self, task_id: str, envelope: Envelope) -> None:
        """Taken while the execution is there, and handled later, in order."""
        if not self.tasks[task_id].is_over:
            self.tasks[task_id].mailbox.append(envelope)
        if self.random.random() < 0.15:
            self.late.append((task_id, envelope))

    async def project(self, applied: Applied) -> None:
        await self.control.write(partial(project, applied=applied, master_key=MASTER, now_ms=self.now_ms()))

    async def write_through(self) -> None:
        await self.project(self.written_through.pop(self.random.randrange(len(self.written_through))))

    async def deliver_late(self) -> None:
        task_id, envelope = self.late.pop(self.random.randrange(len(self.late)))
        if not self.tasks[task_id].is_over:
            self.tasks[task_id].mailbox.append(envelope)

    async def ask(self) -> None:
        """Somebody closes, reopens, draws or erases. A task waits only for those before it: no circles here."""
        number = self.random.randrange(TASKS)
        other = f"t_{self.random.randrange(number)}" if number else None
        verbs: list[Command] = [CompleteTask(), CompleteTask(), ReopenTask(), ReopenTask(), CancelTask(), FailTask()]
        if other is not None:
            verbs += [AddBlockers((other,))] * 4 + [RemoveBlocker(other)]
        envelope = Envelope(f"cmd_{self.now_ms()}", MAYA, self.now, self.random.choice(verbs))
        self.tasks[f"t_{number}"].apply(envelope)

    def steps(self) -> list[Step]:
        found = [step for task in self.tasks.values() for step in task.steps()]
        if self.written_through:
            found.append(self.write_through)
        if self.late:
            found.append(self.deliver_late)
        return found

    async def run(self, commands: int) -> None:
        """Until everything is said that was to be said."""
        while (steps := self.steps()) or commands:
            if commands and (not steps or self.random.random() < 0.3):
                commands -= 1
                await self.ask()
            else:
                await self.random.choice(steps)()

    def misbeliefs(self) -> dict[tuple[str, str], tuple[str, str]]:
        """What open tasks think of those they wait for, and how those stand, where that differs."""
        found = {}
        for task_id, task in self.tasks.items():
            for blocker_id, believed in task.state.blockers.items() if not task.state.is_closed else ():
                blocker = self.tasks[blocker_id].state
                true = BlockerState(blocker.status) if blocker.is_closed else BlockerState.OPEN
                if believed is not true:
                    found[task_id, blocker_id] = (believed.value, true.value)
        return found


@dataclass(frozen=True)
class Handle:
    """Temporal's handle of a workflow, as far as activities and reconciler use it."""

    world: World
    task_id: str

    async def signal(self, _name: str, envelope: Envelope) -> None:
        self.world.caught.append((self.task_id, envelope))


@pytest.fixture
async def control(tmp_path: Path):
    settings = Settings(home=Home(tmp_path))
    await migrate(settings)
    control = open_control(settings)
    yield control
    await control.close()


async def world_of(control: Database, seed: int) -> World:
    world = World(control, Random(seed))
    for number in range(TASKS):
        create = Envelope(f"make_{number}", MAYA, 0, CreateTask(f"t_{number}", "w", "p", number, f"Task {number}"))
        events = decide(None, create)
        assert isinstance(events, tuple)
        task = Execution(world, apply(None, create, events))
        task.unprojected.append(Applied(task.state, events, "x1", create.command_id))
        world.tasks[task.state.task_id] = task
    await world.run(commands=0)
    return world


async def read_model(control: Database) -> dict[str, TaskState]:
    async with control.reading() as session:
        texts = (await session.execute(select(table_of(Task).c.state_json))).scalars().all()
    states = [msgspec.json.decode(text, type=TaskState) for text in texts]
    return {state.task_id: state for state in states}


@pytest.mark.parametrize("seed", range(15))
async def test_no_wake_up_is_lost_whatever_is_closed_reopened_drawn_and_erased_meanwhile(seed, control):
    world = await world_of(control, seed)
    await world.run(COMMANDS)
    assert world.misbeliefs() == {}
    assert await read_model(control) == {task_id: task.state for task_id, task in world.tasks.items()}


async def test_news_of_a_reopened_task_is_not_undone_by_an_older_look_at_it(control):
    """It was read as done before it was reopened, and the answer comes after the news."""
    world = await world_of(control, seed=0)
    waiting, blocker = world.tasks["t_1"], world.tasks["t_0"]
    blocker.apply(Envelope("close", MAYA, 1, CompleteTask()))
    await world.run(commands=0)
    waiting.apply(Envelope("draw", MAYA, 2, AddBlockers(("t_0",))))
    for _ in range(4):  # projected, and the blocker's row is read
        await next(waiting.steps())()
    blocker.apply(Envelope("reopen", MAYA, 3, ReopenTask()))
    while list(blocker.steps()):
        await next(blocker.steps())()
    await waiting.read_mail()
    await world.run(commands=0)
    assert world.misbeliefs() == {}
