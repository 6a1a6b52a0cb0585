"""Tool calls with an idempotency key: asked once, however often they are sent.

    first ──▶ asks; goes on when its client leaves ──▶ a result is kept, durably, before the client gets it
    again, while the first still asks ──▶ waits for it
    again, later ──▶ answered from the record

Only results are kept: after an error, or a result that asks for more input, the next try asks again. A JSON-RPC id and
`_meta` differ from try to try and do not make another request of it.
"""

import asyncio
from dataclasses import dataclass

import orjson

from proxy.answers import mismatch
from proxy.mcp.call import McpCall
from proxy.ports import Answer, AnswerStore


@dataclass(slots=True)
class Flight:
    """A call that is being asked now. Once it has `landed`, `answer` is there if it is one to repeat."""

    request_digest: str
    landed: asyncio.Future[None]
    answer: Answer | None = None


class Retries:
    """The keyed calls of one process, under way and kept."""

    def __init__(self, answers: AnswerStore) -> None:
        self._answers = answers
        self._flights: dict[tuple[str, str], Flight] = {}

    async def find(self, call: McpCall) -> Answer | None:
        """The answer to give again; None when this call has to ask, which it has then promised: `land` must follow.

        Raises IdempotencyMismatch when the key belongs to another request.
        """
        name = _name(call)
        while (flight := self._flights.get(name)) is not None:
            if flight.request_digest != call.digest:
                raise mismatch(name[1])
            await asyncio.shield(flight.landed)
            if flight.answer is not None:
                return flight.answer
        kept = self._answers.begin(*name, call.digest)
        if kept is None:
            self._flights[name] = Flight(call.digest, asyncio.get_running_loop().create_future())
        return kept

    def keep(self, call: McpCall, body: bytes) -> None:
        """Keeps the answer of a call that asked, if it is one to repeat."""
        if _is_worth_keeping(call):
            flight = self._flights[_name(call)]
            flight.answer = Answer(call.call_id, call.digest, 200, "application/json", body)
            self._answers.keep(*_name(call), flight.answer)

    def land(self, call: McpCall) -> None:
        """The call that asked is over, well or badly; whoever waits for it goes on."""
        name = _name(call)
        flight = self._flights.pop(name)
        if flight.answer is None:
            self._answers.forget(*name)
        flight.landed.set_result(None)


def as_response_to(request_id: object, body: bytes) -> bytes:
    """A kept answer under the id of the request that asks again."""
    return orjson.dumps({**orjson.loads(body), "id": request_id})


def _name(call: McpCall) -> tuple[str, str]:
    return call.caller.owner, call.idempotency_key or ""


def _is_worth_keeping(call: McpCall) -> bool:
    result = (call.message or {}).get("result")
    return isinstance(result, dict) and result.get("resultType") != "input_required"
