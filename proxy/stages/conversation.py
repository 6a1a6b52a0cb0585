"""Conversation: what the Responses API keeps for its clients, where the provider that answers keeps nothing."""

from typing import Any
from urllib.parse import parse_qsl

import msgspec
import orjson
from pointsman.contract import REQUEST_ID_HEADER

from proxy.call import Call
from proxy.canonical.request import Request
from proxy.conversations import Expanded, answer_stored, expand, kept
from proxy.errors import CallerFault
from proxy.stages.route import passes


def owner_of(call: Call) -> str:
    """An agent goes on with its conversation in another run; a key that belongs to no agent has its own."""
    caller = call.caller
    assert caller is not None  # noqa: S101 - identify has run
    return caller.agent_id or caller.principal.key_id


async def answer_kept(call: Call) -> bool:
    """Answers GET and DELETE of a response that we keep; False for one that a provider may know.

    Raises CallerFault (404) for one that nobody can know. No model is asked, so there is no record of it.
    """
    try:
        query = dict(parse_qsl(call.said.query.decode("latin-1")))
        content = answer_stored(call.said.method, call.where.path, query, call.shared.responses, owner_of(call))
    except CallerFault as error:
        if error.status == 404 and any(passes(one, call.where) for one in call.policy.providers):
            return False
        call.is_recorded = False
        raise
    if content is None:
        return False
    body = orjson.dumps(content)
    headers = [
        (b"content-type", b"application/json"),
        (REQUEST_ID_HEADER.encode(), call.call_id.encode()),
        (b"content-length", b"%d" % len(body)),
    ]
    call.status, call.is_committed, call.is_recorded = 200, True, False
    call.succeed()
    await call.client.answer(200, headers, body)
    return True


def with_history(call: Call, body: dict[str, Any]) -> Expanded | None:
    """The request with its history in it; None for one of another dialect. Raises InvalidRequest."""
    if call.dialect != "responses":
        return None
    return expand(body, call.shared.responses, owner_of(call))


def continued_elsewhere(call: Call, body: bytes) -> bytes:
    """A passed-through request whose history is ours, since another provider answered before: it takes it along."""
    if b'"previous_response_id"' not in body:
        return body
    said = orjson.loads(body)
    previous = said.get("previous_response_id")
    if not isinstance(previous, str) or call.shared.responses.find(owner_of(call), previous) is None:
        return body
    expanded = expand(said, call.shared.responses, owner_of(call))
    names = {name: said[name] for name in ("store", "include") if name in said}
    return orjson.dumps({**expanded.body, **names})


def keep(call: Call, expanded: Expanded, response: dict[str, Any]) -> None:
    """Before the client has its end: then the next turn finds it."""
    if expanded.is_kept and response.get("status") in {"completed", "incomplete"}:
        call.shared.responses.keep(owner_of(call), kept(expanded, response))


def echoed(request: Request, expanded: Expanded | None) -> Request:
    """The request for the renderer of the answer, which says what it was asked."""
    if expanded is None:
        return request
    return msgspec.structs.replace(request, rest={**request.rest, **expanded.echo})
