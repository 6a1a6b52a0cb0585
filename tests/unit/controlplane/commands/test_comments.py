"""Comments and mentions: said once, heard once."""

import pytest
from sqlalchemy import select

from controlplane.access.people import Person
from controlplane.commands import CommandRefused
from controlplane.domain.state import Actor, ActorKind
from controlplane.store.tables import Comment, Notice, Outbox, User
from controlplane.store.upsert import table_of

AGENT = Actor(ActorKind.AGENT, "a_writer", "writer")


@pytest.fixture
async def maya(service, database, admin) -> Person:
    async with database.transaction() as session:
        user = User(
            user_id="u_maya",
            workspace_id=admin.workspace_id,
            email="maya@example.com",
            name="Maya",
            handle="maya",
            role="member",
            created_at_ms=1,
        )
        session.add(user)
    await service.create_task(admin.actor, "cmd_1", admin.workspace_id, None, "Write it")
    return Person("u_maya", admin.workspace_id, "maya@example.com", "Maya", "maya", "member")


async def notices(database) -> list[Notice]:
    async with database.reading() as session:
        return list((await session.execute(select(Notice))).scalars())


async def test_a_mention_reaches_the_person_once_however_often_it_is_sent(service, database, maya):
    for _ in range(3):
        await service.comment(AGENT, "cmd_c", "T-1", "Ready, @Maya: please look. (cc @maya, @nobody)")
    (notice,) = await notices(database)
    assert (notice.user_id, notice.kind) == ("u_maya", "mention")
    assert notice.text == "writer: Ready, @Maya: please look. (cc @maya, @nobody)"
    async with database.reading() as session:
        assert len((await session.execute(select(Comment))).all()) == 1
        outbox = await session.execute(select(table_of(Outbox).c.topic).order_by(table_of(Outbox).c.seq))
        assert list(outbox.scalars())[-2:] == ["comment", "notice"]


@pytest.mark.parametrize("text", ["mail maya@example.com", "no mention", "see a/@maya", "@@maya"])
async def test_what_only_looks_like_a_mention_calls_nobody(service, database, maya, text):
    await service.comment(AGENT, "cmd_c", "T-1", text)
    assert await notices(database) == []


async def test_nobody_is_called_by_their_own_words(service, database, maya):
    await service.comment(maya.actor, "cmd_c", "T-1", "Note to @maya")
    assert await notices(database) == []


async def test_an_answer_where_one_was_called_resolves_the_call(service, database, maya):
    await service.comment(AGENT, "cmd_c", "T-1", "@maya?")
    await service.comment(maya.actor, "cmd_d", "T-1", "Yes.")
    assert [notice.resolved_at_ms is not None for notice in await notices(database)] == [True]


async def test_a_mention_that_was_seen_is_done_with(service, database, admin, maya):
    await service.comment(AGENT, "cmd_c", "T-1", "@maya?")
    (notice,) = await notices(database)
    assert await service.mark_seen(admin.user_id, notice.notice_id) is False
    assert await service.mark_seen("u_maya", notice.notice_id) is True
    (notice,) = await notices(database)
    assert notice.resolved_at_ms is not None


async def test_an_empty_comment_is_refused(service, maya):
    with pytest.raises(CommandRefused):
        await service.comment(AGENT, "cmd_c", "T-1", "  \n")
