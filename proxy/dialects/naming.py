"""Names of tools that a provider could not take, made fit for it, and told to the client as it wrote them.

A fitted name ends with '_' and eight hex digits of the SHA-256 of the whole name. So the request alone says which name
it was: nothing has to be remembered between the way there and the way back.
"""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256

import msgspec

from proxy.canonical.events import Event, ToolCallStarted
from proxy.canonical.request import Request, Tool

LONGEST_USUAL = 64

_USUAL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]*\Z")
_DIGITS = 8


def fit(name: str, clean: str, longest: int = LONGEST_USUAL, digits: int = _DIGITS) -> str:
    """As it is where it is clean and not too long; else what is clean of it, cut, and told apart by a digest."""
    if clean == name and 0 < len(name) <= longest:
        return name
    return f"{clean[: longest - digits - 1]}_{digest(name)[:digits]}"


def digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def unusual_names(request: Request) -> dict[str, str]:
    """By the end of their fitted form, the names of tools that some dialect does not take; mostly none."""
    names = [tool.name for tool in request.tools if isinstance(tool, Tool)]
    return {_ending(name): name for name in names if len(name) > LONGEST_USUAL or not _USUAL.match(name)}


def as_written(events: Iterable[Event], names: Mapping[str, str]) -> Iterable[Event]:
    """The events with the client's own names of its tools."""
    return (_renamed(event, names) for event in events) if names else events


def _renamed(event: Event, names: Mapping[str, str]) -> Event:
    if isinstance(event, ToolCallStarted) and (name := names.get(event.name[-_DIGITS - 1 :])):
        return msgspec.structs.replace(event, name=name)
    return event


def _ending(name: str) -> str:
    return "_" + digest(name)[:_DIGITS]
