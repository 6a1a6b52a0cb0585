"""The tasks of the fake server: the rules of a claim, a lease and a submit, without clock, network or storage."""

from dataclasses import dataclass, field
from typing import Any

from pointsman.contract import ErrorCode, IdPrefix, KeyKind, derive_run_key, new_id, new_key


class Refused(Exception):  # noqa: N818 - carried to the one place that answers it
    """The fake server's "no"."""

    def __init__(self, status: int, code: ErrorCode, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


@dataclass(slots=True)
class FakeRun:
    """One attempt. `state` is running, waiting_input, waiting_approval, submitted, released, failed or lost."""

    run_id: str
    number: int
    epoch: int
    key: str
    agent: str
    state: str = "running"
    reason: str = ""
    message: str = ""
    beats: int = 0
    progress: list[str] = field(default_factory=list)
    is_told_to_stop: bool = False
    is_paused: bool = False
    nudges: list[str] = field(default_factory=list)

    @property
    def is_live(self) -> bool:
        return self.state in {"running", "waiting_input", "waiting_approval"}


@dataclass(slots=True)
class FakeTask:
    """A task as a test sees it. `versions` holds the submitted texts, oldest first."""

    task_id: str
    ref: str
    title: str
    brief: str
    needs: tuple[str, ...]
    status: str = "ready"
    runs: list[FakeRun] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    kept_aside: list[str] = field(default_factory=list)
    review_note: str | None = None
    comments: list[dict[str, str]] = field(default_factory=list)
    questions: dict[str, str] = field(default_factory=dict)
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)  # what else was said of each question
    answers: dict[str, Any] = field(default_factory=dict)
    expired: set[str] = field(default_factory=set)
    checkpoint: Any = None
    waits_for: str = ""
    subtasks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def run(self) -> FakeRun | None:
        """The live run."""
        return self.runs[-1] if self.runs and self.runs[-1].is_live else None


class FakeBoard:
    """All tasks of one fake server. Not safe for threads: the server holds a lock around it."""

    def __init__(self) -> None:
        self.key = new_key(KeyKind.AGENT)
        self.tasks: list[FakeTask] = []

    def add_task(self, title: str, brief: str, needs: tuple[str, ...]) -> FakeTask:
        ref = f"T-{len(self.tasks) + 1}"
        self.tasks.append(FakeTask(new_id(IdPrefix.TASK), ref, title, brief, needs))
        return self.tasks[-1]

    def claim(self, agent: str, capabilities: set[str]) -> tuple[FakeTask, FakeRun] | None:
        """The oldest ready task that the agent is able to do."""
        for task in self.tasks:
            if task.status == "ready" and set(task.needs) <= capabilities:
                number, run_id = len(task.runs) + 1, new_id(IdPrefix.RUN)
                run = FakeRun(run_id, number, number, derive_run_key(b"fake" * 8, run_id, number), agent)
                task.runs.append(run)
                task.status = "in_progress"
                return task, run
        return None

    def find_task(self, task_id: str) -> FakeTask:
        for task in self.tasks:
            if task_id in {task.task_id, task.ref}:
                return task
        raise Refused(404, ErrorCode.NOT_FOUND, f"There is no task {task_id!r}.")

    def find_run(self, run_id: str) -> tuple[FakeTask, FakeRun]:
        for task in self.tasks:
            for run in task.runs:
                if run.run_id == run_id:
                    return task, run
        raise Refused(404, ErrorCode.NOT_FOUND, f"There is no run {run_id!r}.")

    def find_key(self, key: str) -> FakeRun | None:
        return next((run for task in self.tasks for run in task.runs if run.key == key), None)

    def hold(self, run_id: str) -> tuple[FakeTask, FakeRun]:
        """The run, when it still holds its task."""
        task, run = self.find_run(run_id)
        if not run.is_live:
            raise Refused(409, ErrorCode.LEASE_LOST, f"This run no longer holds {task.ref}; nobody holds it.")
        return task, run

    def submit(self, run_id: str, content: str) -> int:
        task, run = self.find_run(run_id)
        if run.state == "submitted" and task.versions and task.versions[-1] == content:
            return len(task.versions)
        if not run.is_live:
            task.kept_aside.append(content)
            raise Refused(409, ErrorCode.LEASE_LOST, f"This run no longer holds {task.ref}; the work was kept aside.")
        task.versions.append(content)
        run.state, task.status = "submitted", "in_review"
        return len(task.versions)

    def end(self, run_id: str, state: str, reason: str, message: str = "") -> None:
        task, run = self.hold(run_id)
        run.state, run.reason, run.message, task.status = state, reason, message, "ready"

    def ask(self, run_id: str, body: dict[str, Any]) -> None:
        task, run = self.hold(run_id)
        run.state = "waiting_approval" if body.get("kind") == "approval" else "waiting_input"
        task.questions[body["question_id"]] = body["text"]
        task.asked[body["question_id"]] = body

    def answer(self, task: FakeTask, value: Any) -> None:
        for question_id in task.questions.keys() - task.answers.keys() - task.expired:
            task.answers[question_id] = value
        if task.run:
            task.run.state = "running"

    def expire(self, task: FakeTask) -> None:
        task.expired |= task.questions.keys() - task.answers.keys()
        if task.run:
            task.run.state = "running"

    def add_subtask(self, run_id: str, body: dict[str, Any]) -> FakeTask:
        parent, _ = self.hold(run_id)
        parent.subtasks.append(body)
        return self.add_task(body["title"], body.get("brief", ""), tuple(body.get("needs", ())))
