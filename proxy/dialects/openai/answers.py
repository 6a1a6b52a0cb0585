"""A whole completion ↔ Answer: https://platform.openai.com/docs/api-reference/chat/object (November 2026)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from proxy.canonical.answer import Answer, Choice
from proxy.canonical.parts import Citation, Media, Native, Part, Refusal, Text, Thinking, ToolCall
from proxy.canonical.request import Loss
from proxy.dialects.codec import Opening
from proxy.dialects.openai.media import url_of
from proxy.dialects.openai.message import last_text, parse_parts, parse_search_results, unknown_members
from proxy.dialects.openai.stops import parse_stop, render_stop
from proxy.dialects.openai.thoughts import render_thoughts
from proxy.dialects.openai.usage import find_usage, parse_usage, render_usage
from proxy.dialects.reading import count_of, member, text_of

_ANSWERED = {"id", "object", "created", "model", "choices", "usage"}
# The members beside `choices` that are this dialect's own: another dialect's say nothing to its client.
OWN_MEMBERS = {
    "service_tier", "system_fingerprint", "provider", "citations", "search_results", "prompt_filter_results", "x_groq",
    "moderation",
}  # fmt: skip
_STRANGE = re.compile(r"[^A-Za-z0-9_-]")


def parse_answer(body: Mapping[str, Any]) -> Answer:
    """Reads whatever is there: an error's body has no choices and keeps its `error` in `rest`."""
    usage = find_usage(body)
    answer = Answer(
        "openai",
        id=text_of(body.get("id")),
        model=text_of(body.get("model")),
        created=count_of(body.get("created")),
        usage=None if usage is None else parse_usage(usage),
        raw_usage=dict(usage or {}),
        rest={name: value for name, value in body.items() if name not in _ANSWERED and value is not None},
    )
    found = body.get("choices")
    answer.choices = [_parse_choice(choice, answer.id) for choice in _in_order(found)]
    sources = list(parse_search_results(body))
    for choice in answer.choices if sources else ():
        text = last_text(choice.parts)
        if text is not None:
            text.citations = [*text.citations, *sources]
    return answer


def _in_order(choices: object) -> list[dict[str, Any]]:
    found = [one for one in choices if isinstance(one, dict)] if isinstance(choices, list) else []
    return sorted(found, key=lambda one: count_of(one.get("index")))


def _parse_choice(choice: Mapping[str, Any], seed: str) -> Choice:
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}  # Azure leaves it out where it filtered the answer
    parts = parse_parts(message, seed + str(choice.get("index") or ""))
    parts += [
        Native("openai", {name: value})
        for name, value in unknown_members(message).items()
        if value and isinstance(value, dict | list)
    ]
    stop, native = parse_stop(
        choice.get("finish_reason") or member(choice.get("finish_details"), "type"),
        choice.get("native_finish_reason"),
        has_calls=any(isinstance(part, ToolCall) for part in parts),
        has_refusal=any(isinstance(part, Refusal) for part in parts),
    )
    return Choice(parts, stop, native, logprobs=parse_logprobs(choice.get("logprobs")))


def parse_logprobs(logprobs: object) -> list[Any] | None:
    tokens = member(logprobs, "content") or member(logprobs, "refusal")
    return tokens if isinstance(tokens, list) else None


def render_answer(answer: Answer, opening: Opening) -> dict[str, Any]:
    rest = answer.rest if answer.dialect == "openai" else {}
    body: dict[str, Any] = {
        "id": fit_id(answer.id, opening),
        "object": "chat.completion",
        "created": answer.created or opening.created,
        "model": answer.model or opening.model,
        "choices": [_render_choice(choice, at, opening) for at, choice in enumerate(answer.choices)],
    }
    if answer.usage is not None:
        body["usage"] = render_usage(answer.usage, answer.raw_usage)
    return {**body, **{name: value for name, value in rest.items() if name != "error"}}


def fit_id(answer_id: str, opening: Opening) -> str:
    known = answer_id or opening.id
    return known if known.startswith("chatcmpl-") else "chatcmpl-" + _STRANGE.sub("_", known)


def _render_choice(choice: Choice, at: int, opening: Opening) -> dict[str, Any]:
    has_functions = opening.request is not None and opening.request.has_functions
    has_refusal = any(isinstance(part, Refusal) for part in choice.parts)
    if choice.stop == "pause":
        note(opening, "pause", "a turn that wants to be continued looks like one that is done")
    return {
        "index": at,
        "message": render_message(choice.parts, opening, has_functions=has_functions),
        "logprobs": render_logprobs(choice),
        **render_stop(choice.stop, choice.native_stop, has_refusal=has_refusal, has_functions=has_functions),
    }


def render_logprobs(choice: Choice) -> dict[str, Any] | None:
    if choice.logprobs is None:
        return None
    is_refusal = not any(isinstance(part, Text) for part in choice.parts) and any(
        isinstance(part, Refusal) for part in choice.parts
    )
    return {
        "content": None if is_refusal else choice.logprobs,
        "refusal": choice.logprobs if is_refusal else None,
    }


def render_message(parts: list[Part], opening: Opening, *, has_functions: bool) -> dict[str, Any]:
    texts = [part for part in parts if isinstance(part, Text)]
    refusals = [part.text for part in parts if isinstance(part, Refusal)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(text.text for text in texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
        **render_thoughts(part for part in parts if isinstance(part, Thinking)),
    }
    if annotations := list(render_citations(texts, opening)):
        message["annotations"] = annotations
    for part in parts:
        _add(message, part, opening, has_functions=has_functions)
    return message


def _add(message: dict[str, Any], part: Part, opening: Opening, *, has_functions: bool) -> None:
    if isinstance(part, ToolCall):
        if has_functions:
            message["function_call"] = {"name": part.name, "arguments": part.arguments}
        else:
            message.setdefault("tool_calls", []).append(render_call(part))
    elif isinstance(part, Media):
        for name, value in render_made_media(part, opening).items():
            message[name] = [*message.get(name, ()), *value] if isinstance(value, list) else value
    elif isinstance(part, Native):
        for name, value in render_native(part, opening).items():
            both_lists = isinstance(value, list) and isinstance(message.get(name), list)
            message[name] = [*message[name], *value] if both_lists else value


def render_call(call: ToolCall) -> dict[str, Any]:
    said: dict[str, Any] = {"id": call.id, "type": call.kind}
    if call.kind == "custom":
        said["custom"] = {"name": call.name, "input": call.arguments}
    else:
        said["function"] = {"name": call.name, "arguments": call.arguments}
    if call.signature and call.signature_of == "openai":
        said["extra_content"] = {"google": {"thought_signature": call.signature}}
    return said


def render_made_media(media: Media, opening: Opening) -> dict[str, Any]:
    """The message's members for a picture or a sound that the model made."""
    if media.kind == "audio" and (media.data or media.file_id):
        own = media.extra if media.extra_of == "openai" else {"id": "audio_1", "expires_at": 0, "transcript": ""}
        return {"audio": {**own, "data": media.data} if media.data else {"id": media.file_id}}
    if media.kind == "image" and url_of(media):
        return {"images": [{"type": "image_url", "image_url": {"url": url_of(media)}}]}
    note(opening, media.kind, "Chat Completions has no place for it in an answer")
    return {}


def render_native(native: Native, opening: Opening) -> dict[str, Any]:
    """Members that this dialect's own provider added; what another one did on its side is not told."""
    if native.dialect == "openai" and "type" not in native.raw:
        return native.raw
    note(opening, text_of(native.raw.get("type")) or "server tool", "Chat Completions has no place for it in an answer")
    return {}


def render_citations(texts: list[Text], opening: Opening) -> Iterator[dict[str, Any]]:
    """Annotations. Those of other dialects cover the text that they stand on."""
    start = 0
    for text in texts:
        for citation in text.citations:
            if annotation := render_citation(citation, start, start + len(text.text), opening):
                yield annotation
        start += len(text.text)


def render_citation(citation: Citation, start: int, end: int, opening: Opening) -> dict[str, Any] | None:
    if citation.dialect == "openai":
        return None if "search_result" in citation.raw else citation.raw
    if not citation.url:
        note(opening, "citations", "an annotation needs a URL")
        return None
    link = {"url": citation.url, "title": citation.title, "start_index": start, "end_index": end}
    return {"type": "url_citation", "url_citation": link}


def note(opening: Opening, name: str, reason: str) -> None:
    loss = Loss(name, reason)
    if loss not in opening.losses:
        opening.losses.append(loss)
