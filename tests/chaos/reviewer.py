"""Who reviews, answers agents' questions, and helps where help is asked for."""

from collections.abc import Iterator
from functools import partial

from tests.chaos.client import PatientClient
from tests.chaos.duties import CLOSED, Duty, Task, draw

CHANGES_SHARE = 0.2  # of the first and second versions come back


class Reviewer:
    """One verdict for each version, one answer for each question, one look at each call for help."""

    def __init__(self, client: PatientClient, seed: int) -> None:
        self._client = client
        self._seed = seed
        self.helped = 0

    def duties(self, task: Task) -> Iterator[Duty]:
        if task["status"] == "in_review" and task["versions"]:
            version = task["versions"][-1]["version"]
            yield f"review/{task['ref']}/{version}", partial(self._review, task, version)
        question = task["question"]
        if question and question["kind"] != "approval":  # for those nobody has the time
            yield f"answer/{question['question_id']}", partial(self._answer, task, question["question_id"])
        if task["needs_human"] and task["status"] not in CLOSED:
            # The revision tells one call for help from the next.
            yield f"help/{task['ref']}/{task['revision']}", partial(self._help, task)

    async def _review(self, task: Task, version: int) -> None:
        comes_back = version <= 2 and draw(self._seed, "review", task, version) < CHANGES_SHARE
        verdict = "request_changes" if comes_back else "approve"
        kind = "changes_requested" if comes_back else "deliverable_approved"
        mark = f"Verdict on {task['title']} v{version}."
        body = {"verdict": verdict, "note": mark, "version": version}
        await self._client.command(task["task_id"], "review", body, kind, mark, command_id=f"review/{version}")

    async def _answer(self, task: Task, question_id: str) -> None:
        """The run that asked may be over by now, and its question with it: then a no is right."""
        mark = f"Answer to {question_id}."
        body = {"text": mark, "question_id": question_id}
        name = f"answer/{question_id}"
        await self._client.command(
            task["task_id"], "answer", body, "question_answered", mark, command_id=name, may_come_late=True
        )

    async def _help(self, task: Task) -> None:
        """To edit a task is to have looked at it: the count of failures starts anew."""
        self.helped += 1
        mark = f"Looked at {task['title']} at revision {task['revision']}."
        name = f"help/{task['revision']}"
        await self._client.command(task["task_id"], "edit", {"brief": mark}, "task_edited", mark, command_id=name)
