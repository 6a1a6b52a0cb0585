"""Is a run stuck? Three detectors, each with the evidence that a person needs to believe it. Pure; times are handed in.

**repeat**: the same call with the same answer, again and again; also a round of up to three calls. **finished**: the
model has said its last word, but nobody handed anything in. **silence**: the agent lives (its lease holds) but for a
configured time nothing was called, said or written. None of them revokes anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

LONGEST_ROUND = 3
ROUNDS_OF_SEVERAL = 3  # two rounds of three calls happen to honest agents
EVIDENCE_CALLS = 60  # what a person can see in one picture; the sentence and the cost count all
FINISHED_MS = 120_000  # between the model's last word and handing it in an honest agent needs seconds
LAST_WORDS = frozenset({"stop", "end_turn", "stop_sequence"})  # a model that wants a tool, or was cut, says otherwise
TROUBLE_FACTOR = 2  # an agent that waits for a provider to recover is silent for a reason, but not for ever


@dataclass(frozen=True, slots=True)
class CallSeen:
    """One ended call, as the gateway recorded it."""

    call_id: str
    kind: Literal["model", "tool"]
    fingerprint: str
    response_digest: str
    label: str
    model: str
    at_ms: int
    cost_nano_usd: int
    is_provider_trouble: bool = False
    stop_reason: str = ""  # as the provider said it


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A live run and when it last did something. `calls` are the last that ended (more for a suspect), oldest first."""

    is_waiting_for_person: bool
    started_at_ms: int
    last_progress_at_ms: int | None
    last_call_at_ms: int | None
    calls_in_flight: int
    calls: tuple[CallSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class Thresholds:
    repeats: int
    silence_ms: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, since when, in words, and by which calls."""

    reason: str
    since_ms: int
    evidence: dict[str, Any]


def find_stuck(run: RunSeen, thresholds: Thresholds, now_ms: int) -> Finding | None:
    """The most telling of the findings, or None: then nothing is wrong."""
    return (
        find_repeat(run.calls, thresholds.repeats)
        or find_finished(run, min(FINISHED_MS, thresholds.silence_ms), now_ms)
        or find_silence(run, thresholds.silence_ms, now_ms)
    )


def find_repeat(calls: Sequence[CallSeen], repeats: int) -> Finding | None:
    """Looks at all calls, then at tools and at models alone: a transcript that grows hides a loop of tools."""
    answered = [call for call in calls if call.response_digest]
    for sequence in (answered, [c for c in answered if c.kind == "tool"], [c for c in answered if c.kind == "model"]):
        for length in range(1, LONGEST_ROUND + 1):
            rounds = _rounds_at_end(sequence, length)
            if rounds >= (repeats if length == 1 else max(repeats, ROUNDS_OF_SEVERAL)):
                return _repeated(sequence[-rounds * length :], length, rounds)
    return None


def find_finished(run: RunSeen, patience_ms: int, now_ms: int) -> Finding | None:
    """The agent may have finished, and failed to say so: its call to hand in was lost, or never made."""
    if run.is_waiting_for_person or run.calls_in_flight or not run.calls:
        return None
    last = run.calls[-1]
    if last.kind != "model" or last.stop_reason not in LAST_WORDS or last.is_provider_trouble:
        return None
    since_ms = max(last.at_ms, run.last_call_at_ms or 0, run.last_progress_at_ms or 0)
    if now_ms - since_ms < patience_ms:
        return None
    return Finding(
        f"Seems finished, but nothing was handed in for more than {_duration(patience_ms)}",
        since_ms,
        {"detector": "finished", "last_sign_ms": since_ms, "calls": [_call(call) for call in run.calls[-5:]]},
    )


def find_silence(run: RunSeen, silence_ms: int, now_ms: int) -> Finding | None:
    """A call in flight is no silence, nor is waiting for a person."""
    if run.is_waiting_for_person or run.calls_in_flight:
        return None
    signs = (run.started_at_ms, run.last_progress_at_ms or 0, run.last_call_at_ms or 0)
    last_sign_ms = max(signs)
    is_trouble = bool(run.calls) and run.calls[-1].is_provider_trouble
    if now_ms - last_sign_ms < silence_ms * (TROUBLE_FACTOR if is_trouble else 1):
        return None
    return Finding(
        f"No call, progress or output for more than {_duration(silence_ms)}",
        last_sign_ms,
        {"detector": "silence", "last_sign_ms": last_sign_ms, "calls": [_call(call) for call in run.calls[-5:]]},
    )


def _rounds_at_end(calls: Sequence[CallSeen], length: int) -> int:
    """How many times the last `length` calls stand there in a row, counting themselves."""
    keys = [_key(call) for call in calls]
    last = keys[-length:]
    rounds = 0
    while len(keys) >= length and keys[-length:] == last:
        del keys[-length:]
        rounds += 1
    return rounds


def _key(call: CallSeen) -> tuple[str, str, str]:
    return (call.model, call.fingerprint, call.response_digest)


def _repeated(calls: Sequence[CallSeen], length: int, rounds: int) -> Finding:
    first, last = calls[0].at_ms, calls[-1].at_ms
    what = "call" if length == 1 else f"{length} calls"
    return Finding(
        f"Repeated the same {what} {rounds} times in {_duration(last - first)}",
        first,
        {
            "detector": "repeat",
            "rounds": rounds,
            "calls": [_call(call) for call in calls[-EVIDENCE_CALLS:]],
            "cost_nano_usd": sum(call.cost_nano_usd for call in calls),
        },
    )


def _call(call: CallSeen) -> dict[str, Any]:
    return {
        "call_id": call.call_id,
        "label": call.label,
        "model": call.model,
        "at_ms": call.at_ms,
        "cost_nano_usd": call.cost_nano_usd,
    }


def _duration(milliseconds: int) -> str:
    seconds = max(1, round(milliseconds / 1000))
    return f"{seconds} s" if seconds < 90 else f"{round(seconds / 60)} min"
