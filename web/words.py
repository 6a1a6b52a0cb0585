"""Figures, money and time in the words of the design (LOOK.md): short, exact, and the same in Python and `times.js`."""

from datetime import UTC, datetime, tzinfo
from decimal import Decimal

_NANO = Decimal(1_000_000_000)
_TEN_CENTS_NANO = 100_000_000
_MILL_NANO = 1_000_000
_UNITS = ((86_400, "day", "days"), (3_600, "h", "h"), (60, "min", "min"), (1, "s", "s"))


def dollars(nano_usd: int) -> str:
    """`$0.23`; below ten cents `$0.071`, below a tenth of a cent `$0.0004`: a small call should not look free."""
    if nano_usd == 0 or abs(nano_usd) >= _TEN_CENTS_NANO:
        return f"${Decimal(nano_usd) / _NANO:,.2f}"
    if abs(nano_usd) >= _MILL_NANO:
        return f"${Decimal(nano_usd) / _NANO:.3f}"
    return "<$0.0001" if abs(nano_usd) < _MILL_NANO // 10 else f"${Decimal(nano_usd) / _NANO:.4f}"


def exact_dollars(nano_usd: int) -> str:
    """The whole figure, for the `value` attribute and for the call page: nothing rounded."""
    return f"{Decimal(nano_usd) / _NANO:f}"


def duration(milliseconds: int) -> str:
    """`34 min`: the largest unit that fits, rounded down."""
    seconds = max(0, milliseconds // 1000)
    for size, one, many in _UNITS:
        if seconds >= size:
            count = seconds // size
            return f"{count} {one if count == 1 else many}"
    return "0 s"


def latency(milliseconds: int) -> str:
    """`840 ms`, `2.4 s`."""
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def count(number: int) -> str:
    """`41,208`."""
    return f"{number:,}"


def plural(number: int, one: str, many: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number:,} {one if number == 1 else many}"


def instant(at_ms: int) -> str:
    """A moment for `datetime` attributes: `2026-11-12T14:36:12Z`."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(at_ms: int, now_ms: int, zone: tzinfo | None = None, *, has_seconds: bool = False) -> str:
    """`14:01`, or `10 Nov 09:12` when that was not today; in `zone`, by default where the server stands."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
    today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date()
    hours = moment.strftime("%H:%M:%S" if has_seconds else "%H:%M")
    return hours if moment.date() == today else f"{moment.day} {moment:%b} {hours}"


def midnight_ms(now_ms: int, zone: tzinfo | None = None) -> int:
    """When today began, in `zone`."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
    return int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)


def size(number: int) -> str:
    """`4.2 KB`."""
    return f"{number} bytes" if number < 1024 else f"{number / 1024:,.1f} KB"


def initials(name: str) -> str:
    """`ML` for Maya Lind; what a person's plate shows."""
    parts = [part for part in name.replace(".", " ").replace("-", " ").split() if part[0].isalnum()]
    return "".join(part[0] for part in (parts[:1] + parts[-1:] if len(parts) > 1 else parts)).upper() or "?"


def agent(name: str) -> str:
    """An agent's name as people read it: `Drafting`, `QA`."""
    return name.upper() if len(name) <= 3 else name[:1].upper() + name[1:]
