"""A client as the documentation asks for: it repeats a command with the same id until it is answered."""

import asyncio
import math
from typing import Any, Self

import httpx2
from pointsman.contract import IDEMPOTENCY_HEADER
from pointsman.patience import Backoff

from tests.chaos.ledger import Accepted, Ledger

ANSWER_SECONDS = 15.0


class Refused(Exception):  # noqa: N818 - the server's typed no
    """A 4xx. In a run whose commands are all legal, that is a finding."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


class PatientClient:
    """Speaks the JSON API with the admin key; whoever waits for it bounds the waiting."""

    def __init__(self, url: str, key: str, ledger: Ledger) -> None:
        self._ledger = ledger
        self._client = httpx2.AsyncClient(
            base_url=f"{url}/api/v1",
            headers={"authorization": f"Bearer {key}"},
            timeout=ANSWER_SECONDS,
            trust_env=False,
        )
        self.retries = 0
        self.refusals: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    async def read(self, path: str) -> dict[str, Any]:
        return await self._until_answered("GET", path, None, {})

    async def tell(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What is no command on a task, and may be said twice."""
        return await self._until_answered("POST", path, body, {})

    async def make_task(self, body: dict[str, Any], mark: str, command_id: str) -> str:
        """The new task's id."""
        task = await self.act("/tasks", body, command_id)
        self._ledger.accept(Accepted("task_created", str(task["task_id"]), mark))
        return str(task["task_id"])

    async def command(
        self,
        task_id: str,
        verb: str,
        body: dict[str, Any],
        kind: str,
        mark: str = "",
        *,
        command_id: str,
        may_come_late: bool = False,
    ) -> None:
        """Says something to a task. The ledger knows of it as soon as it was accepted. Raises Refused."""
        await self.act(f"/tasks/{task_id}/{verb}", body, command_id, may_come_late=may_come_late)
        self._ledger.accept(Accepted(kind, task_id, mark))

    async def act(
        self, path: str, body: dict[str, Any], command_id: str, *, may_come_late: bool = False
    ) -> dict[str, Any]:
        """What is done once, however often it has to be said. Raises Refused."""
        try:
            return await self._until_answered("POST", path, body, {IDEMPOTENCY_HEADER: command_id})
        except Refused as no:
            if not (may_come_late and no.status == 409):
                self.refusals.append(str(no))
            raise

    async def _until_answered(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> dict[str, Any]:
        backoff = Backoff()
        while True:
            try:
                answer = await self._client.request(method, path, json=body, headers=headers)
            except httpx2.TransportError:
                answer = None
            if answer is not None and answer.is_success:
                return dict(answer.json())
            if answer is not None and answer.status_code < 500 and answer.status_code != 429:
                raise Refused(answer.status_code, f"{method} {path}: {answer.status_code} {answer.text[:300]}")
            self.retries += method == "POST"
            await asyncio.sleep(min(backoff.next_seconds(), 1.0))

    async def tasks(self) -> list[dict[str, Any]]:
        """All of them."""
        found: list[dict[str, Any]] = []
        cursor: object = math.inf
        while cursor is not None:
            after = "" if cursor == math.inf else f"&cursor={cursor}"
            page = await self.read(f"/tasks?limit=200{after}")
            found += page["tasks"]
            cursor = page["next_cursor"]
        return found
