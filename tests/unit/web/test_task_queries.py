"""What the task page reads is what the board and the claims say, though it reads far less."""

from controlplane.queries.board import BoardFilter, board_view
from controlplane.queries.neighbours import around
from controlplane.queries.reviews import review_of
from controlplane.queries.task import TaskView, task_view
from controlplane.queries.why import why_waiting
from tests.fakes import situations
from tests.fakes.project import Yard
from tests.fakes.situations import task


async def view_of(yard: Yard, number: int) -> TaskView:
    site = yard.site
    async with site.control.reading() as control, site.station.calls.reading() as calls:
        found = await task_view(
            control, calls, site.person.workspace_id, task(yard, number).task_id, site.clock.now_ms()
        )
    assert found is not None
    return found


async def test_a_task_s_own_card_is_the_card_on_the_board(yard: Yard) -> None:
    await situations.held(yard)
    site = yard.site
    async with site.control.reading() as session:
        wanted = BoardFilter(shows_ended=True)
        board = await board_view(session, site.person.workspace_id, wanted, site.clock.now_ms())
    for card in board.cards().values():
        assert (await view_of(yard, card.number)).card == card


async def test_around_a_task_are_all_that_it_waits_for_and_all_behind_it_and_nobody_else(yard: Yard) -> None:
    async with yard.site.control.reading() as session:
        found = await around(session, task(yard, 4).task_id)
    assert found == {task(yard, number).task_id for number in (3, 4, 5)}


async def test_the_place_in_the_queue_is_the_order_in_which_agents_take_tasks(yard: Yard) -> None:
    made = [await yard.create(f"Task {priority}", priority=priority, needs=("sort",)) for priority in (3, 1, 5, 2)]
    site = yard.site
    places = {}
    async with site.control.reading() as session:
        for state in made:
            reasons = await why_waiting(session, site.person.workspace_id, state.task_id, site.clock.now_ms())
            assert reasons is not None
            places[state.number] = next(reason.sentence for reason in reasons if reason.code == "queued")
    assert places[made[1].number] == "It is the first in the queue."
    taken = []
    for _ in made:
        claim = await site.commands.claim_next(
            yard.agent_ids["publishing"], f"cmd_{len(taken):012d}", capabilities=["sort"], concurrency=9
        )
        assert claim is not None
        taken.append(claim.state.number)
    by_place = sorted(places, key=lambda number: (places[number] != "It is the first in the queue.", places[number]))
    assert taken == by_place


async def test_why_says_nothing_of_a_task_of_another_workspace(yard: Yard) -> None:
    async with yard.site.control.reading() as session:
        assert await why_waiting(session, "w_other", task(yard, 8).task_id, 0) is None


async def test_a_change_is_priced_by_all_runs_between_two_versions(yard: Yard) -> None:
    view = await view_of(yard, 2)
    assert (view.effort(0, 1).calls, view.effort(0, 1).cost_nano_usd) == (1, 71_000_000)
    assert view.effort(0, 2).runs == 2
    assert view.effort(1, 2).runs == 1


async def test_the_first_pass_has_a_seat_that_does_not_count(yard: Yard) -> None:
    state = await situations.review_by_several(yard)
    view = review_of(state, "", ())
    assert [(seat.name, seat.verdict, seat.is_first_pass) for seat in view.seats] == [
        ("qa", "approve", True),
        ("Anna Berg", "approve", False),
        ("Ben Okoro", "", False),
        ("Admin", "", False),
    ]
    assert (view.rule, view.given, view.needed) == ("2 of 3 approve", 1, 2)
    assert not view.may(yard.agent_ids["qa"])
    assert view.missing_from == "a yes of Ben Okoro or Admin"
