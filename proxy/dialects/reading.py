"""What is read from an answer while it passes, whatever its dialect."""

import hashlib
from typing import Any, Protocol

import orjson

from proxy.records import Usage

CHARACTERS_PER_TOKEN = 4  # English prose; an estimate is marked as one


class Reading:
    """Grows while frames are read; complete when the dialect's terminal event came.

    `output_characters` counts text, reasoning and tool arguments, for an estimate when no usage comes.
    """

    __slots__ = (
        "_hash", "_tools", "error_code", "error_message", "is_complete", "model", "output_characters",
        "response_id", "service_tier", "stop_reason", "usage",
    )  # fmt: skip

    def __init__(self) -> None:
        self._hash: hashlib._Hash | None = None  # made with the first text
        self._tools: dict[object, list[str]] = {}  # by index: name, then pieces of the arguments
        self.usage: Usage | None = None
        self.stop_reason = ""
        self.model = ""
        self.response_id = ""
        self.service_tier = ""
        self.is_complete = False
        self.error_code = ""
        self.error_message = ""
        self.output_characters = 0

    def add_text(self, text: object) -> None:
        if isinstance(text, str) and text:
            if self._hash is None:
                self._hash = hashlib.sha256()
            self._hash.update(text.encode("utf-8", "surrogatepass"))
            self.output_characters += len(text)

    def add_reasoning(self, text: object) -> None:
        """Counted, but no part of the digest: the same answer is thought of in other words each time."""
        if isinstance(text, str):
            self.output_characters += len(text)

    def add_tool(self, index: object, name: object, arguments: object) -> None:
        pieces = self._tools.setdefault(index, [""])
        if isinstance(name, str) and name:
            pieces[0] = name
        if isinstance(arguments, str) and arguments:
            pieces.append(arguments)
            self.output_characters += len(arguments)

    def digest(self) -> str:
        """16 hex digits of what was said and which tools were called with what; '' for an answer without either."""
        if not self.output_characters and not self._tools:
            return ""
        digest = self._hash.copy() if self._hash is not None else hashlib.sha256()
        for name, *arguments in self._tools.values():
            digest.update(f"\0{name}\0".encode("utf-8", "surrogatepass") + _canonical("".join(arguments)))
        return digest.hexdigest()[:16]


class StreamReader(Protocol):
    """Reads one stream."""

    reading: Reading

    def read(self, block: bytes) -> bool:
        """Takes the next whole frames. True when one of them carries usage and nothing else."""
        ...


def text_of(value: object) -> str:
    """A string from outside, or '' for anything else."""
    return value if isinstance(value, str) else ""


def count_of(value: object) -> int:
    """A token count from outside; nonsense counts nothing."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0


def member(value: object, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _canonical(arguments: str) -> bytes:
    """Tool arguments without their spelling: a stream sends text, a whole answer of Anthropic an object."""
    try:
        return orjson.dumps(orjson.loads(arguments), option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return arguments.encode("utf-8", "surrogatepass")
