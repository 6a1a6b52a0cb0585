"""Events → a stream of this API, whole frames only.

A text or a thought ends when another part begins; calls stay open together. `output` of the last event is what the
frames before it have told, item by item.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from typing_extensions import override

from proxy.canonical.answer import StopReason
from proxy.canonical.events import (
    CitationAdded,
    Event,
    Failed,
    LogprobsAdded,
    MediaAdded,
    MessageEnded,
    MessageStarted,
    NativeAdded,
    PartEnded,
    RefusalDelta,
    StreamEnded,
    TextDelta,
    ThinkingDelta,
    ToolArgsDelta,
    ToolCallStarted,
    UsageReported,
)
from proxy.canonical.failure import Failure
from proxy.canonical.parts import ToolCall
from proxy.dialects.codec import Opening
from proxy.dialects.one_answer import OneAnswerEncoder
from proxy.dialects.responses.answers import OutputItems
from proxy.dialects.responses.citations import render_annotation
from proxy.dialects.responses.custom_calls import free_text
from proxy.dialects.responses.failures import stream_error
from proxy.dialects.responses.open_items import Frames, OpenCall, OpenMessage, OpenThought, whole_item
from proxy.dialects.responses.skeleton import item_id, response_id, response_skeleton
from proxy.dialects.responses.stops import native_member, render_stop
from proxy.dialects.responses.usage import render_usage

_CUT = Failure("truncated", "The answer broke off before its end.")


class ResponsesEncoder(OneAnswerEncoder):
    _OTHERS_LOST = "n", "This API has one answer; the first one is given."

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        self._opening = opening
        self._frames = Frames()
        self._response: dict[str, Any] = {}  # empty: nothing has been written
        self._items = OutputItems("", opening.request, self._losses)  # made anew with the answer's id
        self._output: list[dict[str, Any]] = []
        self._message: OpenMessage | None = None
        self._thought: OpenThought | None = None
        self._thoughts: dict[int, OpenThought] = {}  # by part, also those that have ended
        self._calls: dict[int, OpenCall] = {}
        self._stop: tuple[StopReason, str] = ("stop", "")
        self._has_refusal = False

    @override
    def encode(self, event: Event) -> bytes:
        """Most of a stream is text: that of an open part goes by the shortest way."""
        if type(event) is TextDelta and self._message is not None and event.part == self._message.part:
            return self._message.add(event.text) if event.text else b""
        return super().encode(event)

    @property
    def response(self) -> dict[str, Any]:
        """The response as its last event told it; before that event without its output."""
        return self._response

    @override
    def close(self) -> bytes:
        """A stream that nobody ended is cut."""
        return b"" if self._is_over else self.encode(Failed(_CUT))

    @override
    def _begin(self, event: Event) -> bytes:
        if self._response:
            return b""
        head = event if isinstance(event, MessageStarted) else MessageStarted()
        opening = self._opening
        identity = response_id(head.id, opening)
        self._response = response_skeleton(
            identity, head.model or opening.model, head.created or opening.created, opening.request
        )
        self._items = OutputItems(identity, opening.request, self._losses)
        self._take_head(head)
        return self._frames.frame("response.created", response=self._response) + self._frames.frame(
            "response.in_progress", response=self._response
        )

    def _take_head(self, event: MessageStarted) -> bytes:
        """What is known later stands in the last event; the id stays the first one."""
        self._response["model"] = event.model or self._response["model"]
        if isinstance(tier := event.rest.get("service_tier"), str):
            self._response["service_tier"] = tier
        return b""

    def _take_text(self, event: TextDelta) -> bytes:
        return self._say(event.part, event.text, "output_text")

    def _take_refusal(self, event: RefusalDelta) -> bytes:
        self._has_refusal = True
        return self._say(event.part, event.text, "refusal")

    def _say(self, part: int, text: str, kind: str) -> bytes:
        if not text:
            return b""
        if self._message is not None and self._message.part == part:
            return self._message.add(text)
        began, message = self._begin_content(part, kind)
        return began + message.add(text)

    def _begin_content(self, part: int, kind: str) -> tuple[bytes, OpenMessage]:
        began, message = b"", self._message
        if message is None:
            began = self._end_open()
            message = self._message = OpenMessage(self._frames, self._item_id("msg"), len(self._output))
            self._output.append(message.item)
            began += message.begin()
        return began + message.begin_content(part, kind), message

    def _take_citation(self, event: CitationAdded) -> bytes:
        message = self._message
        began = b""
        if message is None or message.part != event.part:
            began, message = self._begin_content(event.part, "output_text")
        annotation = render_annotation(event.citation, message.length())
        if annotation is None:
            self._losses.add("citations", "A source without an address has no place here.")
        return began + (message.annotate(annotation) if annotation is not None and message.is_text else b"")

    def _take_logprobs(self, event: LogprobsAdded) -> bytes:
        message = self._message
        return message.add_logprobs(event.tokens) if message is not None and message.is_text else b""

    def _take_thinking(self, event: ThinkingDelta) -> bytes:
        is_ours = event.made_by == "responses"
        signature = event.signature if is_ours else ""
        if not event.text and not signature and not (is_ours and event.item_id):
            return b""
        thought, began = self._thought, b""
        known = self._thoughts.get(event.part)
        if not event.text and known is not None and known is not thought:
            known.sign(signature)  # after its end: the last event tells it
            return b""
        if thought is None or not self._is_same_thought(thought, event, is_ours=is_ours):
            began, thought = self._begin_thought(event.item_id if is_ours and known is None else "")
        self._thoughts[event.part] = thought
        if event.text:
            began += thought.add(event.part, event.text, is_summary=event.is_summary or not is_ours)
        thought.sign(signature)
        thought.part = event.part
        return began

    def _begin_thought(self, identity: str) -> tuple[bytes, OpenThought]:
        ended = self._end_open()
        thought = self._thought = OpenThought(self._frames, identity or self._item_id("rs"), len(self._output))
        self._output.append(thought.item)
        return ended + thought.begin(), thought

    def _is_same_thought(self, thought: OpenThought, event: ThinkingDelta, *, is_ours: bool) -> bool:
        if thought.part == event.part:
            return True
        return is_ours and not thought.is_signed and thought.item["id"] == event.item_id

    def _take_call(self, event: ToolCallStarted) -> bytes:
        began = self._end_open()
        index = len(self._output)
        call = ToolCall(
            event.id or self._item_id("call"),
            event.name,
            "",
            "custom" if event.kind == "custom" else "function",
            item_id=event.item_id,
            extra=event.extra,
        )
        item = self._items.render_call(call, index)
        is_rewritten = item["type"] == "custom_tool_call" and call.kind != "custom"
        opened = self._calls[event.part] = OpenCall(self._frames, item, index, free_text if is_rewritten else None)
        self._output.append(opened.item)
        return began + opened.begin()

    def _take_arguments(self, event: ToolArgsDelta) -> bytes:
        call = self._calls.get(event.part)
        return call.add(event.text) if call is not None and event.text else b""

    def _take_part_end(self, event: PartEnded) -> bytes:
        """Texts and thoughts go on: what follows may belong to the same item."""
        call = self._calls.pop(event.part, None)
        return call.end() if call is not None else b""

    def _take_whole(self, event: NativeAdded | MediaAdded) -> bytes:
        if isinstance(event, MediaAdded) and event.is_partial:
            return b""
        part = event.media if isinstance(event, MediaAdded) else event.native
        item = self._items.render_group([part], len(self._output))
        if item is None:
            return b""
        began = self._end_open()
        self._output.append(item)
        return began + whole_item(self._frames, item, len(self._output) - 1)

    def _take_usage(self, event: UsageReported) -> bytes:
        self._response["usage"] = render_usage(event.usage)
        return b""

    def _take_end(self, event: MessageEnded) -> bytes:
        self._stop = (event.stop, event.native_stop)
        return b""

    def _finish(self, _: StreamEnded) -> bytes:
        ending = render_stop(*self._stop, has_refusal=self._has_refusal)
        if ending.status == "failed":
            return self._end_open("incomplete") + self._fail(
                Failed(Failure("server", self._stop[1] or "The provider gave up."))
            )
        ended = self._end_all("incomplete" if ending.status == "incomplete" else "completed")
        details = {"reason": ending.reason} if ending.reason else None
        self._response.update(status=ending.status, incomplete_details=details, output=self._output)
        self._response.update(native_member(self._stop[1]))
        self._is_over = True
        kind = "incomplete" if ending.status == "incomplete" else "completed"
        return ended + self._frames.frame(f"response.{kind}", response=self._response)

    def _fail(self, event: Failed) -> bytes:
        """What was open stays unfinished: nobody is to take it for whole."""
        self._message = self._thought = None
        self._calls.clear()
        output = [item for item in self._output if item.get("status") != "in_progress"]
        self._response.update(status="failed", error=stream_error(event.failure), output=output)
        self._is_over = True
        return self._frames.frame("response.failed", response=self._response)

    def _item_id(self, prefix: str) -> str:
        return item_id(prefix, self._response["id"], len(self._output))

    def _end_open(self, status: str = "completed") -> bytes:
        """Ends the text or the thought that is being written."""
        message, self._message = self._message, None
        thought, self._thought = self._thought, None
        return (message.end(status) if message is not None else b"") + (thought.end() if thought is not None else b"")

    def _end_all(self, status: str) -> bytes:
        ended = self._end_open(status)
        for call in self._calls.values():
            ended += call.end()
        self._calls.clear()
        return ended

    _TAKERS: ClassVar[dict[type, Callable[[Any, Any], bytes]]] = {
        MessageStarted: _take_head,
        TextDelta: _take_text,
        RefusalDelta: _take_refusal,
        CitationAdded: _take_citation,
        LogprobsAdded: _take_logprobs,
        ThinkingDelta: _take_thinking,
        ToolCallStarted: _take_call,
        ToolArgsDelta: _take_arguments,
        PartEnded: _take_part_end,
        NativeAdded: _take_whole,
        MediaAdded: _take_whole,
        UsageReported: _take_usage,
        MessageEnded: _take_end,
        StreamEnded: _finish,
        Failed: _fail,
    }
