"""Any sequence of commands, late, repeated, reordered, from two clients, does what a second telling of the task does.

Each client speaks from what it saw last, so that its commands name runs, epochs, versions and revisions of then. A
command may arrive at once, later, twice, or after those that were sent after it. Hypothesis looks for the shortest way
to a disagreement; long random walks get to where short ways do not lead.
"""

from collections import Counter
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from controlplane.domain import commands as asked
from controlplane.domain.state import Actor, BlockerState, HumanCause, ReviewRule
from controlplane.domain.transitions import TRANSITIONS
from tests.unit.controlplane.domain.conversation import (
    MAYA,
    NOOR,
    ONE,
    SYSTEM,
    TWO,
    Said,
    claims,
    mistakes,
    words_of_agents,
    words_of_people,
    words_that_end,
    words_that_help,
)
from tests.unit.controlplane.domain.model import HOUR_MS
from tests.unit.controlplane.domain.post import Post, begun

RULES = [
    ReviewRule(),
    ReviewRule(needed=2),
    ReviewRule((MAYA, NOOR), 2),
    ReviewRule((MAYA, ONE), 1),
    ReviewRule((NOOR, ONE, TWO), 2),
    ReviewRule(first_pass=TWO),
]
REVIEWERS = [MAYA, NOOR, ONE, TWO]
VERDICTS = ["approve", "approve", "request_changes", "request_changes", "ask"]
BLOCKERS = ["t_2", "t_3"]
OFF = [0, 0, 0, 0, 1, -1]  # mostly right; off by one is how a stale caller errs
FATES = ["now", "now", "now", "now", "later", "twice"]
PAUSES = [1, HOUR_MS // 4, HOUR_MS]

A_CLIENT = st.sampled_from([0, 1])
A_FATE = st.sampled_from(FATES)
AN_ERROR = st.sampled_from(OFF)


class TaskMachine(RuleBasedStateMachine):
    """Every rule is something that somebody says, or that the post does."""

    @initialize(to_backlog=st.booleans(), is_blocked=st.booleans(), review=st.sampled_from(RULES))
    def create(self, to_backlog: bool, is_blocked: bool, review: ReviewRule) -> None:
        self.post = begun(to_backlog=to_backlog, is_blocked=is_blocked, review=review)

    @rule(data=st.data(), is_kept=st.booleans())
    def deliver_something_late(self, data: st.DataObject, is_kept: bool) -> None:
        if self.post.waiting:
            envelope = data.draw(st.sampled_from(self.post.waiting))
            if not is_kept:
                self.post.waiting.remove(envelope)
            self.post.deliver(envelope)

    @rule()
    def deliver_everything_backwards(self) -> None:
        while self.post.waiting:
            self.post.deliver(self.post.waiting.pop())

    @rule(client=A_CLIENT)
    def look(self, client: int) -> None:
        self.post.seen[client] = self.post.state

    @rule(pause=st.sampled_from(PAUSES))
    def let_time_pass(self, pause: int) -> None:
        self.post.now_ms += pause

    @rule(client=A_CLIENT, data=st.data(), fate=A_FATE)
    def an_agent_speaks(self, client: int, data: st.DataObject, fate: str) -> None:
        said = words_of_agents(self.post.seen[client], self.post.count)
        if said:
            self.post.send(client, *data.draw(st.sampled_from(said)), fate)

    @rule(client=A_CLIENT, data=st.data())
    def a_run_goes_wrong(self, client: int, data: st.DataObject) -> None:
        run = self.post.state.live_run
        if run is not None:
            wrong = words_that_end(run, others_are_able=data.draw(st.booleans()))
            self.post.send(client, *data.draw(st.sampled_from(wrong)))
        elif self.post.state.is_claimable:
            self.post.send(client, *data.draw(st.sampled_from(claims(self.post.state, self.post.count))))

    @rule(client=A_CLIENT, data=st.data(), fate=A_FATE, is_careful=st.booleans())
    def a_person_speaks(self, client: int, data: st.DataObject, fate: str, is_careful: bool) -> None:
        said = words_of_people(self.post.seen[client], self.post.count)
        self.post.send(client, *data.draw(st.sampled_from(said)), fate, is_careful=is_careful)

    @rule(
        client=A_CLIENT,
        who=st.sampled_from(REVIEWERS),
        verdict=st.sampled_from(VERDICTS),
        off=AN_ERROR,
        fate=A_FATE,
    )
    def a_reviewer_speaks(self, client: int, who: Actor, verdict: str, off: int, fate: str) -> None:
        version = len(self.post.seen[client].deliverables) + off
        self.post.send(client, asked.ReviewDeliverable(version, verdict, "note"), who, fate)

    @rule(
        client=A_CLIENT,
        task=st.sampled_from(BLOCKERS),
        outcome=st.sampled_from(list(BlockerState)),
        revision=st.integers(0, 4),
        fate=A_FATE,
    )
    def a_blocker_closes_or_is_reopened(
        self, client: int, task: str, outcome: BlockerState, revision: int, fate: str
    ) -> None:
        self.post.send(client, asked.ResolveBlocker(task, outcome, revision), SYSTEM, fate)

    @rule(client=A_CLIENT, data=st.data(), off=AN_ERROR)
    def somebody_is_wrong(self, client: int, data: st.DataObject, off: int) -> None:
        """About the state, the run or its epoch."""
        said = mistakes(self.post.state, self.post.count, off)
        self.post.send(client, *data.draw(st.sampled_from(said)))

    @rule(data=st.data(), actor=st.sampled_from([MAYA, ONE, SYSTEM]))
    def somebody_says_what_is_not_theirs_to_say(self, data: st.DataObject, actor: Actor) -> None:
        if self.post.waiting:
            self.post.send(0, data.draw(st.sampled_from(self.post.waiting)).command, actor)

    @invariant()
    def what_is_offered_is_accepted(self) -> None:
        self.post.check_claim()
        self.post.check_choices()

    def teardown(self) -> None:
        if hasattr(self, "post"):
            self.post.check_story()


TestTaskMachine = TaskMachine.TestCase
TestTaskMachine.settings = settings(max_examples=80, stateful_step_count=50, deadline=None, database=None)


def walk(seed: int, steps: int) -> Post:
    """The same conversation at random, with people who mostly help it on."""
    random = Random(seed)
    post = begun(to_backlog=random.random() < 0.2, is_blocked=random.random() < 0.3, review=random.choice(RULES))
    for _ in range(steps):
        what_happens(post, random)
        post.check_claim()
        post.check_choices()
    post.check_story()
    return post


def what_happens(post: Post, random: Random) -> None:
    client = random.randrange(2)
    if random.random() < 0.6:
        post.seen[client] = post.state
    match random.choices(["word", "late", "pause"], [80, 15, 5])[0]:
        case "word":
            said = words(post, client, random)
            if said:
                post.send(client, *random.choice(said), random.choice(FATES), is_careful=random.random() < 0.1)
        case "late" if post.waiting:
            post.deliver(post.waiting.pop(random.randrange(len(post.waiting))))
        case "pause":
            post.now_ms += random.choice(PAUSES)


def words(post: Post, client: int, random: Random) -> list[Said]:
    seen, count = post.seen[client], post.count
    match random.choices(["agent", "helper", "person", "reviewer", "blocker", "wrong"], [50, 20, 8, 6, 6, 5])[0]:
        case "agent":
            return words_of_agents(seen, count)
        case "helper":
            return words_that_help(seen)
        case "person":
            return words_of_people(seen, count)
        case "reviewer":
            version = len(seen.deliverables) + random.choice(OFF)
            verdict = asked.ReviewDeliverable(version, random.choice(VERDICTS), "note")
            return [(verdict, reviewer) for reviewer in REVIEWERS]
        case "blocker":
            revision = random.choice([0, count // 3, count, count])
            return [
                (asked.ResolveBlocker(task, outcome, revision), SYSTEM) for task in BLOCKERS for outcome in BlockerState
            ]
        case _:
            return mistakes(post.state, count, random.choice(OFF))


@pytest.mark.parametrize("seed", range(24))
def test_a_long_random_walk_is_told_in_the_same_way_twice(seed):
    assert walk(seed, steps=400).state.revision > 50


def test_the_walks_meet_every_command_and_every_cause_for_a_person():
    """Else the agreement says little."""
    met: Counter[str] = Counter()
    for seed in range(100, 116):
        met += walk(seed, steps=400).met
    assert {row.command.__name__ for row in TRANSITIONS} - set(met) == set()
    assert {str(cause) for cause in HumanCause} - set(met) == set()
