"""How the SDK repeats itself."""

import logging

import pytest
from pointsman import LeaseLost, ServerUnreachable
from pointsman.contract import ErrorCode
from pointsman.patience import Backoff, persist


class Script:
    """An attempt that does what it is told, one step after the other."""

    def __init__(self, *steps: object) -> None:
        self.steps = list(steps)
        self.pauses: list[float] = []

    async def attempt(self) -> object:
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


def away(retry_after_seconds: float | None = None) -> ServerUnreachable:
    return ServerUnreachable("away", retry_after_seconds)


def test_delays_double_up_to_five_seconds():
    backoff = Backoff(random_share=lambda: 1.0)
    assert [backoff.next_seconds() for _ in range(8)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_jitter_takes_away_at_most_half():
    assert Backoff(tries=9, random_share=lambda: 0.0).next_seconds() == 2.5


def test_the_servers_wish_is_respected_up_to_a_minute():
    assert Backoff().next_seconds(at_least=7) == 7
    assert Backoff().next_seconds(at_least=3600) == 60


async def test_an_outage_is_survived():
    script = Script(away(), away(3), away(), "answer")
    assert await persist(script.attempt, script.pause, 60) == "answer"
    assert len(script.pauses) == 3
    assert script.pauses[1] == 3


async def test_patience_ends():
    script = Script(away())
    with pytest.raises(ServerUnreachable):
        await persist(script.attempt, script.pause, 0)


async def test_a_refusal_is_not_repeated():
    script = Script(LeaseLost("gone", code=ErrorCode.LEASE_LOST, status=409), "never")
    with pytest.raises(LeaseLost):
        await persist(script.attempt, script.pause, 60)
    assert script.pauses == []


async def test_a_long_outage_is_logged_once(caplog: pytest.LogCaptureFixture):
    script = Script(*[away()] * 9, "answer")
    with caplog.at_level(logging.INFO, "pointsman"):
        await persist(script.attempt, script.pause, 60)
    assert [record.getMessage() for record in caplog.records] == [
        "Pointsman cannot be reached; trying on",
        "Pointsman answers again",
    ]
