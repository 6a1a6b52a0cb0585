"""The agent: asks for work, hands out one task at a time, and ends every run it began.

When the process is killed, the lease of its run ends by itself after the server's TTL and grace; the task goes back to
the queue, and what was submitted stays submitted.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Iterable
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from pydantic import BaseModel

from pointsman.api import Api, Request
from pointsman.async_task import PATIENCE_SECONDS, AsyncTask
from pointsman.channel import Channel
from pointsman.connection import read_connection
from pointsman.contract import IdPrefix, new_id
from pointsman.errors import ServerUnreachable
from pointsman.lease import LeaseKeeper
from pointsman.models import Accepted, Note, Notes, Offer, Versions
from pointsman.patience import persist
from pointsman.signals import stopping_cleanly_async

WAIT_SECONDS: Final = 20.0  # one long poll
Received = TypeVar("Received", bound=BaseModel)
FIRST_PATIENCE_SECONDS: Final = 3.0  # before the first answer an absent server is most likely a wrong address


class AsyncAgent:
    """A registered worker. `POINTSMAN_URL` and `POINTSMAN_KEY` say where and who, unless given.

    Best used as `async with AsyncAgent(...) as agent:`, which also gives a task back when the program is cancelled.
    """

    def __init__(
        self, name: str, capabilities: Iterable[str] = (), *, url: str | None = None, key: str | None = None
    ) -> None:
        self.name = name
        self.capabilities = tuple(capabilities)
        self._connection = read_connection(url, key)
        self._channel = Channel(self._connection, self._hear)
        self._api: Api | None = None
        self._listening: asyncio.Task[None] | None = None
        self._polling: asyncio.Task[Offer | None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._keeper: LeaseKeeper | None = None
        self._held: AsyncTask | None = None
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._was_answered = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def tasks(self) -> AsyncIterator[AsyncTask]:
        """Claims one ready task after the other, and waits for work without end; `stop()`, Ctrl-C and SIGTERM end it.

        Leaving the loop gives the task back. Asking for the next one without a submit fails the run as
        `not_submitted`. Raises InvalidKey or ServerUnreachable when the very first contact fails.
        """
        try:
            with stopping_cleanly_async(self):
                while (task := await self.next_task()) is not None:
                    yield task
        finally:
            await self.aclose()

    async def next_task(self) -> AsyncTask | None:
        """The next claimed task, as soon as there is one; None after `stop()`. Ends the run before it."""
        await self._leave("fail", "not_submitted", "The agent asked for the next task without submitting this one.")
        while not self._is_stopping:
            offer = await self._poll()
            if offer is not None:
                return self._take(offer)
        self._is_stopping = False
        return None

    async def notes(self) -> tuple[Note, ...]:
        """What waits for this agent beside its tasks: mentions, reviews it is asked for, questions on what it made."""
        found = await self._say(Request("GET", "/agents/me/notes"), Notes)
        return found.notes if found else ()

    async def resolve(self, note: Note) -> None:
        """The note is dealt with."""
        path = f"/agents/me/notes/{note.note_id}/resolve"
        await self._say(Request("POST", path, {}, command_id=new_id(IdPrefix.COMMAND)), Accepted)

    async def review(self, ref: str, verdict: str, note: str = "", *, version: int | None = None) -> None:
        """Says what this agent thinks of a deliverable: approve, request_changes, or ask, the last two with a note.

        Only where the task's review names the agent, and never of its own work.
        """
        body: dict[str, Any] = {"verdict": verdict, "note": note}
        if version is not None:
            body["version"] = version
        await self._say(Request("POST", f"/tasks/{ref}/review", body, command_id=new_id(IdPrefix.COMMAND)), Accepted)

    async def read(self, ref: str, version: int | None = None) -> str:
        """The text of a task's deliverable, the latest version unless another is asked for."""
        if version is None:
            found = await self._say(Request("GET", f"/tasks/{ref}/deliverables"), Versions)
            version = found.deliverables[-1].version if found and found.deliverables else 0
        return await self._open().text(Request("GET", f"/tasks/{ref}/deliverables/{version}/content"))

    async def _say(self, request: Request, shape: type[Received]) -> Received | None:
        api = self._open()
        return await persist(lambda: api.call(request, shape), asyncio.sleep, PATIENCE_SECONDS)

    def stop(self) -> None:
        """Asks for no further task. A run that is under way goes on until its agent asks for the next."""
        self._is_stopping = True
        if self._polling is not None:
            self._polling.cancel()

    @property
    def is_working(self) -> bool:
        """Is a task in the hands of the program right now?"""
        return self._held is not None

    async def give_back(self) -> None:
        """Releases the task at hand, if there is one."""
        await self._leave("release", "The agent left.")

    async def aclose(self) -> None:
        """Gives the task back, hangs up, and closes the sockets. The agent may be used again afterwards."""
        await self._leave("release", "The agent left.")
        listening, self._listening = self._listening, None
        api, self._api = self._api, None
        if listening is not None:
            await _end(listening)
        if api is not None:
            await api.aclose()

    async def _poll(self) -> Offer | None:
        api, self._wake = self._open(), asyncio.Event()
        # One command id for all tries of one poll: a claim whose answer got lost is given again, not made twice.
        request = Request(
            "POST",
            "/agents/me/next",
            {"wait_seconds": WAIT_SECONDS, "capabilities": list(self.capabilities), "name": self.name},
            command_id=new_id(IdPrefix.COMMAND),
            wait_seconds=WAIT_SECONDS,
        )
        polling = asyncio.create_task(  # noqa: TID251 - awaited here; a task of its own so that stop() can cancel it
            self._ask(api, request), name=f"poll {self.name}"
        )
        self._polling = polling
        try:
            await asyncio.wait({polling})
        finally:
            self._polling = None
            polling.cancel()
        if polling.cancelled():
            return None
        offer = polling.result()
        self._was_answered = True
        return offer

    async def _ask(self, api: Api, request: Request) -> Offer | None:
        def attempt() -> Awaitable[Offer | None]:
            return api.call(request, Offer)

        try:
            return await persist(attempt, self._pause, math.inf if self._was_answered else FIRST_PATIENCE_SECONDS)
        except ServerUnreachable as away:
            if not away.is_pointsman:
                raise
        return await persist(attempt, self._pause, math.inf)  # the right address in a bad moment

    async def _pause(self, seconds: float) -> None:
        """Between two tries of a poll: ends early when the channel is back or speaks of work."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    def _open(self) -> Api:
        if self._api is None:
            self._api = Api(self._connection)
            self._listening = asyncio.create_task(  # noqa: TID251 - ended by aclose()
                self._channel.run(), name=f"channel {self.name}"
            )
        return self._api

    def _take(self, offer: Offer) -> AsyncTask:
        api = self._open()
        self._keeper = LeaseKeeper(api, self._channel, offer.run, offer.task.ref)
        self._keeping = asyncio.create_task(  # noqa: TID251 - ended by _leave()
            self._keeper.keep(), name=f"lease of {offer.task.ref}"
        )
        self._held = AsyncTask(offer, api, self._keeper)
        return self._held

    async def _leave(self, verb: str, reason: str, message: str = "") -> None:
        held, self._held = self._held, None
        keeping, self._keeping = self._keeping, None
        self._keeper = None
        try:
            if held is not None:
                await held.part(verb, reason, message)
        finally:
            if keeping is not None:
                await _end(keeping)

    def _hear(self, message: dict[str, Any]) -> None:
        kind, keeper = message.get("type"), self._keeper
        if kind in {"connected", "work_available"}:
            self._wake.set()
        elif keeper is not None and message.get("run_id") == keeper.run.run_id:
            if kind == "lease_lost":
                keeper.lose()
            elif kind == "stop":
                keeper.stop()
            elif kind == "directives":
                keeper.look()


async def _end(task: asyncio.Task[None]) -> None:
    """Cancels a task of ours and sees it end; what it died of before is not the leaver's business."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
