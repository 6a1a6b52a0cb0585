"""Tasks that build on others, agents that review agents, and work that comes back, on the whole product."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pointsman import Agent, AsyncAgent, RequestRefused, RunEnded

from tests.integration.sdk.people import Person
from tests.product import Product, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.xdist_group("product")]


@pytest.fixture
def person(product: Product) -> Iterator[Person]:
    with Person(product) as somebody:
        yield somebody


def agent_of(person: Person, name: str, *capabilities: str) -> Agent:
    key = person.new_agent(name, *capabilities)
    return Agent(name, capabilities, url=person.product.web_url, key=key)


def test_a_run_makes_parts_whose_progress_stands_on_the_whole(person: Person):
    ref = person.new_task("Write a book", needs=["book"])
    with agent_of(person, "author", "book") as author, agent_of(person, "chapters", "chapter") as writer:
        task = author.next_task()
        assert task is not None
        first = task.subtask("Chapter one", brief="It begins.", needs=["chapter"], priority=2)
        second = task.subtask("Chapter two", needs=["chapter"], blockers=[first])
        whole = person.task(ref)
        assert whole["subtasks"] == {"total": 2, "done": 0, "closed": 0}
        part = person.task(second)
        assert (part["parent"]["ref"], part["is_blocked"]) == (ref, True)
        chapter = writer.next_task()
        assert chapter is not None
        assert (chapter.ref, chapter.brief) == (first, "It begins.")
        chapter.submit("In the beginning.")
        person.do(first, "review", verdict="approve")
        assert person.task(ref)["subtasks"] == {"total": 2, "done": 1, "closed": 1}
        next_chapter = writer.next_task()
        assert next_chapter is not None
        assert next_chapter.ref == second
        assert task.submit("The book.") == 1
        next_chapter.release()


async def test_an_asynchronous_run_waits_for_other_tasks_and_is_begun_again_when_they_are_done(person: Person):
    figures = person.new_task("Collect the figures", needs=["nobody-collects"])
    ref = person.new_task("Build on figures", needs=["builds"])
    key = person.new_agent("builder", "builds")
    async with AsyncAgent("builder", ["builds"], url=person.product.web_url, key=key) as agent:
        task = await agent.next_task()
        assert task is not None
        await task.blocked_on("It builds on the figures.", tasks=[figures])
        with pytest.raises(RunEnded):
            await task.progress("still here?")
        waiting = person.task(ref)
        assert (waiting["status"], waiting["is_blocked"], waiting["run"]) == ("ready", True, None)
        assert [one["ref"] for one in waiting["blockers"]] == [figures]
        assert figures in " ".join(one["sentence"] for one in person.get(f"/tasks/{ref}/why")["reasons"])
        person.do(figures, "complete", reason="They are in the wiki.")
        again = await agent.next_task()
        assert again is not None
        assert (again.ref, again.run.number) == (ref, 2)
        await again.submit("Built.")


def test_a_run_that_waits_for_something_outside_goes_on_when_a_person_lifts_the_hold(person: Person):
    ref = person.new_task("Wait for the post", needs=["post"])
    with agent_of(person, "post-reader", "post") as agent:
        task = agent.next_task()
        assert task is not None
        task.blocked_on("the letter of the bank")
        held = person.task(ref)
        assert [(hold["kind"], hold["reason"]) for hold in held["holds"]] == [("external", "the letter of the bank")]
        assert held["status"] == "ready"
        person.do(ref, "resume", kind="external", reason="It came.")
        again = agent.next_task()
        assert again is not None
        assert again.ref == ref
        again.submit("Read.")


def test_an_agent_looks_first_and_a_person_has_the_last_word(person: Person):
    with agent_of(person, "reviewed", "review-me") as author, agent_of(person, "critic") as critic:
        ref = person.new_task("Review me", needs=["review-me"], review={"needed": 1, "first_pass": "critic"})
        task = author.next_task()
        assert task is not None
        task.submit("Frist version")
        assert person.task(ref)["review"]["waits_for_first_pass"]
        ((note),) = [one for one in critic.notes() if one.ref == ref]
        assert (note.kind, note.version) == ("review", 1)
        assert critic.read(ref) == "Frist version"
        critic.review(ref, "request_changes", "A letter is in the wrong place.", version=1)
        again = author.next_task()
        assert again is not None
        assert (again.review_note, again.previous_version) == ("A letter is in the wrong place.", "Frist version")
        again.submit("First version")
        critic.review(ref, "approve", version=2)
        shown = person.task(ref)
        assert (shown["status"], shown["review"]["waits_for_first_pass"]) == ("in_review", False)
        assert wait_until(lambda: not [one for one in critic.notes() if one.ref == ref], 5)
        assert person.do(ref, "review", verdict="approve")["status"] == "done"


def test_a_reviewers_question_waits_for_the_author_until_it_is_answered(person: Person):
    with agent_of(person, "explains", "explain") as author:
        ref = person.new_task("Explain yourself", needs=["explain"])
        task = author.next_task()
        assert task is not None
        task.submit("It grew by a tenth.")
        asked = person.do(ref, "review", verdict="ask", note="Since which year?")
        assert (asked["status"], asked["clarification"]["text"]) == ("in_review", "Since which year?")
        ((note),) = author.notes()
        assert (note.kind, note.ref, note.text) == ("clarification", ref, "Since which year?")
        assert person.do(ref, "review", verdict="approve")["status"] == "done"
        assert author.notes() == ()


def test_an_agent_never_reviews_its_own_work(person: Person):
    with agent_of(person, "vain", "vain-work") as vain:
        ref = person.new_task("Admire me", needs=["vain-work"], review={"reviewers": ["vain"]})
        task = vain.next_task()
        assert task is not None
        task.submit("Perfect.")
        with pytest.raises(RequestRefused):
            vain.review(ref, "approve", version=1)
        review = person.task(ref)["review"]
        assert review["can_approve"] == []
        assert review["problem"]


def test_two_of_three_agents_are_enough(person: Person):
    with agent_of(person, "voted-on", "vote") as author:
        voters = {name: agent_of(person, name) for name in ("voter-a", "voter-b", "voter-c")}
        wish = {"reviewers": list(voters), "needed": 2}
        ref = person.new_task("Vote on me", needs=["vote"], review=wish)
        task = author.next_task()
        assert task is not None
        task.submit("Choose.")
        try:
            voters["voter-a"].review(ref, "approve")
            assert person.task(ref)["review"]["missing"] == 1
            voters["voter-c"].review(ref, "approve")
            assert person.task(ref)["status"] == "done"
        finally:
            for voter in voters.values():
                voter.close()


def test_a_mention_waits_for_an_agent_until_it_is_dealt_with(person: Person):
    with agent_of(person, "called") as called:
        ref = person.new_task("Call somebody")
        assert [one["name"] for one in person.post("/mentions/preview", text="@called please")["agents"]] == ["called"]
        person.do(ref, "comments", text="@called please look")
        ((note),) = called.notes()
        assert (note.kind, note.ref) == ("mention", ref)
        called.resolve(note)
        assert called.notes() == ()


def test_a_done_task_is_worked_on_again_after_it_is_reopened(person: Person):
    with agent_of(person, "again", "again-work") as agent:
        ref = person.new_task("Do it again", needs=["again-work"])
        for turn, text in enumerate(("One.", "Two."), 1):
            task = agent.next_task()
            assert task is not None
            assert (task.run.number, task.submit(text)) == (turn, turn)
            assert person.do(ref, "review", verdict="approve")["status"] == "done"
            if turn == 1:
                assert person.do(ref, "reopen", reason="The figures changed.")["status"] == "ready"
        shown = person.task(ref)
        assert ([one["version"] for one in shown["versions"]], shown["closed_at"] is None) == ([1, 2], False)
    kinds = person.kinds(ref)
    assert (kinds.count("task_reopened"), kinds.count("task_created")) == (1, 1)


def test_what_builds_on_a_reopened_task_waits_again_or_hears_of_it(person: Person):
    with agent_of(person, "downstream", "downstream") as agent:
        upstream = person.new_task("Upstream", needs=["nobody-upstream"])
        working = person.new_task("Builds on it already", needs=["downstream"], blockers=[upstream], priority=1)
        person.do(upstream, "complete")
        task = agent.next_task()
        assert task is not None
        assert task.ref == working
        waiting = person.new_task("Has not begun", needs=["downstream"], blockers=[upstream])
        person.until(waiting, lambda shown: not shown["is_blocked"])
        person.do(upstream, "reopen", reason="A figure was wrong.")
        assert wait_until(lambda: task.is_upstream_changed, 10)
        assert person.until(waiting, lambda shown: shown["is_blocked"])
        person.do(upstream, "complete")
        person.until(waiting, lambda shown: not shown["is_blocked"])
        task.submit("Built with the new figure.")


@pytest.mark.parametrize(("verb", "cause"), [("cancel", "blocker_cancelled"), ("fail", "blocker_failed")])
def test_who_waits_for_what_will_never_be_done_is_for_a_person_to_decide(person: Person, verb: str, cause: str):
    blocker = person.new_task("Never done", needs=["nobody-does"])
    ref = person.new_task("Waits in vain", needs=["nobody-waits"], blockers=[blocker])
    person.do(blocker, verb, reason="not any more")
    stuck = person.until(ref, lambda shown: shown["needs_human"])
    assert stuck["needs_human"]["cause"] == cause
    assert stuck["needs_human"]["choices"] == [f"blockers/{blocker}", "blockers", "cancel"]
    assert [one["ref"] for one in stuck["blockers"]] == [blocker]
    assert [one["text"] for one in person.get("/inbox?user=admin")["notices"] if one["ref"] == ref]
    person.client.delete(f"/tasks/{ref}/{stuck['needs_human']['choices'][0]}").raise_for_status()
    freed = person.until(ref, lambda shown: not shown["needs_human"])
    assert (freed["is_blocked"], freed["status"]) == (False, "ready")


def test_the_first_stalled_task_of_a_chain_is_named_with_what_waits_behind_it(person: Person):
    first = person.new_task("Stands still", needs=["nobody-moves"])
    second = person.new_task("Waits for it", needs=["nobody-moves"], blockers=[first])
    third = person.new_task("Waits for that", needs=["nobody-moves"], blockers=[second])
    leaves = {one["ref"]: one for one in person.get("/stalled?limit=200")["stalled"]}
    assert leaves[first]["tasks_behind"] == [second, third]
    assert not {second, third} & set(leaves)
    chain = person.get(f"/tasks/{third}/chain")["links"]
    assert [(link["ref"], link["is_leaf"]) for link in chain][-1] == (first, True)


def test_a_cycle_is_refused_with_its_path(person: Person):
    first = person.new_task("Egg", needs=["nobody-lays"])
    second = person.new_task("Hen", needs=["nobody-lays"], blockers=[first])
    with ThreadPoolExecutor(2) as people:
        tries = [
            people.submit(person.client.post, f"/tasks/{first}/blockers", json={"tasks": [second]}) for _ in range(2)
        ]
    for refused in (one.result() for one in tries):
        assert refused.status_code == 409
        assert first in refused.json()["detail"]
        assert second in refused.json()["detail"]
