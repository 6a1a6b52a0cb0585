"""Google's two spellings of every member: JSON's camelCase, and the proto's snake_case, which its servers accept too.

https://protobuf.dev/programming-guides/json/ (November 2026). Only members that the API defines are respelt, one level
at a time: what users put in (arguments, tool results, labels, schemas) is nobody's to rename.
"""

from functools import lru_cache
from typing import Any

from proxy.errors import InvalidRequest

MOST_REMEMBERED = 1024  # names come from clients: a memo of them must have an end


def members(value: object) -> dict[str, Any]:
    """The object with its members in camelCase; empty for anything that is no object. A `null` member is not said.

    The very object where nothing has to be changed: whoever takes members out of it takes them out of a copy.
    """
    if not isinstance(value, dict):
        return {}
    for name, inner in value.items():
        if inner is None or "_" in name:
            return {_camel(name): inner for name, inner in value.items() if inner is not None}
    return value


def demand_members(value: object, place: str) -> dict[str, Any]:
    """The same for a client's request, where anything but an object is a mistake to be told."""
    if not isinstance(value, dict):
        raise InvalidRequest(f"{place!r} must be an object; send what the Gemini API's reference names there.")
    return members(value)


def listed(value: object, place: str) -> list[Any]:
    """A repeated field. Google's servers take a single value for a list of one."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    if isinstance(value, dict | str):
        return [value]
    raise InvalidRequest(f"{place!r} must be a list; send what the Gemini API's reference names there.")


def repeated(value: object) -> list[Any]:
    """A repeated field of an answer; empty for anything that is no list."""
    return value if isinstance(value, list) else []


@lru_cache(MOST_REMEMBERED)
def _camel(name: str) -> str:
    if "_" not in name.strip("_"):
        return name
    head, *tail = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in tail)
