"""A message's members → parts. The same for a turn of a request and for a choice of an answer.

The order of parts: thoughts, content, refusal, sound, pictures, calls, and what only this dialect knows.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

import orjson

from proxy.canonical.parts import CacheTtl, Citation, Media, Native, Part, Refusal, Text, ToolCall
from proxy.dialects.openai.media import media_of_url, parse_media
from proxy.dialects.openai.thoughts import MEMBERS, parse_thinking_part, parse_thoughts
from proxy.dialects.reading import member, text_of

KNOWN = {
    *MEMBERS, "role", "content", "refusal", "name", "audio", "images", "annotations", "tool_calls", "function_call",
    "tool_call_id",
}  # fmt: skip
_TEXTS = {"text", "input_text", "output_text"}


def parse_parts(message: Mapping[str, Any], seed: str) -> list[Part]:
    """`seed` makes ids for calls that have none: another one for each message, the same each time."""
    parts: list[Part] = list(parse_thoughts(message))
    parts += parse_content(message.get("content"))
    if refusal := text_of(message.get("refusal")):
        parts.append(Refusal(refusal))
    if sound := parse_sound(message.get("audio")):
        parts.append(sound)
    parts += parse_images(message.get("images"))
    calls = message.get("tool_calls")
    parts += [parse_call(call, seed, at) for at, call in enumerate(calls if isinstance(calls, list) else ())]
    if call := parse_function_call(message.get("function_call"), seed):
        parts.append(call)
    _cite(parts, list(parse_citations(message.get("annotations"))))
    return parts


def parse_content(content: object) -> list[Part]:
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [Text(content)]
    if isinstance(content, list):
        return [_parse_part(part) for part in content]
    return [Text(text_of_json(content))]  # Cloudflare answers an object when JSON was asked for


def text_of_json(value: object) -> str:
    return orjson.dumps(value).decode()


def _parse_part(part: object) -> Part:
    if not isinstance(part, dict):
        return Text(part if isinstance(part, str) else text_of_json(part))
    kind, text = text_of(part.get("type")), part.get("text")
    if isinstance(text, str) and (kind in _TEXTS or "type" not in part):
        return Text(text, cache=parse_cache(part))
    if kind == "refusal":
        return Refusal(text_of(part.get("refusal")))
    if kind == "thinking":
        return parse_thinking_part(part)
    media = parse_media(part)
    if media is None:
        return Native("openai", part, text_of(text))
    media.cache = parse_cache(part)
    return media


def parse_cache(part: Mapping[str, Any]) -> CacheTtl | None:
    """Anthropic's marker, which OpenRouter and Databricks take too, and OpenAI's own, which knows one lifetime."""
    marker = part.get("cache_control")
    if isinstance(marker, dict):
        return "1h" if marker.get("ttl") == "1h" else "5m"
    return "5m" if isinstance(part.get("prompt_cache_breakpoint"), dict) else None


def parse_sound(audio: object) -> Media | None:
    """Of an answer with its bytes, of a history by its id only."""
    if not isinstance(audio, dict):
        return None
    data, audio_id = text_of(audio.get("data")), text_of(audio.get("id"))
    if not data:
        return Media("audio", file_id=audio_id) if audio_id else None
    extra = {name: value for name, value in audio.items() if name != "data"}
    return Media("audio", data=data, extra=extra, extra_of="openai")


def parse_images(images: object) -> Iterator[Media]:
    """OpenRouter's generated pictures: https://openrouter.ai/docs/features/multimodal/image-generation (11/2026)."""
    for image in images if isinstance(images, list) else ():
        link = member(image, "image_url")
        url = link if isinstance(link, str) else text_of(member(link, "url"))
        if url:
            yield media_of_url("image", url)


def parse_call(call: object, seed: str, at: int) -> Part:
    """One of `tool_calls`; a Native when it is a call of a kind unknown."""
    custom, function = member(call, "custom"), member(call, "function")
    call_id = text_of(member(call, "id"))
    if call_id in {"", "null"}:  # Mistral wrote the word
        call_id = made_id(seed, at)
    signature = text_of(member(member(member(call, "extra_content"), "google"), "thought_signature"))
    owner: dict[str, Any] = {"signature": signature, "signature_of": "openai"} if signature else {}
    if member(call, "type") == "custom" or (member(custom, "name") and not member(function, "name")):
        return ToolCall(call_id, text_of(member(custom, "name")), text_of(member(custom, "input")), "custom", **owner)
    if isinstance(function, dict):
        arguments = arguments_text(function.get("arguments")) or "{}"
        return ToolCall(call_id, text_of(function.get("name")), arguments, **owner)
    return Native("openai", {"tool_calls": [call]})


def arguments_text(arguments: object) -> str:
    """As text: some servers send the object itself."""
    if arguments is None or isinstance(arguments, str):
        return arguments or ""
    return text_of_json(arguments)


def parse_function_call(call: object, seed: str) -> ToolCall | None:
    """The form before `tool_calls`: one call, no id."""
    name = text_of(member(call, "name"))
    return ToolCall(made_id(seed, 0), name, arguments_text(member(call, "arguments")) or "{}") if name else None


def made_id(seed: str, at: int) -> str:
    digest = sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"call_{digest}_{at}"


def parse_citations(annotations: object) -> Iterator[Citation]:
    for annotation in annotations if isinstance(annotations, list) else ():
        if isinstance(annotation, dict):
            found = annotation.get("url_citation") or annotation.get("file")
            url, title, text = (text_of(member(found, name)) for name in ("url", "title", "content"))
            yield Citation("openai", annotation, url, title or text_of(member(found, "name")), text)


def parse_search_results(answer: Mapping[str, Any]) -> Iterator[Citation]:
    """Perplexity's sources, which stand beside the choices: `search_results`, or only their URLs in `citations`."""
    results, links = answer.get("search_results"), answer.get("citations")
    if isinstance(results, list) and results:
        for result in results:
            if isinstance(result, dict):
                url, title, text = (text_of(result.get(name)) for name in ("url", "title", "snippet"))
                yield Citation("openai", {"search_result": result}, url, title, text)
        return
    for link in links if isinstance(links, list) else ():
        if isinstance(link, str):
            yield Citation("openai", {"search_result": {"url": link}}, link)


def unknown_members(message: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in KNOWN and value is not None}


def _cite(parts: list[Part], citations: list[Citation]) -> None:
    if citations:
        last = last_text(parts)
        if last is None:
            last = Text("")
            parts.append(last)
        last.citations = [*last.citations, *citations]


def last_text(parts: Iterable[Part]) -> Text | None:
    texts = [part for part in parts if isinstance(part, Text)]
    return texts[-1] if texts else None
