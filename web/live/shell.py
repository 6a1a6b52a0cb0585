"""The frame as a live source: one person's bell, the day's spending, and restarts."""

from dataclasses import dataclass, field

from controlplane.feed.changes import Change
from controlplane.queries.shell import ShellView, shell_view
from web import words
from web.live.channel import LAZY_SECONDS, SETTLE_SECONDS
from web.rendering import partial
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
            case "process":
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
        part = self.station.renderer.part
        fragments = []
        if old.open_notices != new.open_notices:
            bell = part("frame/shell.html", "bell", new.open_notices)
            fragments.append(partial("#bell", "outerHTML", bell))
        if old.spent_nano_usd != new.spent_nano_usd:
            spend = part("frame/shell.html", "spend", new.spent_nano_usd)
            fragments.append(partial("#spend", "outerHTML", spend))
        if old.restarts != new.restarts:
            restarts = part("frame/shell.html", "restarts", new.restarts)
            fragments.append(partial("#restarts", "outerHTML", restarts))
        return "\n".join(fragments)
