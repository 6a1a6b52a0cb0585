"""A client's generateContent → the canonical request. https://ai.google.dev/api/generate-content (November 2026)."""

from collections.abc import Mapping
from typing import Any

from proxy.canonical.parts import Part, Text, ToolResult
from proxy.canonical.request import Message, Request, Role
from proxy.dialects.gemini.calls import OpenCalls
from proxy.dialects.gemini.generation import parse_generation
from proxy.dialects.gemini.parts_in import parse_part
from proxy.dialects.gemini.spelling import demand_members, listed, members
from proxy.dialects.gemini.tools import parse_tool_choice, parse_tools
from proxy.dialects.reading import text_of
from proxy.errors import InvalidRequest

_ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "user", "system": "system", "": "user"}
_RESULT = {"id", "name", "response", "parts"}
_TEXT = {"text", "thought", "thoughtSignature"}


def parse_request(body: Mapping[str, Any], model: str = "", *, is_stream: bool | None = None) -> Request:
    """The model usually stands in the path, and whether it streams always does."""
    said = dict(demand_members(dict(body), "body"))
    named = text_of(said.pop("model", ""))
    request = Request("gemini", (model or named).removeprefix("models/"), is_stream=bool(is_stream))
    request.messages = _parse_messages(said.pop("systemInstruction", None), said.pop("contents", None))
    request.tools = parse_tools(said.pop("tools", None))
    request.tool_choice, request.rest = parse_tool_choice(said.pop("toolConfig", None))
    request.service_tier = text_of(said.pop("serviceTier", ""))
    parse_generation(said.pop("generationConfig", None), request)
    request.rest.update(said)
    if not request.messages:
        raise InvalidRequest("'contents' is missing or empty; send at least one content with a part.")
    return request


def _parse_messages(system: object, contents: object) -> list[Message]:
    calls = OpenCalls()
    found: list[Message] = []
    if system:
        parts = system if isinstance(system, str | list) else members(system).get("parts")
        found.append(Message("system", _parse_parts(parts, calls, "systemInstruction")))
    for index, content in enumerate(listed(contents, "contents")):
        place = f"contents[{index}]"
        if isinstance(content, str):
            content = {"parts": [{"text": content}]}
        found.extend(_parse_content(demand_members(content, place), calls, place))
    return [message for message in found if message.parts]


def _parse_content(content: dict[str, Any], calls: OpenCalls, place: str) -> list[Message]:
    """One message, or several where results of tools and words of the user stand in one content."""
    role = _ROLES.get(text_of(content.get("role")).lower())
    if role is None:
        raise InvalidRequest(f"{place}.role is {content.get('role')!r}; use 'user' or 'model'.")
    found: list[Message] = []
    for part in _parse_parts(content.get("parts"), calls, place):
        belongs: Role = "tool" if isinstance(part, ToolResult) else role
        if not found or found[-1].role != belongs:
            found.append(Message(belongs, []))
        found[-1].parts.append(part)
    if not found and role == "user" and _is_silent(content):
        found.append(Message(role, [Text("")]))
    if found:
        found[0].extra = _extra(content)
    return found


def _is_silent(content: dict[str, Any]) -> bool:
    """Says an empty text, which Google answers as any other (gemini-2.5-flash, November 2026)."""
    return any(part == "" or members(part).get("text") == "" for part in listed(content.get("parts"), "parts"))


def _parse_parts(parts: object, calls: OpenCalls, place: str) -> list[Part]:
    found: list[Part] = []
    for index, part in enumerate(listed(parts, f"{place}.parts")):
        spelt = {"text": part} if isinstance(part, str) else demand_members(part, f"{place}.parts[{index}]")
        found.extend(parse_part(spelt, calls))
    return found


def _extra(content: dict[str, Any]) -> dict[str, Any]:
    """What no part stands for: members of the content, of a function's response, of a text."""
    extra = {name: value for name, value in content.items() if name != "role" and name != "parts"}
    for index, part in enumerate(listed(content.get("parts"), "parts")):
        spelt = members(part)
        if "functionResponse" in spelt:
            result = members(spelt["functionResponse"])
            if not result.keys() <= _RESULT:
                unknown = {name: value for name, value in result.items() if name not in _RESULT}
                extra[f"parts[{index}].functionResponse"] = unknown
        elif "text" in spelt and not spelt.keys() <= _TEXT:
            extra.update({f"parts[{index}].{name}": spelt[name] for name in sorted(spelt.keys() - _TEXT)})
    return extra
