"""A claimed task in the hands of an asynchronous agent. `pointsman.task.Task` is the same, without await."""

import asyncio
import hashlib
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from pydantic import BaseModel

from pointsman import vendors
from pointsman.api import Api, Request
from pointsman.contract import IdPrefix, new_id
from pointsman.errors import LeaseLost, PointsmanError, RunEnded, ServerUnreachable
from pointsman.lease import LeaseKeeper
from pointsman.models import Accepted, Answer, Offer, Receipt
from pointsman.offer import OfferedTask
from pointsman.patience import persist

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

    async def ask(self, text: str) -> str:
        """Asks a person, waits for the answer and keeps the lease alive meanwhile."""
        self._require_open()
        question_id = new_id(IdPrefix.QUESTION)
        await self._command("ask", {"text": text, "question_id": question_id}, question_id, Accepted)
        while True:
            answer = await self._await_answer(question_id)
            if answer is not None:
                return answer

    async def _await_answer(self, question_id: str) -> str | None:
        request = Request(
            "GET",
            f"/runs/{self.run.run_id}/answer/{question_id}?wait_seconds={ANSWER_WAIT_SECONDS:.0f}",
            run=self.run,
            wait_seconds=ANSWER_WAIT_SECONDS,
        )
        waiting = persist(lambda: self._call(request, Answer), self._keeper.pause, PATIENCE_SECONDS)
        got = await self._keeper.unless_lost(waiting)
        return got.answer if got else None

    async def comment(self, text: str) -> None:
        """Says something under the task; `@handle` calls a person."""
        self._require_open()
        request = Request(
            "POST", f"/tasks/{self.id}/comments", {"text": text}, self.run, command_id=new_id(IdPrefix.COMMAND)
        )
        await persist(lambda: self._call(request, Accepted), self._keeper.pause, PATIENCE_SECONDS)

    async def until_lost(self) -> None:
        """Waits until the run is taken away: for a program that wants to stop its work at once."""
        await self._keeper.until_lost()

    async def submit(self, content: str, *, title: str = "", format: str = "markdown") -> int:  # noqa: A002 - wire name
        """Hands in the deliverable and gives its version. The same content again is the same version.

        Survives an outage by repeating itself. After a loss the work is still sent, so that it can be kept aside, and
        LeaseLost is raised.
        """
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        if sha256 in self._submitted:
            return self._submitted[sha256]
        if self._ending is not None:
            raise RunEnded(f"This run of {self.ref} was {self._ending} before.")
        body = {"content": content, "format": format, "title": title}
        receipt = await self._command("submit", body, sha256[:32], Receipt, is_late_welcome=True)
        if receipt is None:
            raise PointsmanError("Pointsman took the deliverable, but did not say its version.")
        self._ending = "submitted"
        self._submitted[sha256] = receipt.version
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
