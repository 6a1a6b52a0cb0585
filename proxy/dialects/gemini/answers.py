"""Whole answers, both ways. https://ai.google.dev/api/generate-content#GenerateContentResponse (November 2026).

What Google says of a candidate and nothing canonical stands for (safety ratings, grounding, fetched addresses) is in
`Answer.rest['candidates']` by the candidate's index, and comes back from there.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from proxy.canonical.answer import Answer, Choice, StopReason
from proxy.canonical.events import Event, MessageStarted
from proxy.canonical.failure import Failure
from proxy.canonical.folding import fold
from proxy.canonical.parts import Part, Refusal, Text
from proxy.dialects.codec import Opening
from proxy.dialects.gemini.chunks import ChunkReader
from proxy.dialects.gemini.grounding import Grounding
from proxy.dialects.gemini.logprobs import render_logprobs
from proxy.dialects.gemini.parts_out import render_parts
from proxy.dialects.gemini.stops import render_stop
from proxy.dialects.gemini.usage import render_usage
from proxy.dialects.losses import Losses

LATEST = 2**33  # seconds since the epoch: the year 2242

_OF_ANSWER = {"promptFeedback", "modelStatus"}  # top-level members that only Google has


class Ending:
    """What goes out with the end of a candidate, gathered while it comes in."""

    def __init__(self) -> None:
        self.stop: StopReason = "stop"
        self.native = ""
        self.logprobs: list[Any] = []
        self.grounding = Grounding()
        self.written = 0  # bytes of text so far
        self.starts: dict[int, int] = {}  # where the text of a part begins


def parse_answer(body: Mapping[str, Any] | list[Any]) -> Answer:
    """An answer, or the chunks of one in a list. An error with status 200 is an answer that ended with one."""
    reader = ChunkReader()
    events: list[Event] = []
    for chunk in body if isinstance(body, list) else [body]:
        events.extend(reader.take(chunk))
    events.extend(reader.end(is_whole=True))
    answer = fold(events, "gemini")
    if isinstance(answer, Failure):
        return Answer("gemini", choices=[Choice([], "error", answer.code)], rest=answer.raw)
    return answer


def render_answer(answer: Answer, opening: Opening) -> dict[str, Any]:
    losses = Losses(opening.losses)
    start = MessageStarted(answer.id, answer.model, answer.created)
    own = answer.rest if answer.dialect == "gemini" else {}
    extras = own.get("candidates") or {}
    body: dict[str, Any] = {}
    if not is_blocked(own, has_parts=any(choice.parts for choice in answer.choices)):
        body["candidates"] = [
            {**_render_choice(choice, extras.get(str(index)) or {}, losses), "index": index}
            for index, choice in enumerate(answer.choices)
        ]
    body.update({name: value for name, value in own.items() if name != "candidates"})
    if answer.usage is not None:
        body["usageMetadata"] = render_usage(answer.usage, answer.raw_usage)
    return {**body, **render_head(start, opening)}


def is_blocked(rest: dict[str, Any], *, has_parts: bool) -> bool:
    """A prompt that was refused has no candidates at all."""
    return "promptFeedback" in rest and not has_parts and "candidates" not in rest


def own_members(rest: dict[str, Any]) -> dict[str, Any]:
    """Of what came with a stream, whoever sent it, the members that Google's clients know."""
    return {name: value for name, value in rest.items() if name in _OF_ANSWER}


def _render_choice(choice: Choice, extras: dict[str, Any], losses: Losses) -> dict[str, Any]:
    ending = Ending()
    ending.stop, ending.native = choice.stop, choice.native_stop
    ending.logprobs = choice.logprobs or []
    _gather_citations(choice.parts, ending)
    content = {"parts": render_parts(choice.parts, losses, is_answer=True), "role": "model"}
    return {"content": content, **render_end(ending, extras)}


def _gather_citations(parts: list[Part], ending: Ending) -> None:
    for part in parts:
        if isinstance(part, Text | Refusal):
            start = ending.written
            ending.written += len(part.text.encode("utf-8", "surrogatepass"))
            for citation in part.citations if isinstance(part, Text) else ():
                ending.grounding.add(citation, start, ending.written)


def render_end(ending: Ending, extras: dict[str, Any]) -> dict[str, Any]:
    """The members of a candidate but for its content and index."""
    word, message = render_stop(ending.stop, ending.native)
    end: dict[str, Any] = {"finishReason": word}
    if message:
        end["finishMessage"] = message
    if ending.logprobs:
        end["logprobsResult"] = render_logprobs(ending.logprobs)
    return {**end, **ending.grounding.metadata(), **extras}


def render_head(start: MessageStarted, opening: Opening) -> dict[str, Any]:
    """What stands in every chunk."""
    head: dict[str, Any] = {"modelVersion": start.model or opening.model, "responseId": start.id or opening.id}
    if 0 < start.created < LATEST:  # one provider is known to say milliseconds
        head["createTime"] = datetime.fromtimestamp(start.created, UTC).isoformat().replace("+00:00", "Z")
    return head
