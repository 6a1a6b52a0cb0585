"""Members of a client's request, of the kind that they have to be. What is of another is the client's fault."""

from collections.abc import Mapping
from typing import Any

from proxy.errors import InvalidRequest

MOST_WRITTEN = 2**63  # whole numbers that can be written again; JSON reads greater ones as fractions


def integer_in(body: Mapping[str, Any], name: str) -> int | None:
    """None for what is missing or null."""
    value = body.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < MOST_WRITTEN:
        return int(value)
    raise InvalidRequest(f"{name!r} has to be a whole number, not {value!r}.")


def number_in(body: Mapping[str, Any], name: str) -> float | None:
    """As it was written: a whole number stays one."""
    value = body.get(name)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise InvalidRequest(f"{name!r} has to be a number, not {value!r}.")


def strings_in(body: Mapping[str, Any], name: str) -> list[str]:
    """A string alone counts as a list of one; nothing for what is missing or null."""
    value = body.get(name)
    if isinstance(value, str):
        return [value]
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value
    raise InvalidRequest(f"{name!r} has to be a list of strings, not {value!r}.")


def objects_in(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Nothing for what is missing or null."""
    value = body.get(name)
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return value
    raise InvalidRequest(f"{name!r} has to be a list of objects, not {value!r}.")


def object_in(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Empty for what is missing or null."""
    value = body.get(name)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise InvalidRequest(f"{name!r} has to be an object, not {value!r}.")
