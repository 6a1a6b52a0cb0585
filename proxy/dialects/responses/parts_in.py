"""Content of messages and of tool outputs → parts."""

import re
from typing import Any

import orjson

from proxy.canonical.parts import Citation, Media, MediaKind, Part, Refusal, Text
from proxy.dialects.reading import text_of
from proxy.errors import InvalidRequest

_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*)?;base64,", re.IGNORECASE)
_MEDIA: dict[str, MediaKind] = {"input_image": "image", "input_file": "document", "input_audio": "audio"}
_BREAKPOINT = "prompt_cache_breakpoint"


def list_of(value: object) -> list[Any]:
    """A list from outside, or none for anything else."""
    return value if isinstance(value, list) else []


def parse_content(content: object, path: str) -> list[Part]:
    """A string, or a list of typed parts. Raises InvalidRequest for what is neither."""
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content)]
    if not isinstance(content, list):
        raise InvalidRequest(f"{path!r} must be a string or a list of parts.")
    return [_parse_part(part, f"{path}[{index}]") for index, part in enumerate(content)]


def parse_output(output: object, path: str) -> list[Part]:
    """What a tool answered. Some clients hand in plain JSON: it is read as its text."""
    if isinstance(output, list) and all(isinstance(part, dict) and "type" in part for part in output):
        return parse_content(output, path)
    if output is None or isinstance(output, str):
        return parse_content(output, path)
    return [Text(orjson.dumps(output).decode())]


def _parse_part(part: object, path: str) -> Part:
    if not isinstance(part, dict):
        raise InvalidRequest(f"{path!r} must be an object with a 'type'.")
    kind = text_of(part.get("type"))
    if kind in {"input_text", "output_text", "text"}:
        return parse_text(part)
    if kind == "refusal":
        return Refusal(text_of(part.get("refusal")))
    if kind in _MEDIA:
        return _parse_media(part, _MEDIA[kind])
    raise InvalidRequest(
        f"{path!r} has the unknown type {kind!r}. Use input_text, input_image, input_file or input_audio."
    )


def parse_text(part: dict[str, Any]) -> Text:
    """Text with what it cites. An explicit cache mark lives 30 minutes at OpenAI; the nearest elsewhere is 5."""
    return Text(
        text_of(part.get("text")),
        [parse_citation(one) for one in list_of(part.get("annotations")) if isinstance(one, dict)],
        "5m" if part.get(_BREAKPOINT) else None,
    )


def parse_citation(raw: dict[str, Any]) -> Citation:
    return Citation(
        "responses", raw, url=text_of(raw.get("url")), title=text_of(raw.get("title")) or text_of(raw.get("filename"))
    )


def _parse_media(part: dict[str, Any], kind: MediaKind) -> Media:
    rest = {name: value for name, value in part.items() if name not in {"type", _BREAKPOINT} and value is not None}
    media = Media(kind, cache="5m" if part.get(_BREAKPOINT) else None)
    media.file_id = text_of(rest.pop("file_id", ""))
    media.detail = text_of(rest.pop("detail", ""))
    media.name = text_of(rest.pop("filename", ""))
    _take_content(media, rest)
    if rest:
        media.extra, media.extra_of = rest, "responses"
    return media


def _take_content(media: Media, rest: dict[str, Any]) -> None:
    address = rest.pop("image_url", None) or rest.pop("file_url", None)
    if isinstance(address, dict):  # as in chat completions, which clients mix up
        media.detail = media.detail or text_of(address.get("detail"))
        address = address.get("url")
    address = text_of(address) or text_of(rest.pop("file_data", ""))
    sound = rest.pop("input_audio", None)
    if isinstance(sound, dict):
        media.data, media.media_type = text_of(sound.get("data")), f"audio/{text_of(sound.get('format')) or 'wav'}"
    elif (found := _DATA_URL.match(address)) is not None:
        media.data, media.media_type = address[found.end() :], found[1]
    elif "://" in address[:16]:
        media.url = address
    elif address:  # bare base64
        media.data = address
