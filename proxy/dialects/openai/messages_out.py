"""Canonical messages → `messages` of a chat completion.

A tool message holds text only: pictures and documents that a tool answered follow in the user's next message, behind
the last of the results, for nothing may stand between a call and its results. Several texts of a message from another
dialect become one, since not every server of this format takes a list (DeepSeek: "expected a string").
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from proxy.canonical.parts import Media, Native, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import Message, Request
from proxy.dialects.losses import Losses
from proxy.dialects.openai.answers import render_call
from proxy.dialects.openai.media import render_media
from proxy.dialects.openai.models import is_reasoning
from proxy.dialects.openai.names import fit_call_id, fit_name
from proxy.dialects.openai.thoughts import IN_CONTENT, render_thinking_part, render_thoughts_back
from proxy.dialects.reading import text_of


def render_messages(request: Request, losses: Losses) -> list[dict[str, Any]]:
    writer = _Writer(request, losses)
    rendered: list[dict[str, Any]] = []
    for message in request.messages:
        if message.role not in {"tool", "user"}:
            rendered += writer.shown()
        rendered += writer.render(message)
    return [*rendered, *writer.shown()]


class _Writer:
    def __init__(self, request: Request, losses: Losses) -> None:
        self._request = request
        self._losses = losses
        self._is_own = request.dialect == "openai"
        self._kept: list[dict[str, Any]] = []  # content parts that tool messages cannot hold

    def render(self, message: Message) -> Iterator[dict[str, Any]]:
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        for result in results:
            yield {**self._result(result), **self._extra(message)}
        others = [part for part in message.parts if not isinstance(part, ToolResult)]
        if message.role == "assistant":
            yield self._assistant(message, others)
        elif others or not results:
            role = "user" if message.role == "tool" else self._role(message.role)
            content = self._content(others)
            if role == "user" and self._kept:
                content, self._kept = [*self._kept, *self._parts(others)], []
            yield {"role": role, **self._named(message), "content": content, **self._extra(message)}

    def shown(self) -> Iterator[dict[str, Any]]:
        """A user message with what the tools showed, if nobody has said it yet."""
        if self._kept:
            yield {"role": "user", "content": self._kept}
            self._kept = []

    def _role(self, role: str) -> str:
        return "system" if role == "developer" and not is_reasoning(self._request.model) else role

    def _named(self, message: Message) -> dict[str, Any]:
        return {"name": message.name} if message.name else {}

    def _extra(self, message: Message) -> dict[str, Any]:
        if self._is_own:
            return message.extra
        for name in message.extra:
            self._losses.add(name, "Chat Completions has no such member of a message")
        return {}

    def _assistant(self, message: Message, parts: Sequence[Part]) -> dict[str, Any]:
        plain = [part for part in parts if not isinstance(part, Refusal) and not _is_voice(part)]
        calls = [self._call(part) for part in parts if isinstance(part, ToolCall)]
        said: dict[str, Any] = {"role": "assistant", **self._named(message)}
        content = self._content((part for part in plain if not _is_member(part)), joint="")
        said["content"] = None if calls and not content else content
        if refusal := "".join(part.text for part in parts if isinstance(part, Refusal)):
            said["refusal"] = refusal
            said["content"] = content or None
        thoughts = [part for part in parts if isinstance(part, Thinking) and part.made_by == "openai"]
        said |= render_thoughts_back(thoughts)
        if calls:
            said["tool_calls"] = calls
        for part in parts:
            if isinstance(part, Media) and _is_voice(part):
                said["audio"] = {"id": part.file_id or text_of(part.extra.get("id"))}
            elif isinstance(part, Native) and _is_member(part):
                said |= part.raw
        return {**said, **self._extra(message)}

    def _call(self, call: ToolCall) -> dict[str, Any]:
        said = render_call(call)
        if self._is_own:
            return said
        body = said[call.kind]
        return {**said, "id": fit_call_id(call.id), call.kind: {**body, "name": fit_name(call.name)}}

    def _result(self, result: ToolResult) -> dict[str, Any]:
        if result.is_error and not self._is_own:
            self._losses.add("is_error", "a tool message cannot say that the tool failed; its text is kept")
        texts = [part for part in result.parts if not isinstance(part, Media) or part.text]
        shown = [part for part in result.parts if isinstance(part, Media) and not part.text]
        if self._is_own and shown:  # Mistral's tools may answer pictures, and the client knows its provider
            texts, shown = result.parts, []
        said = {"role": "tool", "tool_call_id": self._call_id(result.id), "content": self._content(texts)}
        if shown and (media := list(self._parts(shown))):
            self._kept += [{"type": "text", "text": f"What the tool answered to {said['tool_call_id']}:"}, *media]
        return {**said, "name": result.name} if result.name and self._is_own else said

    def _call_id(self, call_id: str) -> str:
        return call_id if self._is_own else fit_call_id(call_id)

    def _content(self, parts: Iterable[Part], joint: str | None = None) -> str | list[dict[str, Any]]:
        """Texts as one text, joined by `joint`; a list where there is more to it, or the client sent one."""
        if joint is None and not self._is_own:
            joint = "\n\n"
        rendered = list(self._parts(parts))
        if not rendered:
            return ""
        is_plain = all(part.keys() == {"type", "text"} for part in rendered)
        if is_plain and (len(rendered) == 1 or joint is not None):
            return (joint or "").join(part["text"] for part in rendered)
        return rendered

    def _parts(self, parts: Iterable[Part]) -> Iterator[dict[str, Any]]:
        for part in parts:
            if isinstance(part, Text):
                yield from self._text(part)
            elif isinstance(part, Media):
                yield from self._media(part)
            elif isinstance(part, Refusal):
                yield {"type": "text", "text": part.text}
            elif isinstance(part, Native):
                yield from self._native(part)
            elif isinstance(part, Thinking) and part.made_by == "openai" and part.format == IN_CONTENT:
                yield render_thinking_part(part)

    def _text(self, part: Text) -> Iterator[dict[str, Any]]:
        yield {"type": "text", "text": part.text, **self._cache(part)}

    def _cache(self, part: Text | Media) -> dict[str, Any]:
        """Others cache by themselves: nothing is lost."""
        return {"cache_control": {"type": "ephemeral", "ttl": part.cache}} if part.cache and self._is_own else {}

    def _media(self, part: Media) -> Iterator[dict[str, Any]]:
        rendered = render_media(part, is_own=self._is_own)
        if rendered is None:
            form = "of this type" if part.data else "by a link or an id of this kind"
            self._losses.add(part.kind, f"Chat Completions takes no {part.kind} {form}")
            return
        if not self._is_own:
            for name in part.extra:
                self._losses.add(name, f"Chat Completions knows no such member of a {part.kind}")
        yield {**rendered, **self._cache(part)}

    def _native(self, part: Native) -> Iterator[dict[str, Any]]:
        if part.dialect == "openai":
            yield part.raw
            return
        self._losses.add(text_of(part.raw.get("type")) or "native block", "only its own provider understands it")
        if part.text:
            yield {"type": "text", "text": part.text}


def _is_voice(part: Part) -> bool:
    """What the model said itself, known by its id."""
    return isinstance(part, Media) and part.kind == "audio" and (bool(part.file_id) or part.extra_of == "openai")


def _is_member(part: Part) -> bool:
    """A member of an answer that came back, not a content part."""
    return isinstance(part, Native) and part.dialect == "openai" and "type" not in part.raw
