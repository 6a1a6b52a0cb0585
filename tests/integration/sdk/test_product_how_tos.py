"""The programs of the how-to pages, word for word, in processes of their own, against the whole product."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pointsman import Agent

from tests.integration.sdk.people import PATIENCE_SECONDS, Person
from tests.product import Product

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.xdist_group("product")]

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture
def person(product: Product) -> Iterator[Person]:
    with Person(product) as somebody:
        yield somebody


@contextmanager
def program_of(page: str, person: Person, folder: Path, name: str, **renamed: str) -> Iterator["subprocess.Popen[str]"]:
    """The page's program at work, as an agent of its own; `renamed` keeps it apart from other tests."""
    text = (ROOT / "docs" / "how-to" / f"{page}.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for before, after in renamed.items():
        assert f'"{before}"' in program
        program = program.replace(f'"{before}"', f'"{after}"')
    (folder / "program.py").write_text(program, encoding="utf-8")
    environment = {
        **person.product.environment,
        "POINTSMAN_URL": person.product.web_url,
        "POINTSMAN_KEY": person.new_agent(name),
        "PYTHONPATH": str(ROOT / "sdk"),
    }
    with subprocess.Popen([sys.executable, "program.py"], env=environment, cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:  # fmt: skip
        try:
            yield process
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=PATIENCE_SECONDS)
            assert output == ""
        finally:
            process.kill()


def test_asking_a_person(person: Person, tmp_path: Path):
    ref = person.new_task("How to ask", needs=["how-to-ask"])
    with program_of("ask-a-person", person, tmp_path, "how-asker", writer="how-asker", draft="how-to-ask"):
        person.answer_when_asked(ref, text="readers")
        for value in ("Heat", {"words": 300}, True):
            person.answer_when_asked(ref, value)
        person.until(ref, lambda task: task["status"] == "in_review")
    content = person.client.get(f"/tasks/{ref}/deliverables/1/content").text
    assert content == "# Heat\n\nFor readers, with the paid list, in 300 calm words."


@pytest.mark.parametrize(("text", "verdict"), [("TODO: the end", "request_changes"), ("All of it", "approve")])
def test_reviewing_as_an_agent(person: Person, tmp_path: Path, text: str, verdict: str):
    critic, author = f"how-critic-{verdict[:4]}", f"how-author-{verdict[:4]}"
    person.new_agent(critic)
    ref = person.new_task("How to review", needs=[author], review={"reviewers": [critic]})
    with Agent(author, [author], url=person.product.web_url, key=person.new_agent(author, author)) as agent:
        task = agent.next_task()
        assert task is not None
        task.submit(text)
    with program_of("review-together", person, tmp_path, critic, critic=critic) as program:
        assert program.wait(PATIENCE_SECONDS) == 0
    ((version),) = person.get(f"/tasks/{ref}/deliverables")["deliverables"]
    assert [(one["reviewer_name"], one["verdict"]) for one in version["verdicts"]] == [(critic, verdict)]


def test_handing_in_code_a_link_and_a_file(person: Person, tmp_path: Path):
    refs = [person.new_task(f"How to hand in {what}", needs=["how-to-draw"]) for what in ("code", "a link", "a file")]
    with program_of(
        "hand-in-files-and-links", person, tmp_path, "how-painter", painter="how-painter", draw="how-to-draw"
    ):
        for ref in refs:
            person.until(ref, lambda task: task["status"] == "in_review")
    kinds = [person.task(ref)["versions"][0]["kind"] for ref in refs]
    assert kinds == ["code", "link", "file"]


def test_waiting_for_parts(person: Person, tmp_path: Path):
    ref = person.new_task("How to wait", needs=["how-to-book"])
    with program_of(
        "wait-for-others",
        person,
        tmp_path,
        "how-author",
        author="how-author",
        book="how-to-book",
        chapter="how-to-chapter",
    ):
        waiting = person.until(ref, lambda task: task["is_blocked"])
        assert waiting["subtasks"]["total"] == 2
        parts = [one["ref"] for one in waiting["blockers"]]
        for part in parts:
            person.do(part, "complete", reason="by hand")
        person.until(ref, lambda task: task["status"] == "in_review")
    assert person.client.get(f"/tasks/{ref}/deliverables/1/content").text == "A book of " + " and ".join(parts)


def test_a_task_that_recurs(person: Person):
    page = (ROOT / "docs" / "how-to" / "let-tasks-recur.md").read_text(encoding="utf-8")
    (body,) = re.findall(r"-d '(.*?)'", page, re.DOTALL)
    made = person.post("/recurring", **json.loads(body))
    try:
        occurrence = person.post(f"/recurring/{made['recurring_id']}/run")
        task = person.task(occurrence["task"]["ref"])
        assert (task["title"], task["needs"], task["priority"]) == ("Weekly report", ["writing"], 2)
        skipped = person.post(f"/recurring/{made['recurring_id']}/run")
        assert (skipped["outcome"], skipped["task"]) == ("skipped", None)
        history = person.get(f"/recurring/{made['recurring_id']}/occurrences")["occurrences"]
        assert sorted(one["outcome"] for one in history) == ["ran", "skipped"]
    finally:
        person.post(f"/recurring/{made['recurring_id']}/delete")
