"""The frame as a live source: one person's bell, the day's spending, restarts, incidents and the freeze of all."""

from collections.abc import Callable
from dataclasses import dataclass, field

from controlplane.feed.changes import Change
from controlplane.queries.shell import ShellView, shell_view
from web import words
from web.live.channel import LAZY_SECONDS, SETTLE_SECONDS
from web.rendering import Renderer, partial
from web.station import Station


@dataclass(frozen=True, slots=True)
class ShellSource:
    """The frame of one person."""

    workspace_id: str
    user_id: str
    station: Station = field(compare=False, repr=False)

    def urgency(self, change: Change) -> float | None:
        if change.workspace_id != self.workspace_id:
            return SETTLE_SECONDS if change.topic == "process" else None
        match change.topic:
            case "notice":
                return SETTLE_SECONDS if change.subject_id == self.user_id else None
            case "freeze":
                return SETTLE_SECONDS if change.subject_id == self.workspace_id else None
            case "process" | "incident":
                return SETTLE_SECONDS
            case "usage":
                return LAZY_SECONDS
            case _:
                return None

    async def load(self) -> ShellView:
        now_ms = self.station.clock.now_ms()
        midnight_ms = words.midnight_ms(now_ms, self.station.renderer.zone)
        async with self.station.control.reading() as control, self.station.calls.reading() as calls:
            return await shell_view(control, calls, self.workspace_id, self.user_id, now_ms, midnight_ms)

    def difference(self, old: ShellView, new: ShellView, seq: int) -> str | None:
        return "\n".join(frame_fragments(self.station.renderer, new, old))


def frame_fragments(renderer: Renderer, new: ShellView, old: ShellView | None = None) -> list[str]:
    """What of the frame differs from an old one, or all of it."""
    parts: dict[str, Callable[[ShellView], object]] = {
        "bell": lambda view: view.open_notices,
        "spend": lambda view: view.spent_nano_usd,
        "restarts": lambda view: view.restarts,
        "incidents": lambda view: view.incidents,
        "frozen": lambda view: view.frozen,
        "freeze-all": lambda view: view.frozen,
    }
    return [
        partial(f"#{name}", "outerHTML", renderer.part("frame/shell.html", name.replace("-", "_"), read(new)))
        for name, read in parts.items()
        if old is None or read(old) != read(new)
    ]
