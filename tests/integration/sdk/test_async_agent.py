"""The asynchronous agent: the same behaviour, and what cancelling means."""

import asyncio

import pytest
from pointsman import AsyncAgent, AsyncTask, LeaseLost
from pointsman.testing import FakePointsman


def writer(server: FakePointsman) -> AsyncAgent:
    return AsyncAgent("writer", capabilities=["draft"], url=server.url, key=server.key)


async def true_of(server: FakePointsman, condition: object) -> None:
    """Waits, without holding up the loop, for something to become true of the server."""
    await asyncio.to_thread(server.wait_for, condition)


async def claimed_by(agent: AsyncAgent) -> AsyncTask:
    task = await agent.next_task()
    assert task is not None
    return task


async def test_tasks_are_worked_on_one_after_the_other(server: FakePointsman):
    first, second = server.add_task("First"), server.add_task("Second")
    async with writer(server) as agent:
        async for task in agent.tasks():
            client = task.openai()
            answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": task.brief}])
            await client.close()
            await task.submit(answer.choices[0].message.content or "")
            if task.ref == "T-2":
                agent.stop()
    assert first.versions == second.versions == ["An answer of the fake server."]


async def test_a_cancelled_program_gives_its_task_back(server: FakePointsman):
    task = server.add_task("First")
    at_work = asyncio.Event()

    async def work() -> None:
        async with writer(server) as agent, await claimed_by(agent):
            at_work.set()
            await asyncio.Event().wait()

    working = asyncio.ensure_future(work())
    await asyncio.wait_for(at_work.wait(), 10)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert task.runs[0].state == "released"


async def test_a_question_keeps_the_lease_alive(server: FakePointsman):
    task = server.add_task("Map")
    async with writer(server) as agent:
        claimed = await claimed_by(agent)
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(claimed.ask("Regions?"))
            await true_of(server, lambda: task.questions and task.runs[0].beats >= 5)
            server.answer(task, "Yes")
        assert asking.result() == "Yes"


async def test_a_loss_ends_the_waiting_for_an_answer(server: FakePointsman):
    task = server.add_task("Map")
    async with writer(server) as agent:
        claimed = await claimed_by(agent)
        asking = asyncio.ensure_future(claimed.ask("Regions?"))
        await true_of(server, lambda: task.questions)
        server.take_away(task)
        with pytest.raises(LeaseLost):
            await asyncio.wait_for(asking, 10)


async def test_a_loss_told_through_the_channel_is_known_before_the_next_beat(server: FakePointsman):
    server.beat_seconds = 60
    task = server.add_task("First")
    async with writer(server) as agent:
        claimed = await claimed_by(agent)
        await true_of(server, lambda: server.channel_count)
        server.take_away(task)
        await asyncio.wait_for(claimed.until_lost(), 5)
        assert claimed.is_lost


async def test_beats_go_over_http_while_there_is_no_channel(server: FakePointsman):
    task = server.add_task("First")
    async with writer(server) as agent:
        await claimed_by(agent)
        agent._listening.cancel()
        await true_of(server, lambda: server.channel_count == 0)
        beats = task.runs[0].beats
        await true_of(server, lambda: task.runs[0].beats >= beats + 3)


async def test_a_loss_during_an_outage_is_learnt_when_the_server_is_back(server: FakePointsman):
    task = server.add_task("First")
    async with writer(server) as agent:
        claimed = await claimed_by(agent)
        server.go_away()
        server.take_away(task)
        server.come_back()
        await asyncio.wait_for(claimed.until_lost(), 5)
        assert claimed.is_lost


async def test_an_agent_may_be_used_again_after_its_loop(server: FakePointsman):
    agent = writer(server)
    for number in (1, 2):
        server.add_task(f"Number {number}")
        async with agent:
            task = await claimed_by(agent)
            assert await task.submit("text") == 1
