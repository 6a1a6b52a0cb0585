"""What is read from a translated answer: the same as from one that passes, out of its events."""

from typing import Any

from proxy.canonical.events import (
    Event,
    Failed,
    MessageEnded,
    MessageStarted,
    RefusalDelta,
    StreamEnded,
    TextDelta,
    ThinkingDelta,
    ToolArgsDelta,
    ToolCallStarted,
    UsageReported,
)
from proxy.dialects.anthropic.tap import tier_of
from proxy.dialects.reading import Reading, text_of

_MEANS_NOTHING_YET = (MessageStarted, UsageReported, Failed)  # before them, or instead of it, nothing was said


def tier_of_usage(raw: dict[str, Any]) -> str:
    """What the price depends on, where the account of a call says it: Anthropic's and Google's."""
    if "promptTokenCount" in raw:
        from proxy.dialects.gemini.usage import tier_of as gemini_tier_of  # noqa: PLC0415 - loaded by who translates

        return gemini_tier_of(raw)
    return tier_of(raw) if "input_tokens" in raw else text_of(raw.get("service_tier"))


class EventTap:
    """Reads events as they go by."""

    __slots__ = ("has_begun", "reading")

    def __init__(self) -> None:
        self.reading = Reading()
        self.has_begun = False  # something came that is worth telling the client

    def take(self, event: Event) -> None:
        reading, kind = self.reading, type(event)
        if kind is TextDelta or kind is RefusalDelta:
            reading.add_text(event.text)  # type: ignore[union-attr]  # of these two
            self.has_begun = True
        elif kind is ToolArgsDelta:
            reading.add_tool(event.part, None, event.text)  # type: ignore[union-attr]  # of this one
        else:
            self._take_rare(event)

    def _take_rare(self, event: Event) -> None:
        reading = self.reading
        if not isinstance(event, _MEANS_NOTHING_YET):
            self.has_begun = True
        match event:
            case ThinkingDelta(text=text):
                reading.add_reasoning(text)
            case ToolCallStarted(part=part, name=name):
                reading.add_tool(part, name, None)
            case MessageStarted():
                reading.model = event.model or reading.model
                reading.response_id = event.id or reading.response_id
                tier = event.rest.get("service_tier")
                reading.service_tier = tier if isinstance(tier, str) else reading.service_tier
            case UsageReported(usage=usage, raw=raw):
                reading.usage = usage
                reading.service_tier = tier_of_usage(raw) or reading.service_tier
            case MessageEnded():
                reading.stop_reason = event.native_stop or event.stop
            case StreamEnded():
                reading.is_complete = True
            case Failed(failure=failure):
                reading.error_code = failure.code or failure.kind
                reading.error_message = failure.message
            case _:
                pass
