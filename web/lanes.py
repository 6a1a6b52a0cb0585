"""Evidence as a picture: one lane per callee, one tick per call, so that a loop is seen before it is read."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from controlplane.queries.calls import CallRow
from web import words

LANES_SHOWN = 5
TICKS_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Lane:
    """The calls to one model or tool; `ticks` are places in per cent of the whole time."""

    name: str
    ticks: tuple[float, ...]
    y: int
    width: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """A call that was made again and again with the same arguments."""

    call_id: str
    name: str
    label: str
    times: int
    cost_nano_usd: int


@dataclass(frozen=True, slots=True)
class Lanes:
    """The picture and the table under it."""

    rows: tuple[Lane, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    from_text: str = ""
    to_text: str = ""


def lanes_of(calls: Sequence[CallRow], evidence: Mapping[str, Any], now_ms: int, zone: tzinfo | None) -> Lanes:
    """Drawn from the calls that the detector named in its evidence, or else from the last ones."""
    named = _named(evidence)
    shown = [call for call in calls if call.call_id in named] or list(calls)
    shown = sorted(shown, key=lambda call: call.started_at_ms)[-TICKS_SHOWN:]
    if not shown:
        return Lanes()
    begin, end = shown[0].started_at_ms, max(shown[-1].started_at_ms, shown[0].started_at_ms + 1)
    lanes: dict[str, list[float]] = defaultdict(list)
    for call in shown:
        lanes[short_name(call)].append(round(97 * (call.started_at_ms - begin) / (end - begin), 1))
    return Lanes(
        rows=tuple(
            Lane(name, tuple(ticks), y=3 + 23 * row, width=9 if row == 0 else 5)
            for row, (name, ticks) in enumerate(list(lanes.items())[:LANES_SHOWN])
        ),
        repeats=_repeats(shown),
        from_text=words.clock(begin, now_ms, zone, has_seconds=True),
        to_text=words.clock(end, now_ms, zone, has_seconds=True),
    )


def _named(evidence: Mapping[str, Any]) -> set[str]:
    found = evidence.get("calls", [])
    return {call.get("call_id", "") if isinstance(call, dict) else str(call) for call in found}


def _repeats(calls: Sequence[CallRow]) -> tuple[Repeat, ...]:
    groups: dict[tuple[str, str], list[CallRow]] = defaultdict(list)
    for call in calls:
        groups[short_name(call), call.label].append(call)
    return tuple(
        Repeat(group[-1].call_id, name, label, len(group), sum(call.cost_nano_usd for call in group))
        for (name, label), group in groups.items()
        if len(group) > 1
    )


def short_name(call: CallRow) -> str:
    """`search` for the tool call `demo/search`; a model keeps its name."""
    return call.model.rpartition("/")[2] if call.kind == "tool" else call.model


def names_of(calls: Sequence[CallRow]) -> list[tuple[str, int]]:
    """Callees with how often each was called, the most frequent first."""
    counted: dict[str, int] = defaultdict(int)
    for call in calls:
        counted[short_name(call)] += 1
    return sorted(counted.items(), key=lambda pair: -pair[1])
