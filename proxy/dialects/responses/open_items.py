"""Items of a stream that are being written: each begins with `output_item.added` and ends with `output_item.done`."""

from collections.abc import Callable
from typing import Any

import orjson


class Frames:
    """Counts events. `frame` renders one; `delta` does it for those that make up nearly all of a stream."""

    def __init__(self) -> None:
        self.count = 0

    def frame(self, kind: str, **members: Any) -> bytes:
        number = self.count
        self.count = number + 1
        text = orjson.dumps({"type": kind, **members, "sequence_number": number})
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), text)

    def delta(self, head: bytes, text: str) -> bytes:
        """`head` from `delta_head`."""
        number = self.count
        self.count = number + 1
        return b'%b%b,"sequence_number":%d}\n\n' % (head, orjson.dumps(text), number)


def delta_head(kind: str, **members: Any) -> bytes:
    """An event up to its `delta`."""
    text = orjson.dumps({"type": kind, **members})[:-1]
    return b'event: %b\ndata: %b,"delta":' % (kind.encode(), text)


class OpenMessage:
    """A message: one text or refusal after the other."""

    def __init__(self, frames: Frames, identity: str, index: int) -> None:
        self._frames = frames
        self._place: dict[str, Any] = {"item_id": identity, "output_index": index}
        self._kind = ""
        self._pieces: list[str] = []
        self._head = b""
        self.part = -1  # the canonical part that is growing
        self.item: dict[str, Any] = {
            "id": identity,
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }

    def begin(self) -> bytes:
        return _added(self._frames, self.item, self._place["output_index"])

    def begin_content(self, part: int, kind: str) -> bytes:
        ended = self._end_content()
        self.part, self._kind, self._pieces = part, kind, []
        content: dict[str, Any] = {"type": kind, "refusal": ""}
        if kind == "output_text":
            content = {"type": kind, "annotations": [], "logprobs": [], "text": ""}
        place = {**self._place, "content_index": len(self.item["content"])}
        self.item["content"].append(content)
        is_text = kind == "output_text"
        self._head = delta_head(f"response.{kind}.delta", **place, **({"logprobs": []} if is_text else {}))
        return ended + self._frames.frame("response.content_part.added", **place, part=content)

    def add(self, text: str) -> bytes:
        self._pieces.append(text)
        return self._frames.delta(self._head, text)

    def length(self) -> int:
        return sum(map(len, self._pieces))

    def annotate(self, annotation: dict[str, Any]) -> bytes:
        content = self.item["content"][-1]
        content["annotations"].append(annotation)
        return self._frames.frame(
            "response.output_text.annotation.added",
            **self._place,
            content_index=len(self.item["content"]) - 1,
            annotation_index=len(content["annotations"]) - 1,
            annotation=annotation,
        )

    def add_logprobs(self, tokens: list[Any]) -> bytes:
        content = self.item["content"][-1]
        content["logprobs"] = [*content.get("logprobs", ()), *tokens]
        return self._frames.frame(
            "response.output_text.delta",
            **self._place,
            content_index=len(self.item["content"]) - 1,
            delta="",
            logprobs=tokens,
        )

    @property
    def is_text(self) -> bool:
        return self._kind == "output_text"

    def _end_content(self) -> bytes:
        if not self._kind:
            return b""
        content = self.item["content"][-1]
        place = {**self._place, "content_index": len(self.item["content"]) - 1}
        text = "".join(self._pieces)
        name = "text" if self.is_text else "refusal"
        content[name] = text
        also = {"logprobs": content["logprobs"]} if self.is_text else {}
        done = self._frames.frame(f"response.{self._kind}.done", **place, **{name: text}, **also)
        self._kind, self.part = "", -1
        return done + self._frames.frame("response.content_part.done", **place, part=content)

    def end(self, status: str) -> bytes:
        ended = self._end_content()
        self.item["status"] = status
        return ended + _done(self._frames, self.item, self._place["output_index"])


class OpenThought:
    """A reasoning item: paragraphs of a summary, or of the reasoning itself."""

    def __init__(self, frames: Frames, identity: str, index: int) -> None:
        self._frames = frames
        self._place: dict[str, Any] = {"item_id": identity, "output_index": index}
        self._kind = ""
        self._pieces: list[str] = []
        self._head = b""
        self.part = -1
        self.item: dict[str, Any] = {"id": identity, "type": "reasoning", "summary": []}

    def begin(self) -> bytes:
        return _added(self._frames, self.item, self._place["output_index"])

    def add(self, part: int, text: str, *, is_summary: bool) -> bytes:
        began = b""
        if part != self.part or not self._kind:
            began = self._end_paragraph() + self._begin_paragraph("summary" if is_summary else "content")
            self.part = part
        self._pieces.append(text)
        return began + self._frames.delta(self._head, text)

    def sign(self, signature: str) -> None:
        if signature:
            self.item["encrypted_content"] = signature

    @property
    def is_signed(self) -> bool:
        return "encrypted_content" in self.item

    def _begin_paragraph(self, kind: str) -> bytes:
        self._kind, self._pieces = kind, []
        paragraphs = self.item.setdefault(kind, [])
        is_summary = kind == "summary"
        place = {**self._place, "summary_index" if is_summary else "content_index": len(paragraphs)}
        paragraphs.append({"type": "summary_text" if is_summary else "reasoning_text", "text": ""})
        event = "reasoning_summary_text" if is_summary else "reasoning_text"
        self._head = delta_head(f"response.{event}.delta", **place)
        added = "reasoning_summary_part" if is_summary else "content_part"
        return self._frames.frame(f"response.{added}.added", **place, part=paragraphs[-1])

    def _end_paragraph(self) -> bytes:
        if not self._kind:
            return b""
        paragraphs = self.item[self._kind]
        text = paragraphs[-1]["text"] = "".join(self._pieces)
        is_summary = self._kind == "summary"
        place = {**self._place, "summary_index" if is_summary else "content_index": len(paragraphs) - 1}
        event = "reasoning_summary_text" if is_summary else "reasoning_text"
        ended = "reasoning_summary_part" if is_summary else "content_part"
        self._kind = ""
        return self._frames.frame(f"response.{event}.done", **place, text=text) + self._frames.frame(
            f"response.{ended}.done", **place, part=paragraphs[-1]
        )

    def end(self) -> bytes:
        return self._end_paragraph() + _done(self._frames, self.item, self._place["output_index"])


class OpenCall:
    """A call of a tool. `rewrite` makes the client's free text of a function's arguments, once they are whole."""

    def __init__(
        self, frames: Frames, item: dict[str, Any], index: int, rewrite: Callable[[str], str] | None = None
    ) -> None:
        self._frames = frames
        self._place = {"item_id": item["id"], "output_index": index}
        self._member = "input" if item["type"] == "custom_tool_call" else "arguments"
        self._event = "custom_tool_call_input" if self._member == "input" else "function_call_arguments"
        self._rewrite = rewrite
        self._pieces: list[str] = []
        self._head = delta_head(f"response.{self._event}.delta", **self._place)
        self.item = {**item, "status": "in_progress", self._member: ""}

    def begin(self) -> bytes:
        return _added(self._frames, self.item, self._place["output_index"])

    def add(self, text: str) -> bytes:
        self._pieces.append(text)
        return self._frames.delta(self._head, text) if self._rewrite is None else b""

    def end(self) -> bytes:
        told, whole = b"", "".join(self._pieces)
        if self._rewrite is not None:
            whole = self._rewrite(whole or "{}")
            told = self._frames.delta(self._head, whole)
        elif not whole and self._member == "arguments":
            whole = "{}"  # a call without arguments: https://platform.openai.com/docs/guides/function-calling
            told = self._frames.delta(self._head, whole)
        self.item[self._member] = whole
        self.item["status"] = "completed"
        done = self._frames.frame(
            f"response.{self._event}.done", **self._place, name=self.item["name"], **{self._member: whole}
        )
        return told + done + _done(self._frames, self.item, self._place["output_index"])


def _added(frames: Frames, item: dict[str, Any], index: int) -> bytes:
    return frames.frame("response.output_item.added", output_index=index, item=item)


def _done(frames: Frames, item: dict[str, Any], index: int) -> bytes:
    return frames.frame("response.output_item.done", output_index=index, item=item)


def whole_item(frames: Frames, item: dict[str, Any], index: int) -> bytes:
    """An item that comes in one piece."""
    return _added(frames, item, index) + _done(frames, item, index)
