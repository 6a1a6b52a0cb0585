from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import pytest
from pointsman.contract import KeyKind, digest

from proxy.call import Caller
from proxy.errors import ProxyError
from proxy.fence import Fence, Fencing
from proxy.ports import Policy, Principal
from proxy.stages.identify import identify

FIRST = Principal("r_1", KeyKind.RUN, "w", agent_id="a_1", run_id="r_1", task_id="t_1", epoch=1)
SECOND = replace(FIRST, key_id="r_2", run_id="r_2", task_id="t_2")
AGENT = Principal("k_1", KeyKind.AGENT, "w", agent_id="a_1")
BOTH = {b"x-api-key": b"agent", b"x-pointsman-task": b"t_1"}


@dataclass
class Source:
    """A policy of two runs of one agent, told of by hand."""

    runs: dict[str, Principal] = field(default_factory=lambda: {"r_1": FIRST, "r_2": SECOND})
    key: Principal = AGENT
    followers: list[Callable[[Collection[str]], None]] = field(default_factory=list)

    def current(self) -> Policy:
        principals = {digest(name): run for name, run in self.runs.items()} | {digest("agent"): self.key}
        live = tuple(run for run in self.runs.values() if run.state != "revoked")
        return Policy(principals, {"a_1": live}, (), {})

    def age_seconds(self) -> float:
        return 0.0

    def follow(self, on_change: Callable[[Collection[str]], None]) -> None:
        self.followers.append(on_change)

    def change(self, run_id: str, **values: object) -> None:
        self.runs[run_id] = replace(self.runs[run_id], **values)  # type: ignore[arg-type]
        self.tell(run_id)

    def tell(self, name: str) -> None:
        for on_change in self.followers:
            on_change({name})


@dataclass(eq=False)
class Stream:
    headers: Mapping[bytes, bytes]
    caller: Caller | None = None
    errors: list[str] = field(default_factory=list)

    def cut(self, error: ProxyError) -> None:
        self.errors.append(error.code)


def stream(source: Source, headers: Mapping[bytes, bytes]) -> Stream:
    return Stream(headers, identify(headers, source.current()))


def test_only_the_streams_of_whose_standing_changed_are_looked_at() -> None:
    source = Source()
    fence = Fence(source, Fencing(), Stream.cut)
    one, other = (stream(source, {b"x-api-key": name}) for name in (b"r_1", b"r_2"))
    for each in (one, other):
        fence.enter(each)
    source.runs["r_2"] = replace(SECOND, state="revoked")  # not told: nobody looks
    source.change("r_1", state="revoked")
    assert (one.errors, other.errors) == (["run_revoked"], [])


def test_a_stream_that_enters_after_its_run_has_ended_is_cut_at_once() -> None:
    source = Source()
    fence = Fence(source, Fencing(), Stream.cut)
    late = stream(source, {b"x-api-key": b"r_1"})
    source.change("r_1", state="revoked")
    fence.enter(late)
    assert late.errors == ["run_revoked"]


def test_a_call_that_has_left_is_left_alone() -> None:
    source = Source()
    fence = Fence(source, Fencing(), Stream.cut)
    gone = stream(source, {b"x-api-key": b"r_1"})
    fence.enter(gone)
    fence.leave(gone)
    fence.leave(gone)
    fence.rename(gone)
    source.change("r_1", state="revoked")
    assert gone.errors == []


@pytest.mark.parametrize(
    ("values", "fencing", "expected"),
    [
        ({"state": "revoked"}, Fencing(), ["run_revoked"]),
        ({"state": "revoked"}, Fencing(revoked_streams="finish"), []),
        ({"state": "held", "is_frozen": True}, Fencing(), ["run_paused"]),
        ({"state": "held", "is_frozen": True}, Fencing(frozen_streams="finish"), []),
        ({"state": "held"}, Fencing(), []),
    ],
)
def test_a_call_of_an_agents_key_with_several_runs_is_held_to_the_run_it_was_put_down_to(
    values: dict[str, object], fencing: Fencing, expected: list[str]
) -> None:
    source = Source()
    fence = Fence(source, fencing, Stream.cut)
    mine = stream(source, BOTH)
    fence.enter(mine)
    source.change("r_2", **values)
    assert mine.errors == []
    source.change("r_1", **values)
    assert mine.errors == expected


def test_a_call_that_was_renamed_is_found_by_its_new_run_and_not_by_the_old_one() -> None:
    source = Source()
    fence = Fence(source, Fencing(), Stream.cut)
    mine = stream(source, BOTH)
    fence.enter(mine)
    mine.headers = {b"x-api-key": b"agent", b"x-pointsman-task": b"t_2"}
    mine.caller = identify(mine.headers, source.current())
    fence.rename(mine)
    source.change("r_1", state="revoked")
    assert mine.errors == []
    source.change("r_2", state="revoked")
    assert mine.errors == ["run_revoked"]


def test_an_answer_is_withheld_from_a_revoked_run_only_and_not_where_streams_finish() -> None:
    source = Source()
    caller = identify({b"x-api-key": b"r_1"}, source.current())
    strict, lenient = Fence(source, Fencing(), Stream.cut), Fence(source, Fencing(revoked_streams="finish"), Stream.cut)
    source.change("r_1", state="held", is_frozen=True)
    assert strict.withholds(caller) is None
    source.change("r_1", state="revoked")
    assert strict.withholds(caller) is not None
    assert lenient.withholds(caller) is None
