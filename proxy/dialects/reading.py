"""What is read from an answer while it passes, whatever its dialect."""

import hashlib
from typing import Any, Protocol

import msgspec
import orjson

from proxy.records import Usage

MOST_COUNTED = 10**12  # beyond it a count is nonsense, and what it costs would be no number of SQL
MOST_UNHASHED = 4096  # characters that a stream under way holds back
# What msgspec raises: for no JSON or another form of it, for a string that is no UTF-8, for too deep a nest.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
CHARACTERS_PER_TOKEN = 4  # English prose; an estimate is marked as one


class Reading(msgspec.Struct, eq=False):
    """Grows while frames are read; complete when the dialect's terminal event came.

    `output_characters` counts text, reasoning and tool arguments, for an estimate when no usage comes.
    """

    usage: Usage | None = None
    stop_reason: str = ""
    model: str = ""
    response_id: str = ""
    service_tier: str = ""
    is_complete: bool = False
    error_code: str = ""
    error_message: str = ""
    output_characters: int = 0
    _texts: list[str] = []  # what is not yet in the hash: short answers are hashed in one go
    _unhashed: int = 0  # characters in them
    _hash: Any = None
    _tools: dict[object, list[str]] = {}  # by index: name, then pieces of the arguments

    def add_text(self, text: object) -> None:
        if isinstance(text, str) and text:
            self._texts.append(text)
            self.output_characters += len(text)
            self._unhashed += len(text)
            if self._unhashed > MOST_UNHASHED:
                self._hash_texts()

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

    @property
    def has_begun(self) -> bool:
        """Something was said, thought or called."""
        return self.output_characters > 0 or bool(self._tools)

    def digest(self) -> str:
        """16 hex digits of what was said and which tools were called with what; '' for an answer without either."""
        if not self.output_characters and not self._tools:
            return ""
        self._hash_texts()
        digest = self._hash
        if self._tools:
            digest = digest.copy()
        for name, *arguments in self._tools.values():
            digest.update(f"\0{name}\0".encode("utf-8", "surrogatepass") + _canonical("".join(arguments)))
        found: str = digest.hexdigest()
        return found[:16]

    def _hash_texts(self) -> None:
        said, self._texts, self._unhashed = "".join(self._texts).encode("utf-8", "surrogatepass"), [], 0
        if self._hash is None:
            self._hash = hashlib.sha256(said)
        else:
            self._hash.update(said)


class StreamReader(Protocol):
    """Reads one stream."""

    reading: Reading

    def read(self, block: bytes) -> int:
        """Takes the next whole frames. Answers how many of them carry usage and nothing else."""
        ...


def text_of(value: object) -> str:
    """A string from outside, or '' for anything else."""
    return value if isinstance(value, str) else ""


def count_of(value: object) -> int:
    """A token count from outside; nonsense counts nothing."""
    if type(value) is int:
        return value if 0 < value < MOST_COUNTED else 0
    if type(value) is float and 0 < value < MOST_COUNTED:
        return int(value)
    return 0


def object_of(body: bytes) -> dict[str, Any]:
    """A JSON object from outside; an empty one for anything else."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def member(value: object, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _canonical(arguments: str) -> bytes:
    """Tool arguments without their spelling: a stream sends text, a whole answer of Anthropic an object."""
    try:
        return orjson.dumps(orjson.loads(arguments), option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return arguments.encode("utf-8", "surrogatepass")
