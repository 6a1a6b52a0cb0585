"""Names for calls that have none: Gemini answers functions by name and order, every other dialect by an id.

An id is made from what stands there, so that the same answer read twice has the same one, and is known as made by its
form: it never goes back to a provider. Answers pass the id of the response as `seed`: two turns that call the same
function the same way are two calls.
"""

import hashlib
import json
import re
from typing import Any

import orjson

_MADE = re.compile(r"call_\d+_[0-9a-f]{8}\Z")


def make_id(position: int, name: str, arguments: str, seed: str = "") -> str:
    digest = hashlib.sha256(f"{seed}\0{name}\0{arguments}\0{position}".encode("utf-8", "surrogatepass"))
    return f"call_{position}_{digest.hexdigest()[:8]}"


def is_made(call_id: str) -> bool:
    return _MADE.match(call_id) is not None


def render_arguments(arguments: object) -> str:
    """The arguments of a call as JSON text, in the order in which they came."""
    return to_json(arguments) if isinstance(arguments, dict) else "{}"


def to_json(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a number that no 64 bits hold
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parse_object(text: str) -> dict[str, Any] | None:
    """The JSON object in a text, an empty one for `null`; None for anything else."""
    try:
        value = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return None
    if value is None:
        return {}
    return value if isinstance(value, dict) else None


class OpenCalls:
    """The calls of a history that wait for their results, to find the call that a nameless result belongs to."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []  # id, name
        self._count = 0

    def called(self, given: str, name: str, arguments: str) -> str:
        """The id of the next call: the one given, or one made from its place in the history."""
        call_id = given or make_id(self._count, name, arguments)
        self._count += 1
        self._open.append((call_id, name))
        return call_id

    def answered(self, given: str, name: str) -> str:
        """The id that a result belongs to: the one given, else of the first open call of this name."""
        for index, (call_id, called) in enumerate(self._open):
            if call_id == given or (not given and called == name):
                del self._open[index]
                return call_id
        return given or make_id(self._count, name, "")
