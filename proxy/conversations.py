"""What OpenAI's Responses keep for their clients, kept by us for providers that keep nothing.

A kept response knows its own input and the response before it; the whole conversation is read by walking back. Owners
are agents, or keys that belong to none: nobody reads what another's calls left, and an id of another's is unknown.

    expanded = expand(body, store, owner)          before the request is parsed: history in, bookkeeping out
    store.keep(owner, kept(expanded, response))    after the answer, when `expanded.is_kept`
    answer_stored(method, path, query, …)          GET and DELETE /v1/responses/{id}, GET …/input_items
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec

from proxy.errors import CallerFault, InvalidRequest

LONGEST_CONVERSATION = 1000  # responses; a chain that is longer is a circle, or nobody's conversation
MOST_LISTED, USUALLY_LISTED = 100, 20  # https://platform.openai.com/docs/api-reference/responses/input-items (11/2026)

_OURS = {
    "message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output",
}  # fmt: skip
_ITEM = re.compile(r"[a-z]+_(?P<response>.+)_(?:i?\d+)")
_PATH = re.compile(r"/v1/responses/(?P<id>[^/]+)(?P<items>/input_items)?")
_Item = dict[str, Any]


class KeptResponse(msgspec.Struct):
    """`response` as the client got it; `input` is what was new with it, each item with an id."""

    id: str
    response: dict[str, Any]
    input: list[_Item] = []
    previous: str = ""


class ResponseStore(Protocol):
    """Responses by owner and id, for a bounded time. See `proxy/kept_responses.py`."""

    def keep(self, owner: str, kept: KeptResponse) -> None: ...

    def find(self, owner: str, response_id: str) -> KeptResponse | None: ...

    def forget(self, owner: str, response_id: str) -> bool:
        """Was there one?"""
        ...


class Expanded(msgspec.Struct):
    """A request with its history in it.

    `body` goes on to `parse_request`. `echo` belongs into the `hints` of the request: clients expect to see it again in
    the answer, providers of other dialects need not know.
    """

    body: dict[str, Any]
    echo: dict[str, Any]
    input: list[_Item]  # what was new
    previous: str
    is_kept: bool


def expand(body: Mapping[str, Any], store: ResponseStore, owner: str) -> Expanded:
    """For a provider that does not speak this API. Raises InvalidRequest for what only OpenAI itself could know."""
    _refuse_what_is_elsewhere(body)
    previous = body.get("previous_response_id")
    previous = previous if isinstance(previous, str) else ""
    given = _items(body.get("input"))
    history = [item for one in chain(store, owner, previous) for item in _said(one)]
    known = {item["id"]: item for item in history if isinstance(item.get("id"), str)}
    resolved = [_resolve(item, known, store, owner) for item in given]
    left = {name: value for name, value in body.items() if name != "previous_response_id"}
    is_kept = body.get("store") is not False
    return Expanded(
        {**left, "input": [*_portable(history), *resolved]},
        {"store": is_kept, **({"previous_response_id": previous} if previous else {})},
        resolved,
        previous,
        is_kept,
    )


def _refuse_what_is_elsewhere(body: Mapping[str, Any]) -> None:
    """Without it the model would answer something else, and nobody would know why."""
    if body.get("conversation") is not None:
        raise InvalidRequest(
            "'conversation' names one that is kept at OpenAI. Send 'previous_response_id' or the whole input instead."
        )
    if body.get("prompt") is not None:
        raise InvalidRequest("'prompt' names a template that is kept at OpenAI. Send its text as 'instructions'.")
    if body.get("background"):
        raise InvalidRequest("'background' is known to OpenAI only. Ask with 'stream' instead.")


def _items(given: object) -> list[_Item]:
    """Raises InvalidRequest. What an item means is `parse_request`'s business."""
    if given is None:
        return []
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    if isinstance(given, list) and all(isinstance(item, dict) for item in given):
        return given
    raise InvalidRequest("'input' must be a string or a list of items.")


def chain(store: ResponseStore, owner: str, response_id: str) -> list[KeptResponse]:
    """The responses of a conversation up to this one, the first one first. Raises InvalidRequest when one is gone."""
    found: list[KeptResponse] = []
    while response_id:
        one = store.find(owner, response_id)
        if one is None or len(found) == LONGEST_CONVERSATION:
            raise InvalidRequest(
                f"Previous response with id {response_id[:80]!r} not found. Send the whole input instead.",
                code="previous_response_not_found",
            )
        found.append(one)
        response_id = one.previous
    return found[::-1]


def _said(kept: KeptResponse) -> Iterator[_Item]:
    yield from kept.input
    yield from (item for item in kept.response.get("output") or () if isinstance(item, dict))


def _portable(items: list[_Item]) -> Iterator[_Item]:
    """What another provider takes, too: it refuses ids that it has not given, and thoughts that it cannot read."""
    for item in items:
        kind = item.get("type", "message")
        if kind in _OURS:
            yield {name: value for name, value in item.items() if name != "id"}
        elif kind != "reasoning" or item.get("encrypted_content"):
            yield item


def _resolve(item: _Item, known: Mapping[str, _Item], store: ResponseStore, owner: str) -> _Item:
    """An `item_reference` is the item that it names: one of this conversation, or of an answer whose id it tells."""
    if item.get("type") != "item_reference":
        return item
    identity = str(item.get("id"))
    found = known.get(identity)
    match = _ITEM.fullmatch(identity)
    if found is None and match is not None:
        kept = store.find(owner, f"resp_{match['response']}")
        found = next((one for one in _said(kept) if one.get("id") == identity), None) if kept is not None else None
    if found is None:
        raise InvalidRequest(f"Item with id {identity[:80]!r} not found. Send the item itself instead.")
    return found


def kept(expanded: Expanded, response: dict[str, Any]) -> KeptResponse:
    """Gives ids to items that have none: `msg_<response>_i<place>`, so that they can be referred to."""
    identity = str(response["id"])
    suffix = identity.removeprefix("resp_")
    items = [
        item if item.get("id") else {**item, "id": f"{_prefix(item)}_{suffix}_i{place}"}
        for place, item in enumerate(expanded.input)
    ]
    return KeptResponse(identity, response, items, expanded.previous)


def _prefix(item: _Item) -> str:
    return {"function_call": "fc", "function_call_output": "fco", "reasoning": "rs"}.get(str(item.get("type")), "msg")


def answer_stored(
    method: str, path: str, query: Mapping[str, str], store: ResponseStore, owner: str
) -> dict[str, Any] | None:
    """The body of an answer with status 200; None for a path that is not about a kept response.

    Raises CallerFault with 404 for an id that is not the owner's, InvalidRequest for what cannot be done with one.
    """
    match = _PATH.fullmatch(path)
    if match is None or method not in {"GET", "DELETE"}:
        return None
    response_id = match["id"]
    if method == "DELETE" and not match["items"]:
        if not store.forget(owner, response_id):
            raise _unknown(response_id)
        return {"id": response_id, "object": "response", "deleted": True}
    found = store.find(owner, response_id)
    if found is None:
        raise _unknown(response_id)
    if match["items"]:
        return list_input(found, chain(store, owner, found.previous), query)
    if query.get("stream") == "true":
        raise InvalidRequest("A kept response cannot be streamed again. Ask without 'stream'.")
    return found.response


def _unknown(response_id: str) -> CallerFault:
    return CallerFault(f"Response with id {response_id[:80]!r} not found.", status=404, code="not_found")


def list_input(found: KeptResponse, before: list[KeptResponse], query: Mapping[str, str]) -> dict[str, Any]:
    """All that the model was given, page by page; the last items first unless `order=asc`."""
    items = [_listed(item) for one in before for item in _said(one)] + [_listed(item) for item in found.input]
    if query.get("order") != "asc":
        items.reverse()
    if after := query.get("after"):
        place = next((index for index, item in enumerate(items) if item.get("id") == after), len(items))
        items = items[place + 1 :]
    limit = query.get("limit", "")
    count = min(int(limit), MOST_LISTED) if limit.isascii() and limit.isdigit() and int(limit) else USUALLY_LISTED
    page = items[:count]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0].get("id") if page else None,
        "last_id": page[-1].get("id") if page else None,
        "has_more": len(items) > count,
    }


def _listed(item: _Item) -> _Item:
    """Messages in their long form, as OpenAI lists them."""
    if "role" not in item or item.get("type", "message") != "message":
        return item
    content = item.get("content")
    if isinstance(content, str):
        kind = "output_text" if item["role"] == "assistant" else "input_text"
        content = [{"type": kind, "text": content}]
    return {"type": "message", "status": "completed", **item, "content": content}
