"""`pointsman proxy translate`: one request, answer, stream or error from one wire format to another. No network.

    pointsman proxy translate --from anthropic --to openai < request.json
    pointsman proxy translate --from gemini --to anthropic --stream < answer.sse

What the input is, it says itself: a stream does not parse as one JSON value, an answer and an error have members that
no request has. Without a change of dialect the bytes pass as they are. What the target cannot say goes to standard
error, a line each.
"""

import time
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import orjson

from proxy.canonical.answer import Answer
from proxy.canonical.failure import Failure
from proxy.canonical.folding import unfold
from proxy.canonical.request import Loss
from proxy.dialects.codec import Opening
from proxy.dialects.registry import codec
from proxy.errors import Dialect

Kind = Literal["request", "answer", "stream", "error"]

# Every name that a dialect goes by: ours, its endpoint's, and both joined.
DIALECTS: Mapping[str, Dialect] = {
    "openai": "openai",
    "openai_chat": "openai",
    "chat": "openai",
    "chat_completions": "openai",
    "responses": "responses",
    "openai_responses": "responses",
    "anthropic": "anthropic",
    "messages": "anthropic",
    "anthropic_messages": "anthropic",
    "gemini": "gemini",
    "generate_content": "gemini",
    "google": "gemini",
    "vertex": "gemini",
    "bedrock": "bedrock",
    "converse": "bedrock",
    "converse_stream": "bedrock",
    "cohere": "cohere",
    "chat_v2": "cohere",
    "cohere_chat": "cohere",
}

# Members that an answer has and no request: of each dialect, any of them.
_OF_ANSWERS: Mapping[Dialect, tuple[str, ...]] = {
    "openai": ("choices",),
    "responses": ("output", "incomplete_details"),
    "anthropic": ("stop_reason", "stop_sequence"),
    "gemini": ("candidates", "promptFeedback", "usageMetadata"),
    "bedrock": ("output", "stopReason", "metrics"),
    "cohere": ("finish_reason", "message"),
}
_OF_REQUESTS: Mapping[Dialect, tuple[str, ...]] = {
    "openai": ("messages", "prompt"),
    "responses": ("input", "prompt", "previous_response_id", "conversation"),
    "anthropic": ("messages",),
    "gemini": ("contents",),
    "bedrock": ("messages",),
    "cohere": ("messages",),
}


class UntranslatableError(ValueError):
    """The input is at fault; the message says why."""


class Translation(NamedTuple):
    kind: Kind
    output: bytes
    losses: list[Loss]
    status: int = 200  # of an error, in the target's dialect


def dialect_of(name: str) -> Dialect:
    """Raises UntranslatableError for a name that no dialect goes by."""
    plain = name.lower().replace("-", "_")
    found = DIALECTS.get(plain) or DIALECTS.get(plain.rpartition("/")[2])
    if found is None:
        raise UntranslatableError(
            f"There is no dialect {name!r}; there are: {', '.join(sorted(set(DIALECTS.values())))}."
        )
    return found


def translate(
    data: bytes,
    source: Dialect,
    target: Dialect,
    *,
    is_stream: bool = False,
    model: str = "",
    status: int = 0,
    now: int = 0,
) -> Translation:
    """`model` for requests whose path says it; `status` of an HTTP error; `now` for answers that do not say when.

    Raises UntranslatableError or InvalidRequest.

    `is_stream` says that a request is for a stream, or that an answer is one; a whole answer becomes one then.
    """
    body = _whole(data)
    kind = _kind(body, source, status)
    if kind == "stream":
        return _stream(data, source, target, _opening("", model, now))
    if source == target and not (kind == "answer" and is_stream):
        return Translation(kind, data, [])
    if kind == "error":
        return _error(codec(source).parse_failure(status, {}, data), target)
    assert isinstance(body, dict)  # noqa: S101 - `_kind` has looked
    if kind == "answer":
        answer = codec(source).parse_answer(body)
        opening = _opening(answer.id, model or answer.model, answer.created or now)
        return _answer(answer, target, opening, is_stream=is_stream)
    request = codec(source).parse_request(body, model, is_stream=is_stream or None)
    rendered = codec(target).render_request(request)
    return Translation("request", orjson.dumps(rendered.body), rendered.losses)


def _whole(data: bytes) -> object:
    """The one JSON value that the input is; None for a stream."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def _kind(body: object, source: Dialect, status: int) -> Kind:
    if body is None:
        return "error" if status >= 400 else "stream"
    if isinstance(body, list):  # Gemini streams a JSON array when it is not asked for events
        return "error" if all(isinstance(one, dict) and "error" in one for one in body) else "stream"
    if not isinstance(body, dict):
        raise UntranslatableError("The input is neither a JSON object nor a stream.")
    if status >= 400 or _is_error(body, source):
        return "error"
    if any(name in body for name in _OF_ANSWERS[source]):
        return "answer"  # asked first: Together's answers have a `prompt`, OpenAI's responses an `instructions`
    if any(name in body for name in _OF_REQUESTS[source]):
        return "request"
    raise UntranslatableError(f"The input is no request, answer or error of the {source} dialect.")


def _is_error(body: Mapping[str, Any], source: Dialect) -> bool:
    if body.get("error") and not body.get("output"):
        return not any(name in body for name in _OF_ANSWERS[source])
    wording = body.keys() <= {"message", "id", "code", "type", "Message", "__type"}
    return source in {"bedrock", "cohere"} and bool(body) and wording and not isinstance(body.get("message"), dict)


def _answer(answer: Answer, target: Dialect, opening: Opening, *, is_stream: bool) -> Translation:
    if not is_stream:
        return Translation("answer", orjson.dumps(codec(target).render_answer(answer, opening)), opening.losses)
    encoder = codec(target).encoder(opening)
    output = b"".join([*(encoder.encode(event) for event in unfold(answer)), encoder.close()])
    return Translation("stream", output, opening.losses)


def _stream(data: bytes, source: Dialect, target: Dialect, opening: Opening) -> Translation:
    if source == target:
        return Translation("stream", data, [])
    decoder, encoder = codec(source).decoder(), codec(target).encoder(opening)
    output = [encoder.encode(event) for event in (*decoder.feed(data), *decoder.close())]
    return Translation("stream", b"".join([*output, encoder.close()]), opening.losses)


def _error(failure: Failure, target: Dialect) -> Translation:
    status, body = codec(target).render_failure(failure, "req_translated")
    return Translation("error", orjson.dumps(body), [], status)


def _opening(answer_id: str, model: str, created: int) -> Opening:
    return Opening(id=answer_id or "translated", model=model, created=created or int(time.time()))
