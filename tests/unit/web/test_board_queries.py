"""The board's view over real rows: how many statements it takes, and what its filters let through."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from controlplane.queries.bell import bell_view
from controlplane.queries.board import BoardFilter, board_view
from tests.fakes.project import Yard


@contextmanager
def counted(yard: Yard) -> Iterator[list[str]]:
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    engine = yard.site.control.engine.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    yield statements
    event.remove(engine, "before_cursor_execute", count)


async def board(yard: Yard, wanted: BoardFilter = BoardFilter()):  # noqa: B008 - frozen
    async with yard.site.control.reading() as session:
        return await board_view(session, yard.site.person.workspace_id, wanted, yard.site.clock.now_ms())


async def test_a_larger_board_takes_no_more_statements(yard: Yard) -> None:
    with counted(yard) as few:
        await board(yard)
    for number in range(20):
        await yard.create(f"Task {number}", blockers=("T-3",))
    with counted(yard) as many:
        await board(yard)
    assert len(few) == len(many) <= 8


@pytest.mark.parametrize(
    ("wanted", "refs"),
    [
        (BoardFilter(signal="attention"), {"T-2", "T-3", "T-6"}),
        (BoardFilter(signal="blocked"), {"T-4", "T-5"}),
        (BoardFilter(agent="qa"), {"T-4", "T-5"}),
        (BoardFilter(text="FINNISH"), {"T-9"}),
        (BoardFilter(text="t-8"), {"T-8"}),
        (BoardFilter(signal="watch"), set()),
    ],
)
async def test_a_filter_shows_its_cards_while_the_figures_count_all(
    yard: Yard, wanted: BoardFilter, refs: set[str]
) -> None:
    view = await board(yard, wanted)
    assert {card.ref for card in view.cards().values()} == refs
    assert (view.total, view.count(["stuck", "failed"]), view.count(["human"])) == (9, 1, 2)


async def test_work_done_long_ago_leaves_the_board_but_not_the_filter(yard: Yard) -> None:
    yard.later(60 * 24 * 8)
    assert "T-1" not in {card.ref for card in (await board(yard)).cards().values()}
    everything = await board(yard, BoardFilter(shows_all_done=True))
    assert "T-1" in {card.ref for card in everything.cards().values()}


async def test_a_review_resolves_its_own_item_behind_the_bell(yard: Yard) -> None:
    async def kinds() -> list[str]:
        async with yard.site.control.reading() as session:
            return [item.kind for item in (await bell_view(session, yard.site.person.user_id)).open]

    assert sorted(await kinds()) == ["mention", "question", "review"]
    task = next(state for state in yard.site.engine.tasks.values() if state.number == 2)
    await yard.review(task, 2)
    assert sorted(await kinds()) == ["mention", "question"]


async def test_a_card_in_the_backlog_waits_for_nobody(yard: Yard) -> None:
    await yard.create("Some day", needs=("research",), to_backlog=True)
    await yard.create("Today", needs=("research",))
    reasons = {card.title: card.reason.text for card in (await board(yard)).cards().values()}
    assert (reasons["Some day"], reasons["Today"]) == ("", "Waits for an agent that can research")
