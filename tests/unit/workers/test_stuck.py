"""Which runs are stuck, told by their calls and their silence."""

from collections.abc import Sequence

import pytest

from controlplane.domain.stuck import CallSeen, RunSeen, Thresholds, find_repeat, find_silence, find_stuck

MINUTE = 60_000
NOW = 100 * MINUTE


def call(fingerprint: str, index: int, answer: str = "same", kind: str = "tool") -> CallSeen:
    return CallSeen(
        call_id=f"c_{index}",
        kind="tool" if kind == "tool" else "model",
        fingerprint=fingerprint,
        response_digest=answer,
        label=fingerprint,
        model="demo/search" if kind == "tool" else "gpt-5-mini",
        at_ms=index * 10_000,
        cost_nano_usd=5,
    )


def sequence(fingerprints: Sequence[str]) -> list[CallSeen]:
    return [call(fingerprint, index) for index, fingerprint in enumerate(fingerprints)]


@pytest.mark.parametrize(
    ("fingerprints", "reason"),
    [
        ("xaaa", "Repeated the same call 3 times in 20 s"),
        ("xababab", "Repeated the same 2 calls 3 times in 50 s"),
        ("xabcabcabcabc", "Repeated the same 3 calls 4 times in 2 min"),
        ("aaaaaaaaaaaa", "Repeated the same call 12 times in 2 min"),
    ],
)
def test_a_repeated_round_is_found_with_its_words(fingerprints: str, reason: str) -> None:
    finding = find_repeat(sequence(fingerprints), repeats=3)

    assert finding is not None
    assert finding.reason == reason


@pytest.mark.parametrize("fingerprints", ["", "a", "aa", "abab", "abcabc", "aaab", "abcabdabc", "abcdabcdabcd"])
def test_honest_work_is_no_repetition(fingerprints: str) -> None:
    assert find_repeat(sequence(fingerprints), repeats=3) is None


def test_the_same_question_with_different_answers_is_no_repetition() -> None:
    polling = [call("status", index, answer=f"{index} %") for index in range(6)]

    assert find_repeat(polling, repeats=3) is None


def test_a_loop_of_tools_is_found_behind_a_transcript_that_grows() -> None:
    calls = []
    for index in range(0, 8, 2):
        calls += [call(f"messages {index}", index, f"text {index}", "model"), call("a", index + 1)]
    finding = find_repeat(calls, repeats=3)

    assert finding is not None
    assert [one["call_id"] for one in finding.evidence["calls"]] == ["c_1", "c_3", "c_5", "c_7"]


def test_calls_without_a_known_answer_prove_nothing() -> None:
    assert find_repeat([call("a", index, answer="") for index in range(5)], repeats=3) is None


def test_evidence_names_calls_and_money() -> None:
    finding = find_repeat(sequence("aaa"), repeats=3)

    assert finding is not None
    assert finding.since_ms == 0
    assert finding.evidence["detector"] == "repeat"
    assert finding.evidence["rounds"] == 3
    assert finding.evidence["cost_nano_usd"] == 15
    assert finding.evidence["calls"][0] == {
        "call_id": "c_0",
        "label": "a",
        "model": "demo/search",
        "at_ms": 0,
        "cost_nano_usd": 5,
    }


def run(
    *,
    last_call: int | None = None,
    last_progress: int | None = None,
    in_flight: int = 0,
    waits: bool = False,
    calls: tuple[CallSeen, ...] = (),
) -> RunSeen:
    return RunSeen(waits, NOW - 60 * MINUTE, last_progress, last_call, in_flight, calls)


def test_a_run_without_any_sign_is_silent_since_its_last_one() -> None:
    finding = find_silence(run(last_call=NOW - 5 * MINUTE), 3 * MINUTE, NOW)

    assert finding is not None
    assert finding.reason == "No call, progress or output for more than 3 min"
    assert finding.since_ms == NOW - 5 * MINUTE


@pytest.mark.parametrize(
    "busy",
    [
        run(last_call=NOW - MINUTE),
        run(last_progress=NOW - MINUTE),
        run(in_flight=1),
        run(waits=True),
    ],
)
def test_a_run_that_works_or_waits_for_a_person_is_not_silent(busy: RunSeen) -> None:
    assert find_silence(busy, 3 * MINUTE, NOW) is None


def test_an_agent_that_waits_for_a_provider_gets_twice_the_time() -> None:
    trouble = CallSeen("c_1", "model", "f", "", "", "gpt-5", 0, 0, is_provider_trouble=True)

    assert find_silence(run(last_call=NOW - 5 * MINUTE, calls=(trouble,)), 3 * MINUTE, NOW) is None
    assert find_silence(run(last_call=NOW - 7 * MINUTE, calls=(trouble,)), 3 * MINUTE, NOW) is not None


def test_repetition_tells_more_than_silence() -> None:
    both = run(last_call=NOW - 5 * MINUTE, calls=tuple(sequence("aaa")))
    finding = find_stuck(both, Thresholds(3, 3 * MINUTE), NOW)

    assert finding is not None
    assert finding.evidence["detector"] == "repeat"
