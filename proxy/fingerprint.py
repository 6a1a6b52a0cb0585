"""What repeats when an agent loops: the same messages asked again. A digest for the machine, a label for a person."""

import hashlib
from typing import Any

import msgspec

from proxy.call import Head
from proxy.dialects.reading import UNREADABLE

LABEL_CHARACTERS = 80
_LARGEST_LABELLED = 64 * 1024  # a message with a picture in it is not decoded for its first words


class _Message(msgspec.Struct):
    role: Any = None
    content: Any = None


_decode = msgspec.json.Decoder(_Message).decode


def fingerprint(model: str, head: Head) -> str:
    """16 hex digits over model, system prompt and messages as they were sent."""
    parts = [model.encode("utf-8", "surrogatepass"), b"\0", head.system, *head.messages]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def label(head: Head) -> str:
    """The first words of the last thing said to the model, be it by a person or a tool; '' for a picture."""
    for raw in reversed(head.messages):
        if len(memoryview(raw)) > _LARGEST_LABELLED:
            return ""
        try:
            message = _decode(raw)
        except UNREADABLE:
            return ""
        if message.role in {"user", "tool"}:
            text = _text(message.content)
            return (" ".join(text.split()) if "\n" in text or "  " in text else text)[:LABEL_CHARACTERS]
    return ""


def _text(content: object) -> str:
    """The last text in a message's content, within tool results too."""
    if isinstance(content, str):
        return content[: LABEL_CHARACTERS * 2]
    for part in reversed(content) if isinstance(content, list) else ():
        if isinstance(part, dict) and (text := part.get("text") or _text(part.get("content"))):
            return text[: LABEL_CHARACTERS * 2] if isinstance(text, str) else ""
    return ""
