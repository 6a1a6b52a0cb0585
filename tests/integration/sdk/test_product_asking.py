"""Typed questions on the whole product: what a person answers by the API is what the program gets."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pointsman import Agent, AsyncAgent
from pydantic import BaseModel

from tests.integration.sdk.people import Person
from tests.product import Product

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.xdist_group("product")]


class Wanted(BaseModel):
    """What a form asks for."""

    words: int
    tone: str = "calm"


async def test_a_choice_a_form_and_an_approval_are_answered_by_the_api(product: Product):
    with Person(product) as person:
        key = person.new_agent("asks-much")
        ref = person.new_task("Ask me everything", needs=["ask-much"])

        async def answered(asking: Any, value: Any) -> tuple[Any, dict[str, Any]]:
            answering = asyncio.to_thread(person.answer_when_asked, ref, value)
            return await asyncio.gather(asking, answering)

        async with AsyncAgent("asks-much", ["ask-much"], url=product.web_url, key=key) as agent:
            task = await agent.next_task()
            assert task is not None
            tone, choice = await answered(task.ask("Which tone?", choices=["calm", "loud"]), "loud")
            wanted, form = await answered(task.ask("How long?", form=Wanted), {"words": 300})
            may, approval = await answered(task.approve("Send it?"), True)
            may_not, _ = await answered(task.approve("Really?"), False)
            assert await task.submit("Asked and answered") == 1
        assert (tone, wanted, may, may_not) == ("loud", Wanted(words=300), True, False)
        assert (choice["kind"], choice["choices"]) == ("choice", ["calm", "loud"])
        assert (form["kind"], list(form["form"]["properties"])) == ("form", ["words", "tone"])
        assert approval["kind"] == "approval"


def test_the_same_without_asyncio(product: Product):
    with Person(product) as person, ThreadPoolExecutor(1) as room:
        key = person.new_agent("asks-plainly")
        ref = person.new_task("Ask me plainly", needs=["ask-plainly"])
        with Agent("asks-plainly", ["ask-plainly"], url=product.web_url, key=key) as agent:
            task = agent.next_task()
            assert task is not None
            answering = room.submit(person.answer_when_asked, ref, {"words": 20, "tone": "loud"})
            assert task.ask("How long?", form=Wanted) == Wanted(words=20, tone="loud")
            answering.result()
            answering = room.submit(person.answer_when_asked, ref, True)
            assert task.approve("Send it?") is True
            answering.result()
            task.submit("Sent.")


def test_an_answer_that_was_not_asked_for_is_refused(product: Product):
    with Person(product) as person, ThreadPoolExecutor(1) as program:
        key = person.new_agent("asks-strictly")
        ref = person.new_task("Ask me strictly", needs=["ask-strictly"])
        with Agent("asks-strictly", ["ask-strictly"], url=product.web_url, key=key) as agent:
            task = agent.next_task()
            assert task is not None
            asking = program.submit(lambda: task.ask("Which tone?", choices=["calm", "loud"]))
            person.until(ref, lambda shown: shown["question"])
            refused = person.client.post(f"/tasks/{ref}/answer", json={"value": "shrill"})
            assert (refused.status_code // 100, asking.done()) == (4, False), refused.text
            person.answer_when_asked(ref, "calm")
            assert asking.result(20) == "calm"
            asking = program.submit(lambda: task.ask("How long?", form=Wanted))
            person.until(ref, lambda shown: shown["question"])
            refused = person.client.post(f"/tasks/{ref}/answer", json={"value": {"words": "many"}})
            assert (refused.status_code // 100, asking.done()) == (4, False), refused.text
            person.answer_when_asked(ref, {"words": 3})
            assert asking.result(20) == Wanted(words=3)
            task.submit("Calm.")


def test_no_answer_in_time_is_a_no(product: Product):
    with Person(product) as person:
        key = person.new_agent("asks-in-vain")
        ref = person.new_task("Ask nobody", needs=["ask-in-vain"])
        with Agent("asks-in-vain", ["ask-in-vain"], url=product.web_url, key=key) as agent:
            task = agent.next_task()
            assert task is not None
            assert task.ask("Anyone?", choices=["yes"], expires_in_seconds=1) is None
            assert task.approve("May I?", expires_in_seconds=1) is False
            assert person.task(ref)["run"]["state"] == "running"
            assert task.submit("Nobody said no.") == 1
        assert person.kinds(ref).count("question_expired") == 2


def test_a_task_that_waits_for_a_person_says_so(product: Product):
    with Person(product) as person, ThreadPoolExecutor(1) as program:
        key = person.new_agent("asks-loudly")
        ref = person.new_task("Wait for me", needs=["ask-loudly"])
        with Agent("asks-loudly", ["ask-loudly"], url=product.web_url, key=key) as agent:
            task = agent.next_task()
            assert task is not None
            asking = program.submit(lambda: task.approve("Publish?", expires_in_seconds=3600))
            waiting = person.until(ref, lambda shown: shown["question"])
            assert (waiting["status"], waiting["run"]["state"]) == ("in_progress", "waiting_approval")
            assert waiting["question"]["expires_at"] is not None
            inbox = person.get("/inbox?user=admin")["notices"]
            calls = [(one["kind"], one["text"]) for one in inbox if one["ref"] == ref]
            assert calls == [("approval", "asks you to approve: “Publish?”")]
            person.answer_when_asked(ref, True)
            assert asking.result(20) is True
            assert [one for one in person.get("/inbox?user=admin")["notices"] if one["ref"] == ref] == []
            task.submit("Published.")
