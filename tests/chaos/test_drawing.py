"""What is drawn from a seed: graphs that can be done, kill plans that keep their promises."""

from collections import Counter
from graphlib import TopologicalSorter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.graph import NOBODY, draw_graph
from tests.chaos.options import TARGETS, Options, parse_options
from tests.chaos.plan import draw_plan

SEEDS = st.integers(0, 2**32)
TASKS = st.integers(2, 200)


@given(SEEDS, TASKS)
def test_a_graph_has_no_cycle_and_nobody_waits_for_himself(seed: int, tasks: int) -> None:
    nodes = draw_graph(seed, tasks)
    waits = {node.number: node.all_blockers for node in nodes}
    order = list(TopologicalSorter(waits).static_order())  # raises CycleError
    assert sorted(order) == list(range(tasks))
    assert all(len(set(node.all_blockers)) == len(node.all_blockers) for node in nodes)


@given(SEEDS, TASKS)
def test_a_task_can_be_made_after_those_with_smaller_numbers(seed: int, tasks: int) -> None:
    for node in draw_graph(seed, tasks):
        assert all(0 <= blocker < node.number for blocker in node.all_blockers)
        assert node.blockers or not node.late_blockers


@given(SEEDS, TASKS)
def test_nobody_waits_for_a_task_that_is_called_off(seed: int, tasks: int) -> None:
    nodes = draw_graph(seed, tasks)
    waited_for = {blocker for node in nodes for blocker in node.all_blockers}
    for node in nodes:
        assert node.is_called_off == (node.needs == NOBODY)
        assert not (node.is_called_off and node.number in waited_for)


@given(SEEDS)
def test_sixty_tasks_have_several_levels_a_fan_in_and_a_fan_out(seed: int) -> None:
    nodes = draw_graph(seed, 60)
    assert len({node.level for node in nodes}) >= 6
    assert max(len(node.all_blockers) for node in nodes) >= 10
    assert max(Counter(blocker for node in nodes for blocker in node.all_blockers).values()) >= 2


@given(SEEDS, st.integers(12, 60))
def test_each_target_is_killed_at_least_twice_when_there_are_kills_enough(seed: int, kills: int) -> None:
    plan = draw_plan(Options(seed, kills=kills))
    assert len(plan) == kills
    assert min(Counter(kill.target for kill in plan)[target] for target in TARGETS) >= 2


@given(SEEDS)
def test_the_same_seed_draws_the_same(seed: int) -> None:
    assert draw_graph(seed, 60) == draw_graph(seed, 60)
    assert draw_plan(Options(seed)) == draw_plan(Options(seed))


def test_a_plan_that_was_given_is_kept_in_its_order() -> None:
    options = parse_options(["--seed", "1", "--plan", "web,proxy,agent", "--agents", "3"])
    assert [kill.target for kill in draw_plan(options)] == ["web", "proxy", "agent"]
    longer = parse_options(["--seed", "1", "--plan", "web,proxy", "--kills", "5"])
    assert [kill.target for kill in draw_plan(longer)] == ["web", "proxy", "web", "proxy", "web"]


def test_only_some_targets_are_killed_when_only_they_are_named() -> None:
    options = parse_options(["--seed", "1", "--only", "web,proxy", "--kills", "20"])
    assert {kill.target for kill in draw_plan(options)} == {"web", "proxy"}


@pytest.mark.parametrize("wrong", [["--only", "simulated"], ["--plan", ""], ["--kills", "0"], ["--minutes", "900"]])
def test_what_makes_no_sense_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_options(wrong)
    assert ended.value.code == 2
    assert "error" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--plan", "web,agent"], ["--only", "proxy", "--kills", "4"], ["--every", "2.5"]]
)
def test_a_run_says_what_repeats_it(arguments: list[str]) -> None:
    options = parse_options(["--seed", "5", *arguments])
    repeated = options.command.partition('ARGS="')[2].rstrip('"').split()
    assert parse_options(repeated) == options
