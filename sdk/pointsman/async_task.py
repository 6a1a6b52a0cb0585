"""A claimed task in the hands of an asynchronous agent. `pointsman.task.Task` is the same, without await."""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from pydantic import BaseModel

from pointsman import vendors
from pointsman.api import Api, Request
from pointsman.asking import Asked, Form, approval, question
from pointsman.contract import IdPrefix, new_id
from pointsman.errors import LeaseLost, PointsmanError, RunEnded, ServerUnreachable
from pointsman.lease import LeaseKeeper
from pointsman.models import Accepted, Answer, Handoff, NewTask, Offer, Receipt, SavedState
from pointsman.offer import OfferedTask
from pointsman.patience import persist
from pointsman.uploads import upload_file

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from openai import AsyncOpenAI

PATIENCE_SECONDS: Final = 3600.0  # an hour of outage is survived; the lease outlives restarts, not holidays
PARTING_SECONDS: Final = 5.0  # a good-bye is a courtesy: the lease ends by itself when it cannot be said
ANSWER_WAIT_SECONDS: Final = 20.0
PROGRESS_CHARACTERS: Final = 500  # what the server takes; a card shows less
Received = TypeVar("Received", bound=BaseModel)


class AsyncTask(OfferedTask):
    """One run of one task. It ends once: by submit, release or fail, or because the server took it away.

    Every call raises LeaseLost when the run was taken away. As a context manager it reports an exception of the block
    as the run's failure and lets it pass; a block that is only cancelled gives the task back.
    """

    def __init__(self, offer: Offer, api: Api, keeper: LeaseKeeper) -> None:
        super().__init__(offer)
        self._api = api
        self._keeper = keeper
        self._ending: str | None = None
        self._submitted: dict[str, int] = {}

    @property
    def is_lost(self) -> bool:
        """Was the run taken away? Then stop: nothing of it counts any more."""
        return self._keeper.is_lost

    @property
    def is_open(self) -> bool:
        """Neither ended by this program nor taken away."""
        return self._ending is None and not self.is_lost

    async def progress(self, text: str) -> None:
        """Shows on the card what is being done. Does not wait for the server; of several in a hurry the last counts."""
        self._require_open()
        self._keeper.say(text[:PROGRESS_CHARACTERS])

    @property
    def nudges(self) -> tuple[str, ...]:
        """What people have said to this run while it works, oldest first."""
        return self._keeper.nudges

    @property
    def is_paused(self) -> bool:
        """Held by a person, and its calls wait at the gateway; or its agent is paused, and is given nothing new."""
        return self._keeper.is_paused

    @property
    def is_upstream_changed(self) -> bool:
        """A task that this one builds on was reopened since the run began."""
        return self._keeper.is_upstream_changed

    async def ask(
        self,
        text: str,
        *,
        choices: Sequence[str] = (),
        form: Form | None = None,
        expires_in_seconds: float | None = None,
    ) -> Any:
        """Asks a person and waits. The answer is words, one of `choices`, or what fits `form`; expired, it is None.

        `form` is a pydantic model, whose instance comes back, or the JSON Schema of a flat object. Waiting needs no
        beats and takes none of the agent's hands.
        """
        return await self._ask(question(text, choices, form, expires_in_seconds))

    async def approve(self, text: str, *, expires_in_seconds: float | None = None) -> bool:
        """Asks a person for a yes. No answer in time is a no."""
        return await self._ask(approval(text, expires_in_seconds)) is True

    async def _ask(self, asked: Asked) -> Any:
        self._require_open()
        question_id = new_id(IdPrefix.QUESTION)
        await self._command("ask", asked.body(question_id), question_id, Accepted)
        while True:
            answer = await self._await_answer(question_id)
            if answer is not None and answer.is_settled:
                return asked.read(answer.answer)

    async def _await_answer(self, question_id: str) -> Answer | None:
        request = Request(
            "GET",
            f"/runs/{self.run.run_id}/answer/{question_id}?wait_seconds={ANSWER_WAIT_SECONDS:.0f}",
            run=self.run,
            wait_seconds=ANSWER_WAIT_SECONDS,
        )
        waiting = persist(lambda: self._call(request, Answer), self._keeper.pause, PATIENCE_SECONDS)
        return await self._keeper.unless_lost(waiting)

    async def checkpoint(self, state: Any, note: str = "") -> None:
        """Saves where the work stands, as JSON: after a restart the next run goes on from the last one saved."""
        self._require_open()
        body = {"state": state, "note": note}
        await self._persistent(Request("PUT", self._path("checkpoint"), body, self.run), Accepted)

    async def last_checkpoint(self) -> Any:
        """What the last run of this task that saved anything saved; None when there is nothing to go on from."""
        saved = await self._persistent(Request("GET", self._path("checkpoint"), run=self.run), SavedState)
        return saved.state if saved else None

    async def handoff(self) -> Handoff:
        """What earlier runs left: decisions, open questions, the latest work, the last tool results, the cost."""
        return await self._persistent(Request("GET", self._path("handoff"), run=self.run), Handoff) or Handoff()

    async def subtask(self, title: str, *, brief: str = "", needs: Sequence[str] = (), **more: Any) -> str:
        """Makes a task below this one; its number, such as T-13. `more`: priority, agent, blockers."""
        self._require_open()
        body = {"title": title, "brief": brief, "needs": list(needs), **more}
        request = Request("POST", self._path("subtasks"), body, self.run, command_id=new_id(IdPrefix.COMMAND))
        made = await self._persistent(request, NewTask)
        if made is None:
            raise PointsmanError("Pointsman made the task, but did not say its number.")
        return made.ref

    async def blocked_on(self, text: str, *, tasks: Sequence[str] = ()) -> None:
        """Gives the task back until other tasks are done, or without any until what is outside is there.

        What only a person can settle is asked with `ask`.
        """
        on = "task" if tasks else "external"
        await self._end("given back to wait", "blocked", {"on": on, "text": text, "tasks": list(tasks)})

    async def comment(self, text: str) -> None:
        """Says something under the task; `@handle` calls a person."""
        self._require_open()
        request = Request(
            "POST", f"/tasks/{self.id}/comments", {"text": text}, self.run, command_id=new_id(IdPrefix.COMMAND)
        )
        await self._persistent(request, Accepted)

    async def until_lost(self) -> None:
        """Waits until the run is taken away: for a program that wants to stop its work at once."""
        await self._keeper.until_lost()

    async def submit(
        self,
        content: str,
        *,
        title: str = "",
        format: str = "markdown",  # noqa: A002 - wire name
        language: str = "",
    ) -> int:
        """Hands in the deliverable and gives its version. The same content again is the same version.

        `format` is markdown, text or code, which may name its `language`. Survives an outage by repeating itself. After
        a loss the work is still sent, so that it can be kept aside, and LeaseLost is raised.
        """
        body: dict[str, Any] = {"content": content, "kind": format, "title": title}
        if language:
            body["language"] = language
        return await self._submit(body, hashlib.sha256(content.encode()).hexdigest())

    async def submit_link(self, url: str, *, title: str = "") -> int:
        """Hands in a link: what was made stands elsewhere."""
        body = {"kind": "link", "url": url, "title": title}
        return await self._submit(body, hashlib.sha256(url.encode()).hexdigest())

    async def submit_file(self, path: str | Path, *, title: str = "", media_type: str = "") -> int:
        """Hands in a file of any size the server takes; sent in parts, it goes on where it was after a failure."""
        upload_id = await upload_file(self._persistent, self.run, Path(path), media_type)
        return await self._submit({"kind": "file", "upload_id": upload_id, "title": title}, f"file {upload_id}")

    async def _submit(self, body: dict[str, Any], once: str) -> int:
        if once in self._submitted:
            return self._submitted[once]
        if self._ending is not None:
            raise RunEnded(f"This run of {self.ref} was {self._ending} before.")
        receipt = await self._command("submit", body, once[:32], Receipt, is_late_welcome=True)
        if receipt is None:
            raise PointsmanError("Pointsman took the deliverable, but did not say its version.")
        self._ending = "submitted"
        self._submitted[once] = receipt.version
        return receipt.version

    async def release(self, reason: str = "") -> None:
        """Gives the task back, which is not a failure: another agent may take it at once."""
        await self._end("released", "release", {"reason": reason})

    async def fail(self, message: str = "", *, reason: str = "failed") -> None:
        """Says that this attempt failed. The task goes back to the queue, or to a person after three in a row."""
        await self._end("failed", "fail", {"reason": reason, "message": message})

    async def _end(self, ending: str, verb: str, body: dict[str, Any]) -> None:
        self._require_open()
        await self._command(verb, body, verb, Accepted)
        self._ending = ending

    def _require_open(self) -> None:
        self._keeper.check()
        if self._ending is not None:
            raise RunEnded(f"This run of {self.ref} was {self._ending} before.")

    def _path(self, verb: str) -> str:
        return f"/runs/{self.run.run_id}/{verb}"

    async def _persistent(self, request: Request, shape: type[Received]) -> Received | None:
        return await persist(lambda: self._call(request, shape), self._keeper.pause, PATIENCE_SECONDS)

    async def _command(
        self, verb: str, body: dict[str, Any], once: str, shape: type[Received], *, is_late_welcome: bool = False
    ) -> Received | None:
        run_id = self.run.run_id
        request = Request("POST", f"/runs/{run_id}/{verb}", body, self.run, command_id=f"{run_id}/{verb}/{once}")
        pause = asyncio.sleep if is_late_welcome else self._keeper.pause
        return await persist(lambda: self._call(request, shape), pause, PATIENCE_SECONDS)

    async def _call(self, request: Request, shape: type[Received]) -> Received | None:
        try:
            return await self._api.call(request, shape)
        except LeaseLost as loss:
            self._keeper.lose(loss)
            raise

    async def part(self, verb: str, reason: str, message: str = "") -> None:
        """Ends an open run (`verb`: release or fail); what cannot be said in five seconds is left unsaid."""
        if not self.is_open:
            return
        try:
            async with asyncio.timeout(PARTING_SECONDS):
                await (self.release(reason) if verb == "release" else self.fail(message, reason=reason))
        except (TimeoutError, LeaseLost, ServerUnreachable):
            self._ending = "left"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.part_with(error)

    async def part_with(self, error: BaseException | None) -> None:
        """What the end of a `with` block means for the run."""
        if isinstance(error, Exception):
            await self.part("fail", "exception", describe(error))
        elif error is not None:
            await self.part("release", "The agent was stopped.")

    def openai(self, **options: Any) -> "AsyncOpenAI":
        """OpenAI's asynchronous client, pointed at the gateway with this run's key."""
        return vendors.async_openai_client(self, options)

    def anthropic(self, **options: Any) -> "AsyncAnthropic":
        """Anthropic's asynchronous client, pointed at the gateway with this run's key."""
        return vendors.async_anthropic_client(self, options)


def describe(error: Exception) -> str:
    """One line for the card: the kind and the first words, never the traceback."""
    return f"{type(error).__name__}: {error}"[:500]
