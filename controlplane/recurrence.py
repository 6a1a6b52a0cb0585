"""When something recurs: five cron fields in a time zone, as people write them.

Times come out in UTC milliseconds. A local time that the clock skips in spring is taken at the next one that exists.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter

FIELDS = 5  # no seconds: an agent's work is not begun to the second


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A checked expression. `parse_recurrence` makes it."""

    cron: str
    zone: ZoneInfo

    def after(self, at_ms: int) -> Iterator[int]:
        """The times after this one, without end."""
        start = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self.zone)
        times = croniter(self.cron, start)
        while True:
            moment: datetime = times.get_next(datetime)
            yield int(moment.timestamp() * 1000)


def parse_recurrence(cron: str, time_zone: str) -> Recurrence:
    """Raises ValueError with a sentence for the person."""
    fields = cron.split()
    try:
        is_valid = len(fields) == FIELDS and croniter.is_valid(" ".join(fields))
    except CroniterError:
        is_valid = False
    if not is_valid:
        raise ValueError(f"{cron!r} is no cron expression of five fields, such as '0 7 * * 1-5'.")
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{time_zone!r} is no time zone, such as 'Europe/Berlin' or 'UTC'.") from None
    return Recurrence(" ".join(fields), zone)
