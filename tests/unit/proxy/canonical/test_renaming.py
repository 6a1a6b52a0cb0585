from proxy.canonical.events import Event, TextDelta, ToolArgsDelta, ToolCallStarted
from proxy.canonical.renaming import with_client_names


def test_a_tool_is_called_as_the_client_calls_it() -> None:
    events: list[Event] = [
        TextDelta(0, "files_read_1a2b3c4d"),
        ToolCallStarted(1, "call_1", "files_read_1a2b3c4d"),
        ToolArgsDelta(1, "{}"),
        ToolCallStarted(2, "call_2", "look"),
    ]
    renamed = list(with_client_names(events, {"files_read_1a2b3c4d": "files.read"}))
    assert renamed == [events[0], ToolCallStarted(1, "call_1", "files.read"), events[2], events[3]]
    assert list(with_client_names(events, {})) == events
