"""The synchronous agent against a real server in memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pytest
from pointsman import Agent, InvalidKey, LeaseLost, RunEnded, ServerUnreachable, TaskCancelled
from pointsman.contract import KeyKind, new_key
from pointsman.testing import FakePointsman


def writer(server: FakePointsman) -> Agent:
    return Agent("writer", capabilities=["draft"], url=server.url, key=server.key)


@contextmanager
def later(action: object, *arguments: object) -> Iterator[None]:
    """Does something in another thread while the block runs, and sees it end."""
    thread = threading.Thread(target=action, args=arguments)
    thread.start()
    try:
        yield
    finally:
        thread.join(10)


def test_a_task_without_a_brief_is_briefed_by_its_title(server: FakePointsman):
    server.add_task("Write a haiku about a signal box")
    with writer(server) as agent:
        claimed = agent.next_task()
        assert claimed is not None
        assert claimed.brief == "Write a haiku about a signal box"
        claimed.release()


def test_a_ready_task_is_claimed_worked_on_and_submitted(server: FakePointsman):
    task = server.add_task("A haiku", "Write a haiku.", ["draft"])
    with writer(server) as agent:
        claimed = agent.next_task()
        assert claimed is not None
        assert (claimed.ref, claimed.title, claimed.brief, claimed.needs) == (
            "T-1",
            "A haiku",
            "Write a haiku.",
            ("draft",),
        )
        assert claimed.submit("Old pond") == 1
    assert task.versions == ["Old pond"]
    assert task.run is None
    assert task.runs[0].state == "submitted"


def test_what_the_agent_is_not_able_to_do_is_left_alone(server: FakePointsman):
    server.add_task("A picture", needs=["draw"])
    able = server.add_task("A text", needs=["draft"])
    with writer(server) as agent:
        claimed = agent.next_task()
        assert claimed is not None
        assert claimed.id == able.task_id


def test_work_reaches_a_waiting_agent_within_a_second(server: FakePointsman):
    taken: list[float] = []

    def work() -> None:
        for task in agent.tasks():
            taken.append(monotonic())
            task.submit("done")
            agent.stop()

    agent = writer(server)
    with later(work):
        server.wait_for(lambda: server.channel_count)
        added = monotonic()
        task = server.add_task("Now")
        server.wait_for(lambda: task.versions)
    assert taken[0] - added < 1


def test_asking_for_the_next_without_a_submit_fails_the_run(server: FakePointsman):
    first, _ = server.add_task("First"), server.add_task("Second")
    with writer(server) as agent:
        agent.next_task()
        server._board.tasks[0].needs = ("somebody else",)
        agent.next_task()
    assert (first.runs[0].state, first.runs[0].reason) == ("failed", "not_submitted")


def test_leaving_the_loop_gives_the_task_back(server: FakePointsman):
    task = server.add_task("First")
    for _ in writer(server).tasks():
        break
    assert task.runs[0].state == "released"
    assert task.status == "ready"


def test_an_exception_in_the_loop_gives_the_task_back(server: FakePointsman):
    task = server.add_task("First")

    def work() -> None:
        for _ in writer(server).tasks():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert task.runs[0].state == "released"


def test_a_with_block_reports_its_exception_as_the_failure(server: FakePointsman):
    task = server.add_task("First")
    with writer(server) as agent:
        claimed = agent.next_task()
        assert claimed is not None
        with pytest.raises(ValueError, match="no verse"), claimed:
            raise ValueError("no verse")
    assert (task.runs[0].state, task.runs[0].reason, task.runs[0].message) == (
        "failed",
        "exception",
        "ValueError: no verse",
    )


def test_the_lease_is_kept_alive_while_the_program_is_busy(server: FakePointsman):
    task = server.add_task("Long")
    with writer(server) as agent:
        agent.next_task()
        server.wait_for(lambda: task.runs[0].beats >= 5)


def test_progress_is_shown_and_the_last_of_a_hurry_counts(server: FakePointsman):
    task = server.add_task("Long")
    with writer(server) as agent:
        claimed = agent.next_task()
        assert claimed is not None
        for page in range(50):
            claimed.progress(f"Reading page {page}")
        server.wait_for(lambda: task.runs[0].progress and task.runs[0].progress[-1] == "Reading page 49")


def test_a_comment_stands_under_the_task(server: FakePointsman):
    task = server.add_task("Map")
    with writer(server) as agent:
        claimed = agent.next_task()
        assert claimed is not None
        claimed.comment("@maya the totals differ")
    assert [comment["text"] for comment in task.comments] == ["@maya the totals differ"]


def test_a_question_waits_for_its_answer(server: FakePointsman):
    task = server.add_task("Map")

    def person() -> None:
        server.wait_for(lambda: task.questions)
        server.answer(task, "Regions")

    with writer(server) as agent, later(person):
        claimed = agent.next_task()
        assert claimed is not None
        assert claimed.ask("Regions, or countries?") == "Regions"
    assert list(task.questions.values()) == ["Regions, or countries?"]


def test_a_run_that_was_taken_away_raises_at_the_next_call(server: FakePointsman):
    task = server.add_task("First")
    with writer(server) as agent:
        claimed = agent.next_task()
        assert claimed is not None
        server.take_away(task, is_told=False)
        with pytest.raises(LeaseLost, match="no longer holds T-1"):
            claimed.submit("late")
        assert claimed.is_lost
        with pytest.raises(LeaseLost):
            claimed.progress("more")
    assert task.kept_aside == ["late"]


def test_a_person_who_stops_the_run_is_named_as_the_reason(server: FakePointsman):
    task = server.add_task("First")
    with writer(server) as agent:
        claimed = agent.next_task()
        assert claimed is not None
        server.stop_run(task)
        with pytest.raises(TaskCancelled, match="A person stopped"):
            claimed.ask("May I go on?")


def test_the_same_content_twice_is_one_version(server: FakePointsman):
    task = server.add_task("First")
    with writer(server) as agent:
        claimed = agent.next_task()
        assert claimed is not None
        assert (claimed.submit("text"), claimed.submit("text")) == (1, 1)
        with pytest.raises(RunEnded, match="was submitted before"):
            claimed.submit("another text")
    assert task.versions == ["text"]


def test_changes_come_back_with_the_note_and_the_last_text(server: FakePointsman):
    task = server.add_task("First")
    with writer(server) as agent:
        claimed = agent.next_task()
        assert claimed is not None
        claimed.submit("one third")
        server.request_changes(task, "Give a range.")
        again = agent.next_task()
        assert again is not None
        assert (again.run.number, again.review_note, again.previous_version) == (2, "Give a range.", "one third")


def test_an_outage_in_the_middle_of_a_run_is_survived(server: FakePointsman):
    task = server.add_task("First")

    def restart() -> None:
        server.wait_for(lambda: not server.channel_count)
        server.come_back()

    with writer(server) as agent:
        claimed = agent.next_task()
        assert claimed is not None
        server.go_away()
        with later(restart):
            assert claimed.submit("text") == 1
    assert task.versions == ["text"]


def test_a_command_whose_answer_got_lost_is_applied_once(server: FakePointsman):
    task, other = server.add_task("First"), server.add_task("Second")
    with writer(server) as agent:
        server.drop_answers(2)
        claimed = agent.next_task()
        assert claimed is not None
        assert claimed.ref == "T-1"
        server.drop_answers(1)
        assert claimed.submit("text") == 1
    assert (len(task.runs), task.versions, other.runs) == (1, ["text"], [])


def test_a_waiting_agent_survives_an_outage(server: FakePointsman):
    done: list[str] = []

    def work() -> None:
        for task in agent.tasks():
            done.append(task.ref)
            task.submit("done")
            agent.stop()

    agent = writer(server)
    agent._agent._was_answered = True
    with later(work):
        server.wait_for(lambda: server.channel_count)
        server.go_away()
        task = server.add_task("After the outage")
        server.wait_for(lambda: not server.channel_count)
        server.come_back()
        server.wait_for(lambda: task.versions, 15)
    assert done == ["T-1"]


def test_a_wrong_key_is_one_clear_sentence(server: FakePointsman):
    agent = Agent("writer", url=server.url, key=new_key(KeyKind.AGENT))
    with pytest.raises(InvalidKey, match="not known"):
        next(iter(agent.tasks()))


def test_an_absent_server_is_one_clear_sentence(unused_tcp_port: int):
    agent = Agent("writer", url=f"http://127.0.0.1:{unused_tcp_port}", key=new_key(KeyKind.AGENT))
    with pytest.raises(ServerUnreachable, match=r"does not answer at http.*Start it with `pointsman up`"):
        next(iter(agent.tasks()))


def test_the_vendors_clients_talk_to_the_gateway_with_the_runs_key(server: FakePointsman):
    server.add_task("First")
    with writer(server) as agent:
        task = agent.next_task()
        assert task is not None
        with task.openai() as openai:
            chat = openai.chat.completions.create(model="m", messages=[{"role": "user", "content": task.brief}])
        with task.anthropic() as anthropic:
            message = anthropic.messages.create(
                model="m", max_tokens=9, messages=[{"role": "user", "content": task.brief}]
            )
        assert chat.choices[0].message.content == "An answer of the fake server."
        assert message.content[0].text == "An answer of the fake server."
        assert task.mcp_url("tools") == f"{server.url}/mcp/tools"
    assert [call["messages"] for call in server.model_calls] == [[{"role": "user", "content": "First"}]] * 2


def test_a_missing_vendor_is_one_clear_sentence(server: FakePointsman, monkeypatch: pytest.MonkeyPatch):
    import sys

    from pointsman import VendorMissing

    server.add_task("First")
    monkeypatch.setitem(sys.modules, "openai", None)
    with writer(server) as agent:
        task = agent.next_task()
        assert task is not None
        with pytest.raises(VendorMissing, match="pip install openai"):
            task.openai()
