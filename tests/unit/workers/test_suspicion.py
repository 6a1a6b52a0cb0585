"""Silence of an agent, or deafness of ours: each case by its numbers."""

import pytest

from workers.suspicion import Presence, judge

NOW = 10_000_000
SILENCE = 90_000
LONG_AGO = NOW - 600_000


def up(name: str, started_ago_ms: int = 600_000, alive_ago_ms: int = 3_000) -> Presence:
    return Presence(name, NOW - started_ago_ms, NOW - alive_ago_ms)


def test_a_silent_agent_is_lost_when_everything_listened() -> None:
    verdict = judge(NOW, SILENCE, LONG_AGO, [up("web"), up("proxy"), up("workers")])

    assert verdict.is_lost
    assert verdict.reason == "No beat and no call for 600 s."


@pytest.mark.parametrize(
    ("last_sign_ms", "processes", "reason"),
    [
        (NOW - 89_000, [up("web")], "a sign of life 89000 ms ago"),
        (LONG_AGO, [], "nobody was there to hear a beat"),
        (LONG_AGO, [up("proxy")], "nobody was there to hear a beat"),
        (LONG_AGO, [up("web", started_ago_ms=89_000)], "web started only then"),
        (LONG_AGO, [up("web"), up("proxy", started_ago_ms=5_000)], "proxy started only then"),
        (LONG_AGO, [up("web", alive_ago_ms=21_000)], "web is away"),
        (LONG_AGO, [up("web", alive_ago_ms=4_000_000)], "web is away"),
        (LONG_AGO, [up("web"), up("recorder", alive_ago_ms=120_000)], "recorder is away"),
    ],
)
def test_an_agent_that_could_not_be_heard_keeps_its_lease(
    last_sign_ms: int, processes: list[Presence], reason: str
) -> None:
    verdict = judge(NOW, SILENCE, last_sign_ms, processes)

    assert not verdict.is_lost
    assert verdict.reason == reason


def test_a_process_that_left_for_good_protects_nobody() -> None:
    verdict = judge(NOW, SILENCE, LONG_AGO, [up("web"), up("recorder", alive_ago_ms=4_000_000)])

    assert verdict.is_lost


@pytest.mark.parametrize("name", ["workers", "temporal", "simulated"])
def test_a_process_that_hears_nothing_and_crashes_for_ever_keeps_no_dead_agents_lease(name: str) -> None:
    verdict = judge(NOW, SILENCE, LONG_AGO, [up("web"), up(name, started_ago_ms=1_000)])

    assert verdict.is_lost


@pytest.mark.parametrize(
    ("workers", "reason"),
    [
        (up("workers", alive_ago_ms=25_000), "workers is away"),
        (up("workers", alive_ago_ms=4_000_000), "workers is away"),
        (up("workers", started_ago_ms=SILENCE + 1_000), "workers started only then"),
    ],
)
def test_an_agent_that_fell_silent_with_our_workers_keeps_its_lease(workers: Presence, reason: str) -> None:
    verdict = judge(NOW, SILENCE, LONG_AGO, [up("web"), workers], is_ours=True)

    assert not verdict.is_lost
    assert verdict.reason == reason


def test_an_agent_of_ours_that_is_silent_while_our_workers_work_is_lost() -> None:
    verdict = judge(NOW, SILENCE, LONG_AGO, [up("web"), up("workers")], is_ours=True)

    assert verdict.is_lost
