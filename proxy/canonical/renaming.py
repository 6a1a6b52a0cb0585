"""The names of tools on the way back: a provider that could not take a client's name answers with the one it was given.

`Rendered.tool_names` of the request says which: as they stand in the body → as the client wrote them.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from proxy.canonical.events import Event, ToolCallStarted


def with_client_names(events: Iterable[Event], tool_names: Mapping[str, str]) -> Iterator[Event]:
    """The same events, with tools called as the client calls them."""
    for event in events:
        yield with_client_name(event, tool_names) if tool_names else event


def with_client_name(event: Event, tool_names: Mapping[str, str]) -> Event:
    if type(event) is ToolCallStarted and event.name in tool_names:
        return msgspec.structs.replace(event, name=tool_names[event.name])
    return event
