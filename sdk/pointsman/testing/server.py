"""The fake server: Pointsman's agent API and a gateway that answers every model call, over real HTTP."""

import threading
from collections.abc import Callable, Iterable
from http.server import ThreadingHTTPServer
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

from pointsman.contract import ErrorCode
from pointsman.testing.board import FakeBoard, FakeRun, FakeTask, Refused
from pointsman.testing.channel import FakeChannel
from pointsman.testing.files import FakeUploads
from pointsman.testing.handler import handler_of

LONGEST_WAIT_SECONDS: Final = 2.0  # for work or an answer; shorter than the real one, so that a test can end


class FakePointsman:
    """A context manager. `reply` makes the text of every model call; `beat_seconds` is told to agents."""

    def __init__(self, *, reply: Callable[[dict[str, Any]], str] | None = None, beat_seconds: float = 15.0) -> None:
        self.reply = reply or (lambda request: "An answer of the fake server.")
        self.beat_seconds = beat_seconds
        self.model_calls: list[dict[str, Any]] = []
        self.uploads = FakeUploads()
        self._board = FakeBoard()
        self._changed = threading.Condition()
        self._channels: set[FakeChannel] = set()
        self._answered: dict[str, tuple[int, Any]] = {}
        self._is_away = False
        self._answers_to_drop = 0
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="fake", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def key(self) -> str:
        """An agent key that this server knows."""
        return self._board.key

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go_away()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    def add_task(self, title: str, brief: str = "", needs: Iterable[str] = ()) -> FakeTask:
        """A ready task; waiting agents hear of it."""
        with self._changed:
            task = self._board.add_task(title, brief, tuple(needs))
            self._changed.notify_all()
        self._tell({"type": "work_available"})
        return task

    def request_changes(self, task: FakeTask, note: str) -> None:
        """Sends a submitted task back."""
        with self._changed:
            task.status, task.review_note = "ready", note
            self._changed.notify_all()
        self._tell({"type": "work_available"})

    def take_away(self, task: FakeTask, *, is_told: bool = True) -> None:
        """Ends the live run as lost; the agent hears of it through the channel, unless told otherwise."""
        with self._changed:
            if (run := task.run) is None:
                raise ValueError(f"{task.ref} has no live run.")
            run.state = "lost"
        if is_told:
            self._tell({"type": "lease_lost", "run_id": run.run_id})

    def stop_run(self, task: FakeTask) -> None:
        """A person stops the run: the next beat is told so."""
        with self._changed:
            if (run := task.run) is None:
                raise ValueError(f"{task.ref} has no live run.")
            run.is_told_to_stop = True

    def answer(self, task: FakeTask, value: Any) -> None:
        """A person answers what the agent asked: words, a choice, a form's fields, True or False."""
        with self._changed:
            self._board.answer(task, value)
            self._changed.notify_all()

    def expire(self, task: FakeTask) -> None:
        """Nobody answers in time."""
        with self._changed:
            self._board.expire(task)
            self._changed.notify_all()

    def nudge(self, task: FakeTask, text: str) -> None:
        """A person says a word to the run; it is told with its next beat, for which the channel asks at once."""
        self._direct(task, lambda run: run.nudges.append(text))

    def pause(self, task: FakeTask, *, is_paused: bool = True) -> None:
        """Holds the run, or lets it go on."""
        self._direct(task, lambda run: setattr(run, "is_paused", is_paused))

    def _direct(self, task: FakeTask, change: Callable[[FakeRun], object]) -> None:
        with self._changed:
            if (run := task.run) is None:
                raise ValueError(f"{task.ref} has no live run.")
            change(run)
        self._tell({"type": "directives", "run_id": run.run_id})

    def go_away(self) -> None:
        """From now on requests and channels are cut without an answer."""
        with self._changed:
            self._is_away = True
            channels = list(self._channels)
            self._changed.notify_all()
        for channel in channels:
            channel.cut()

    def come_back(self) -> None:
        """Answers again; everything is still known."""
        with self._changed:
            self._is_away = False

    def drop_answers(self, count: int) -> None:
        """Obeys the next commands, but cuts the connection instead of answering."""
        with self._changed:
            self._answers_to_drop = count

    def wait_for(self, condition: Callable[[], Any], seconds: float = 5.0) -> None:
        """Waits until something is true of this server, at most so long; else AssertionError."""
        with self._changed:
            if not self._changed.wait_for(condition, seconds):
                raise AssertionError(f"It did not become true within {seconds} s.")

    # What the HTTP handler asks.

    def is_away(self) -> bool:
        """Should this request be cut?"""
        return self._is_away

    def answer_request(
        self, key: str, method: str, path: str, body: dict[str, Any], command_id: str | None
    ) -> tuple[int, Any]:
        """Status and JSON of one request of the agent API. Raises Refused, and ConnectionError to cut."""
        with self._changed:
            if command_id in self._answered:
                return self._answered[command_id]
            if key != self.key and self._board.find_key(key) is None:
                raise Refused(401, ErrorCode.INVALID_KEY, "This key is not known here.")
            answer = self._next(body) if path == "/agents/me/next" else self._route(method, path, body)
            if command_id and answer[0] < 300 and answer[0] != 204:
                self._answered[command_id] = answer
            self._changed.notify_all()
            if self._answers_to_drop > 0:
                self._answers_to_drop -= 1
                raise ConnectionError
            return answer

    def answer_model(self, key: str, request: dict[str, Any]) -> str:
        """The text of a model call. Raises Refused for a run that is over."""
        with self._changed:
            run = self._board.find_key(key)
            if run is None and key != self.key:
                raise Refused(401, ErrorCode.INVALID_KEY, "This key is not known here.")
            if run is not None and not run.is_live:
                raise Refused(403, ErrorCode.RUN_REVOKED, "This run is over.")
            self.model_calls.append(request)
        return self.reply(request)

    def open_channel(self, channel: FakeChannel) -> None:
        """A channel was opened."""
        with self._changed:
            self._channels.add(channel)
            self._changed.notify_all()

    def close_channel(self, channel: FakeChannel) -> None:
        """A channel ended."""
        with self._changed:
            self._channels.discard(channel)
            self._changed.notify_all()

    @property
    def channel_count(self) -> int:
        """How many agents are connected."""
        return len(self._channels)

    def hear(self, message: dict[str, Any]) -> None:
        """A message came over a channel."""
        with self._changed:
            _, run = self._board.find_run(message["run_id"])
            self._beat(run, message.get("progress"))
            self._changed.notify_all()

    def _tell(self, message: dict[str, str]) -> None:
        with self._changed:
            channels = list(self._channels)
        for channel in channels:
            channel.send(message)

    def _next(self, body: dict[str, Any]) -> tuple[int, Any]:
        deadline = monotonic() + min(body["wait_seconds"], LONGEST_WAIT_SECONDS)
        while (claimed := self._board.claim(body["name"], set(body["capabilities"]))) is None:
            if not self._changed.wait(deadline - monotonic()):
                return 204, None
            if self._is_away:
                raise ConnectionError
        return 200, self._offer(*claimed)

    def _offer(self, task: FakeTask, run: FakeRun) -> dict[str, Any]:
        return {
            "task": {
                "task_id": task.task_id,
                "ref": task.ref,
                "title": task.title,
                "brief": task.brief,
                "needs": task.needs,
                "status": task.status,
                "board_url": f"{self.url}/tasks/{task.ref}",
            },
            "run": {
                "run_id": run.run_id,
                "number": run.number,
                "epoch": run.epoch,
                "key": run.key,
                "lease_ttl_seconds": self.beat_seconds * 4,
                "beat_seconds": self.beat_seconds,
            },
            "gateway_url": self.url,
            "review_note": task.review_note,
            "previous_version_text": task.versions[-1] if task.versions else None,
            "comments": task.comments,
        }

    def _route(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        match path.split("/")[1:]:
            case ["tasks", ref, "comments"]:
                self._board.find_task(ref).comments.append({"author": "agent", "text": body["text"]})
                return 201, {}
            case ["uploads"]:
                return 201, self.uploads.begin(body)
            case ["uploads", upload_id] if method == "PATCH":
                self.uploads.append(upload_id, body["offset"], body["part"])
                return 204, None
            case ["uploads", upload_id]:
                return 200, self.uploads.find(upload_id).view()
            case ["runs", run_id, "checkpoint"]:
                return self._checkpoint(method, run_id, body)
            case ["runs", run_id, "answer", question_id]:
                return 200, self._answer_to(run_id, question_id)
            case ["runs", run_id, verb]:
                return self._run_verb(run_id, verb, body)
        raise Refused(404, ErrorCode.NOT_FOUND, f"There is no {path!r} here.")

    def _run_verb(self, run_id: str, verb: str, body: dict[str, Any]) -> tuple[int, Any]:
        match verb:
            case "beat":
                self._board.hold(run_id)
                return 200, self._beat(self._board.find_run(run_id)[1], body.get("progress"))
            case "submit":
                return 200, {"version": self._board.submit(run_id, self._content(body))}
            case "release":
                self._board.end(run_id, "released", body["reason"])
            case "fail":
                self._board.end(run_id, "failed", body["reason"], body["message"])
            case "blocked":
                self._board.find_run(run_id)[0].waits_for = body["text"]
                self._board.end(run_id, "released", body["text"])
            case "ask":
                self._board.ask(run_id, body)
                return 200, {"question_id": body["question_id"]}
            case "handoff":
                task, _ = self._board.hold(run_id)
                return 200, {"goal": task.title, "brief": task.brief, "open_questions": []}
            case "subtasks":
                made = self._board.add_subtask(run_id, body)
                return 201, {"task_id": made.task_id, "ref": made.ref}
            case _:
                raise Refused(404, ErrorCode.NOT_FOUND, f"There is no {verb!r} here.")
        return 200, {}

    def _content(self, body: dict[str, Any]) -> str:
        if "upload_id" in body:
            return f"file {self.uploads.find(body['upload_id']).name}"
        return str(body["url"] if body.get("kind") == "link" else body["content"])

    def _checkpoint(self, method: str, run_id: str, body: dict[str, Any]) -> tuple[int, Any]:
        task, _ = self._board.hold(run_id)
        if method == "PUT":
            task.checkpoint = body["state"]
        return 200, {"state": task.checkpoint}

    def _answer_to(self, run_id: str, question_id: str) -> dict[str, Any]:
        task, _ = self._board.hold(run_id)
        self._changed.wait_for(
            lambda: question_id in task.answers or question_id in task.expired or self._is_away, LONGEST_WAIT_SECONDS
        )
        outcome = "answered" if question_id in task.answers else "expired" if question_id in task.expired else ""
        return {"answer": task.answers.get(question_id), "outcome": outcome}

    def _beat(self, run: FakeRun, progress: str | None) -> dict[str, Any]:
        run.beats += 1
        if progress is not None:
            run.progress.append(progress)
        nudges, run.nudges = run.nudges, []
        directives = [{"kind": "nudge", "text": text} for text in nudges]
        directives += [{"kind": "pause", "text": ""}] if run.is_paused else []
        directives += [{"kind": "stop", "text": ""}] if run.is_told_to_stop else []
        return {"directives": directives, "lease": "held"}
