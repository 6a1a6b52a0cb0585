"""Was it the agent that fell silent, or were we deaf? Pure: times are handed in, in milliseconds of UTC.

Temporal's heartbeat timeout is only a suspicion: measured, after 12 s without a server an 8 s timeout fires 0.1 s after
its boot, before any agent can beat. So a run is lost only when SQL, too, has no sign of life for the whole silence, and
everything that carries one there was up all that time: `web` hears beats, `proxy` and `recorder` tell of calls. Workers
and Temporal carry none, so that one of them that crashes again and again keeps no dead agent's lease alive. An agent
that lives in our workers falls silent with them: they must have been there as well, and had the time to take it up;
while Temporal holds its workflow nobody asks here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from workers.leadership import TERM_MS
from workers.messages import SilenceVerdict

SAYS_ALIVE_WITHIN_MS = (6_000, 20_000)  # processes say so every 5 s; on a busy machine three missed ones are normal
FORGOTTEN_AFTER_MS = 3_600_000  # a process that has not been here for an hour is not part of this installation
HEARS_BEATS = "web"
CARRIES_SIGNS = frozenset({HEARS_BEATS, "proxy", "recorder"})
OUR_AGENTS = "workers"
TAKEN_UP_WITHIN_MS = TERM_MS + 10_000  # a killed dispatcher's term has to end before another one begins its runs anew


@dataclass(frozen=True, slots=True)
class Presence:
    """What one of our processes last said of itself."""

    name: str
    started_at_ms: int
    alive_at_ms: int


def judge(
    now_ms: int, silence_ms: int, last_sign_ms: int, processes: Sequence[Presence], *, is_ours: bool = False
) -> SilenceVerdict:
    """Lost, or why not. `is_ours`: the agent lives in our workers."""
    silent_ms = now_ms - last_sign_ms
    if silent_ms < silence_ms:
        return SilenceVerdict(is_lost=False, reason=f"a sign of life {silent_ms} ms ago")
    if not any(process.name == HEARS_BEATS for process in processes):
        return SilenceVerdict(is_lost=False, reason="nobody was there to hear a beat")
    shortest, longest = SAYS_ALIVE_WITHIN_MS
    alive_within_ms = min(longest, max(shortest, silence_ms // 4))  # short leases, in tests, need a sharper ear
    needed = {HEARS_BEATS, OUR_AGENTS} if is_ours else {HEARS_BEATS}
    for process in (one for one in processes if one.name in CARRIES_SIGNS | needed):
        away_ms = now_ms - process.alive_at_ms
        if away_ms > FORGOTTEN_AFTER_MS and process.name not in needed:
            continue
        if away_ms > alive_within_ms:
            return SilenceVerdict(is_lost=False, reason=f"{process.name} is away")
        slow_ms = TAKEN_UP_WITHIN_MS if process.name == OUR_AGENTS else 0
        if process.started_at_ms > now_ms - silence_ms - slow_ms:
            return SilenceVerdict(is_lost=False, reason=f"{process.name} started only then")
    return SilenceVerdict(is_lost=True, reason=f"No beat and no call for {silent_ms // 1000} s.")
