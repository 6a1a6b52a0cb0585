"""Who comes in, by which key, password or link, and for how long."""

import asyncio

import pytest
from pointsman.contract import KeyKind, new_key
from sqlalchemy import select

from controlplane.access.agents import agent_name, call_sign_of, find_agent, register_agent
from controlplane.access.callers import authenticate
from controlplane.access.keys import adopt_key, create_key, revoke_key
from controlplane.access.people import create_admin_if_none
from controlplane.access.sessions import (
    LINK_MS,
    SESSION_MS,
    TRIES_WINDOW_MS,
    TooManyTries,
    create_sign_in_link,
    find_signed_in,
    set_password,
    sign_in,
    sign_out,
    use_sign_in_link,
)
from controlplane.domain.state import ActorKind
from controlplane.store.tables import Key, Outbox, Session, SignInLink, User
from controlplane.store.upsert import table_of

PASSWORD = "correct horse battery staple"


async def test_the_first_admin_is_made_once(database, admin):
    async with database.transaction() as session:
        assert await create_admin_if_none(session, 99) == admin
    assert (admin.role, admin.actor.kind) == ("admin", ActorKind.PERSON)


async def test_nothing_secret_is_stored_as_it_is(database, admin):
    async with database.transaction() as session:
        link = await create_sign_in_link(session, admin.user_id, 1)
        key = await create_key(session, KeyKind.ADMIN, admin.workspace_id, "script", 1)
        token = await use_sign_in_link(session, await create_sign_in_link(session, admin.user_id, 1), 2)
        await set_password(session, admin.user_id, PASSWORD)
    async with database.reading() as session:
        stored = ""
        for table in (Key, SignInLink, Session, User):
            stored += str((await session.execute(select(table_of(table)))).all())
    assert not any(secret in stored for secret in (link, key, token, PASSWORD))


async def test_a_link_lets_in_once(database, admin):
    async with database.transaction() as session:
        link = await create_sign_in_link(session, admin.user_id, 1)
    async with database.transaction() as session:
        token = await use_sign_in_link(session, link, 2)
        assert await find_signed_in(session, token, 3) == admin
        assert await use_sign_in_link(session, link, 3) is None


async def test_of_two_who_use_a_link_at_once_one_comes_in(database, admin):
    async with database.transaction() as session:
        link = await create_sign_in_link(session, admin.user_id, 1)

    async def use() -> str | None:
        async with database.transaction() as session:
            return await use_sign_in_link(session, link, 2)

    assert sorted(token is None for token in await asyncio.gather(use(), use())) == [False, True]


@pytest.mark.parametrize("at_ms", [1 + LINK_MS, 2 + LINK_MS])
async def test_a_link_expires(database, admin, at_ms):
    async with database.transaction() as session:
        link = await create_sign_in_link(session, admin.user_id, 1)
        assert await use_sign_in_link(session, link, at_ms) is None


async def test_a_session_ends_by_time_or_by_signing_out(database, admin):
    async with database.transaction() as session:
        token = await use_sign_in_link(session, await create_sign_in_link(session, admin.user_id, 1), 1)
        assert await find_signed_in(session, token, SESSION_MS) == admin
        assert await find_signed_in(session, token, 1 + SESSION_MS) is None
        await sign_out(session, token)
        assert await find_signed_in(session, token, 2) is None


async def test_only_the_right_password_lets_in(database, admin):
    assert await sign_in(database, admin.email, PASSWORD, 1) is None  # has none yet
    async with database.transaction() as session:
        await set_password(session, admin.user_id, PASSWORD)
    assert await sign_in(database, admin.email, "wrong", 1) is None
    assert await sign_in(database, "nobody@localhost", PASSWORD, 1) is None
    token = await sign_in(database, f" {admin.email.upper()} ", PASSWORD, 1)
    async with database.reading() as session:
        assert await find_signed_in(session, token, 2) == admin


async def test_an_address_with_too_many_wrong_passwords_has_to_wait(database, admin, monkeypatch):
    monkeypatch.setattr("controlplane.access.sessions.TRIES", 2)  # each try costs a tenth of a second on purpose
    async with database.transaction() as session:
        await set_password(session, admin.user_id, PASSWORD)
    for _ in range(2):
        await sign_in(database, admin.email, "wrong", 1000)
    with pytest.raises(TooManyTries):
        await sign_in(database, admin.email, PASSWORD, 1001)
    assert await sign_in(database, admin.email, PASSWORD, 1000 + TRIES_WINDOW_MS)


async def test_a_key_names_its_holder_until_it_is_revoked(database, admin):
    async with database.transaction() as session:
        agent = await register_agent(session, admin.workspace_id, "Writer", 1)
        key = await create_key(session, KeyKind.AGENT, admin.workspace_id, "laptop", 1, agent.agent_id)
        caller = await authenticate(session, key)
        assert (caller.kind, caller.name, caller.agent_id) == (KeyKind.AGENT, "writer", agent.agent_id)
        assert await revoke_key(session, "w_other", caller.key_id, 2) is False
        assert await revoke_key(session, admin.workspace_id, caller.key_id, 2) is True
        assert await authenticate(session, key) is None
        topics = await session.execute(select(table_of(Outbox).c.topic).order_by(table_of(Outbox).c.seq))
        assert list(topics.scalars()) == ["agent", "key", "key"]


async def test_an_admin_keys_holder_acts_as_a_person(database, admin):
    async with database.transaction() as session:
        caller = await authenticate(session, await create_key(session, KeyKind.ADMIN, admin.workspace_id, "ci", 1))
    assert (caller.actor.kind, caller.actor.name) == (ActorKind.PERSON, "ci")


async def test_a_key_from_a_file_is_adopted_once(database, admin):
    key = new_key(KeyKind.ADMIN)
    async with database.transaction() as session:
        for _ in range(2):
            await adopt_key(session, key, admin.workspace_id, "admin-key", 1)
        assert (await authenticate(session, key)).name == "admin-key"
        assert len((await session.execute(select(Key))).all()) == 1


@pytest.mark.parametrize(("kind", "agent"), [(KeyKind.AGENT, None), (KeyKind.ADMIN, "a_1"), (KeyKind.RUN, None)])
async def test_a_key_without_the_right_holder_is_not_made(database, admin, kind, agent):
    async with database.transaction() as session:
        with pytest.raises(ValueError, match="cannot belong"):
            await create_key(session, kind, admin.workspace_id, "x", 1, agent)


async def test_an_agent_is_registered_once_and_what_is_not_said_stays(database, admin):
    async with database.transaction() as session:
        first = await register_agent(session, admin.workspace_id, "Writer", 1, capabilities=["Draft", "edit", "draft"])
        again = await register_agent(session, admin.workspace_id, "writer", 2, call_sign="WWW")
        assert again.agent_id == first.agent_id
        found = await find_agent(session, admin.workspace_id, first.agent_id)
        assert (found.capabilities, found.call_sign, found.created_at_ms) == (["draft", "edit"], "WWW", 1)


async def test_call_signs_are_told_apart(database, admin):
    async with database.transaction() as session:
        signs = [
            (await register_agent(session, admin.workspace_id, f"drafting {number}", 1)).call_sign
            for number in range(3)
        ]
    assert len(set(signs)) == 3
    assert signs[0] == "DRF"


@pytest.mark.parametrize(
    ("name", "sign"),
    [("qa", "QA"), ("research", "RSC"), ("drafting", "DRF"), ("a", "A"), ("aeiou", "AE"), ("x-1", "X1")],
)
def test_a_call_sign_is_made_from_the_name(name, sign):
    assert call_sign_of(name) == sign


@pytest.mark.parametrize("text", ["", "-", "a/b", "ä", "x" * 41, "@me", "a\nb"])
def test_an_odd_name_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match="An agent's name is"):
        agent_name(text)
