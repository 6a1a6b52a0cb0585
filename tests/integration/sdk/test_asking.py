"""Typed questions, checkpoints, files, sub-tasks and words of people: both voices of the SDK on the fake server."""

import asyncio
from collections.abc import Iterator

import pytest
from pointsman import Agent, AsyncAgent, RunEnded
from pointsman.testing import FakePointsman
from pydantic import BaseModel


@pytest.fixture
def server() -> Iterator[FakePointsman]:
    with FakePointsman(beat_seconds=0.2) as server:
        yield server


class Wanted(BaseModel):
    """What a form asks for."""

    words: int
    tone: str = "calm"


async def answered(server: FakePointsman, task, asking, answer) -> object:
    """What the program gets for this answer."""
    waiting = asyncio.ensure_future(asking)
    await asyncio.to_thread(server.wait_for, lambda: task.questions.keys() - task.answers.keys() - task.expired)
    await asyncio.to_thread(answer)
    return await waiting


async def test_a_choice_a_form_and_an_approval_come_back_as_they_were_asked_for(server):
    fake = server.add_task("Write it")
    async with AsyncAgent("writer", url=server.url, key=server.key) as agent:
        task = await agent.next_task()
        choice = task.ask("Which tone?", choices=["calm", "loud"], expires_in_seconds=60)
        assert await answered(server, fake, choice, lambda: server.answer(fake, "calm")) == "calm"
        form = task.ask("How long?", form=Wanted)
        assert await answered(server, fake, form, lambda: server.answer(fake, {"words": 300})) == Wanted(words=300)
        assert await answered(server, fake, task.approve("Send it?"), lambda: server.answer(fake, True)) is True
        assert await answered(server, fake, task.approve("Really?"), lambda: server.answer(fake, False)) is False
    kinds = [asked.get("kind", "text") for asked in fake.asked.values()]
    assert kinds == ["choice", "form", "approval", "approval"]
    assert next(iter(fake.asked.values()))["expires_in_seconds"] == 60


async def test_no_answer_in_time_is_a_no(server):
    fake = server.add_task("Write it")
    async with AsyncAgent("writer", url=server.url, key=server.key) as agent:
        task = await agent.next_task()
        assert await answered(server, fake, task.ask("Anyone?"), lambda: server.expire(fake)) is None
        assert await answered(server, fake, task.approve("May I?"), lambda: server.expire(fake)) is False


def test_choices_and_a_form_together_are_the_programs_mistake(server):
    server.add_task("Write it")
    with Agent("writer", url=server.url, key=server.key) as agent:
        task = agent.next_task()
        with pytest.raises(ValueError, match="not both"):
            task.ask("?", choices=["a"], form=Wanted)


def test_the_next_run_goes_on_from_the_last_checkpoint(server):
    server.add_task("Write it")
    with Agent("writer", url=server.url, key=server.key) as agent:
        task = agent.next_task()
        assert task.last_checkpoint() is None
        task.checkpoint({"page": 3}, "page 3")
        task.release("stopped in the middle")
        again = agent.next_task()
        assert again.last_checkpoint() == {"page": 3}
        assert again.handoff().goal == "Write it"


def test_a_file_arrives_whole_although_answers_get_lost(server, tmp_path):
    server.add_task("Draw it")
    picture = tmp_path / "chart.png"
    picture.write_bytes(bytes(range(256)) * 40_000)
    with Agent("painter", url=server.url, key=server.key) as agent:
        task = agent.next_task()
        server.drop_answers(3)
        assert task.submit_file(picture) == 1
    (upload,) = {one.name: one for one in server.uploads.all.values() if one.content}.values()
    assert bytes(upload.content) == picture.read_bytes()


def test_a_link_and_code_are_handed_in_as_what_they_are(server):
    first, second = server.add_task("Link it"), server.add_task("Code it")
    with Agent("writer", url=server.url, key=server.key) as agent:
        agent.next_task().submit_link("https://example.org/report", title="Report")
        agent.next_task().submit("print(1)", format="code", language="python")
    assert (first.versions, second.versions) == (["https://example.org/report"], ["print(1)"])


async def test_a_word_of_a_person_reaches_the_run_at_once_and_a_pause_while_it_lasts(server):
    server.beat_seconds = 30.0  # only the channel is quick enough
    fake = server.add_task("Write it")
    async with AsyncAgent("writer", url=server.url, key=server.key) as agent:
        task = await agent.next_task()
        await asyncio.to_thread(server.wait_for, lambda: server.channel_count)
        await asyncio.to_thread(server.nudge, fake, "Keep it short.")
        async with asyncio.timeout(5):
            while not task.nudges:
                await asyncio.sleep(0.01)
        await asyncio.to_thread(server.pause, fake)
        async with asyncio.timeout(5):
            while not task.is_paused:
                await asyncio.sleep(0.01)
        await asyncio.to_thread(lambda: server.pause(fake, is_paused=False))
        async with asyncio.timeout(5):
            while task.is_paused:
                await asyncio.sleep(0.01)
    assert task.nudges == ("Keep it short.",)


def test_a_run_that_waits_for_something_outside_is_over(server):
    fake = server.add_task("Write it")
    with Agent("writer", url=server.url, key=server.key) as agent:
        task = agent.next_task()
        task.blocked_on("the figures of the quarter")
        with pytest.raises(RunEnded):
            task.progress("still here")
        assert not task.is_open
    assert fake.waits_for == "the figures of the quarter"


def test_a_run_makes_tasks_below_its_own(server):
    fake = server.add_task("Write it")
    with Agent("writer", url=server.url, key=server.key) as agent:
        assert agent.next_task().subtask("Find sources", needs=["research"], priority=2) == "T-2"
    assert fake.subtasks == [{"title": "Find sources", "brief": "", "needs": ["research"], "priority": 2}]
