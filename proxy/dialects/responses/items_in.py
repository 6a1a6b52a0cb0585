"""`input` → messages. One turn of the model is one message, however many items it is made of."""

from typing import Any

from proxy.canonical.parts import Native, Part, Text, ToolResult
from proxy.canonical.request import Message, Role
from proxy.dialects.reading import text_of
from proxy.dialects.responses.output_items import parse_native, parse_output_item
from proxy.dialects.responses.parts_in import parse_content, parse_output
from proxy.errors import InvalidRequest

_ROLES: dict[str, Role] = {"user": "user", "system": "system", "developer": "developer", "assistant": "assistant"}
_MESSAGE_MEMBERS = {"type", "role", "content", "id", "status", "phase"}
_RESULTS = {"function_call_output", "custom_tool_call_output"}


def parse_input(given: object) -> list[Message]:
    """Raises InvalidRequest for what is no input at all."""
    if given is None:
        return []
    if isinstance(given, str):
        return [Message("user", [Text(given)])] if given else []
    if not isinstance(given, list):
        raise InvalidRequest("'input' must be a string or a list of items.")
    turns = _Turns()
    for index, item in enumerate(given):
        if not isinstance(item, dict):
            raise InvalidRequest(f"'input[{index}]' must be an object.")
        turns.take(item, f"input[{index}]")
    return turns.messages


class _Turns:
    """Messages so far. `_has_said` is true when the last turn of the model already holds a message item."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._has_said = False

    def take(self, item: dict[str, Any], path: str) -> None:
        kind = text_of(item.get("type")) or ("message" if "role" in item else "")
        if kind == "message":
            self._take_message(item, path)
        elif kind in _RESULTS:
            self._append("tool", [_parse_result(item, path)])
        elif not kind:
            raise InvalidRequest(f"{path!r} has neither 'type' nor 'role'.")
        elif kind.endswith("_output") or kind == "mcp_approval_response":
            self._append("tool", [parse_native(item)])
        elif item.get("role") == "developer":
            self.messages.append(Message("developer", [Native("responses", item)]))
        else:
            self._append("assistant", parse_output_item(item))

    def _take_message(self, item: dict[str, Any], path: str) -> None:
        role = _ROLES.get(text_of(item.get("role")))
        if role is None:
            raise InvalidRequest(
                f"{path!r} has the role {item.get('role')!r}; use user, assistant, system or developer."
            )
        parts = parse_content(item.get("content"), f"{path}.content")
        if role != "assistant":
            extra = {name: value for name, value in item.items() if name not in _MESSAGE_MEMBERS}
            self.messages.append(Message(role, parts, extra=extra))
            return
        if self._has_said:  # two messages of one turn keep their ids and phases apart
            self.messages.append(Message("assistant", []))
        message = self._append("assistant", parts)
        message.item_id, message.phase = text_of(item.get("id")), text_of(item.get("phase"))
        self._has_said = True

    def _append(self, role: Role, parts: list[Part]) -> Message:
        if not self.messages or self.messages[-1].role != role:
            self.messages.append(Message(role, []))
            self._has_said = False
        message = self.messages[-1]
        message.parts = [*message.parts, *parts]
        return message


def _parse_result(item: dict[str, Any], path: str) -> ToolResult:
    return ToolResult(
        text_of(item.get("call_id")) or text_of(item.get("id")),
        parse_output(item.get("output"), f"{path}.output"),
        text_of(item.get("name")),
        kind="custom" if item.get("type") == "custom_tool_call_output" else "function",
    )
