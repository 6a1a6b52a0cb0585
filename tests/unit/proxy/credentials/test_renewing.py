"""Credentials renew themselves: when, who waits, and what is said when they cannot."""

import asyncio
import logging
from collections.abc import AsyncIterator
from queue import SimpleQueue

import pytest

from proxy.credentials import renewing as module
from proxy.credentials.renewing import LOOK_AGAIN_SECONDS, RENEW_BEFORE_SECONDS, WAIT_SECONDS, Renewing, renewal_in
from proxy.credentials.source import Fresh, SignInFailed
from proxy.errors import NoCredentials, NotYet

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
OUTAGE = SignInFailed("unreachable", "nobody answers", is_refused=False)
REFUSAL = SignInFailed("invalid_grant", "the key was deleted", is_refused=True)


class HeldClock:
    def __init__(self) -> None:
        self.now = 1_800_000_000 * SECOND

    def now_ns(self) -> int:
        return self.now

    def monotonic_ns(self) -> int:
        return self.now


class Cloud:
    """A source in the test's hands: asked in its thread, it answers what the test puts there."""

    def __init__(self, clock: HeldClock) -> None:
        self.clock = clock
        self.asked = 0
        self._answers: SimpleQueue[Fresh[str] | SignInFailed] = SimpleQueue()

    def __call__(self) -> Fresh[str]:
        self.asked += 1
        answer = self._answers.get(timeout=10)
        if isinstance(answer, SignInFailed):
            raise answer
        return answer

    def gives(self, value: str, lasts_ns: int = HOUR) -> None:
        self._answers.put(Fresh(value, self.clock.now + lasts_ns))

    def fails(self, failure: SignInFailed = OUTAGE) -> None:
        self._answers.put(failure)


class Held(Renewing[str]):
    """With the moments of its next renewal, which the test brings on by itself."""

    def due(self) -> None:
        """The timer has run out."""
        assert self._timer is not None
        self._timer.cancel()
        self._again()

    @property
    def pause(self) -> float:
        assert self._timer is not None
        return self._timer.when() - asyncio.get_running_loop().time()

    async def settled(self) -> None:
        async with asyncio.timeout(10):
            await self._ended.wait()


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def cloud(clock: HeldClock) -> Cloud:
    return Cloud(clock)


@pytest.fixture
async def held(clock: HeldClock, cloud: Cloud) -> AsyncIterator[Held]:
    made = Held("vertex", cloud, clock)
    yield made
    made.close()


async def first(held: Held, cloud: Cloud, value: str = "one", lasts_ns: int = HOUR) -> None:
    cloud.gives(value, lasts_ns)
    await held.ready()


async def test_the_first_call_waits_and_the_next_ones_do_not(held: Held, cloud: Cloud, clock: HeldClock) -> None:
    with pytest.raises(NotYet) as waiting:
        held.current(clock.now)
    cloud.gives("one")
    await waiting.value.ready()
    assert held.current(clock.now) == "one"
    assert cloud.asked == 1


async def test_all_who_wait_share_one_question(held: Held, cloud: Cloud, clock: HeldClock) -> None:
    calls = [asyncio.ensure_future(held.ready()) for _ in range(50)]
    cloud.gives("one")
    await asyncio.gather(*calls)
    assert (cloud.asked, held.current(clock.now)) == (1, "one")


async def test_while_they_are_renewed_the_present_ones_go_on(held: Held, cloud: Cloud, clock: HeldClock) -> None:
    await first(held, cloud)
    clock.now += HOUR - 200 * SECOND
    held.due()
    assert held.current(clock.now) == "one"  # the cloud has not answered yet
    cloud.gives("two")
    await held.settled()
    assert held.current(clock.now) == "two"


async def test_a_renewal_begins_minutes_before_the_end(held: Held, cloud: Cloud) -> None:
    await first(held, cloud)
    assert held.pause == pytest.approx(3600 - RENEW_BEFORE_SECONDS - module.MARGIN_SECONDS, abs=5)


@pytest.mark.parametrize(("lasts", "pause"), [(3610, 2700), (1210, 600), (110, 50), (11, 1)])
def test_short_lives_are_renewed_at_their_half(lasts: int, pause: float) -> None:
    assert renewal_in(Fresh("x", lasts * SECOND), 0) == pytest.approx(pause)


def test_what_has_no_end_is_looked_at_again_all_the_same() -> None:
    assert renewal_in(Fresh("x"), 0) == LOOK_AGAIN_SECONDS


async def test_in_an_outage_the_old_ones_last_to_their_end(held: Held, cloud: Cloud, clock: HeldClock) -> None:
    await first(held, cloud)
    clock.now += HOUR - 200 * SECOND
    cloud.fails()
    held.due()
    await held.settled()
    assert held.current(clock.now) == "one"
    clock.now += 195 * SECOND
    with pytest.raises(NoCredentials) as failed:
        held.current(clock.now)
    assert not isinstance(failed.value, NotYet)  # nobody waits: it was tried


async def test_after_an_outage_they_are_valid_again(held: Held, cloud: Cloud, clock: HeldClock) -> None:
    cloud.fails()
    await held.ready()
    cloud.gives("two")
    held.due()
    await held.settled()
    assert held.current(clock.now) == "two"


async def test_pauses_grow_to_a_minute_and_begin_anew(held: Held, cloud: Cloud, clock: HeldClock) -> None:
    pauses = []
    cloud.fails()
    await held.ready()
    for _ in range(8):
        pauses.append(round(held.pause))
        cloud.fails()
        held.due()
        await held.settled()
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    cloud.gives("one", 20 * SECOND)
    held.due()
    await held.settled()
    cloud.fails()
    held.due()
    await held.settled()
    assert round(held.pause) == 1


async def test_the_error_says_that_it_is_not_the_callers_key(held: Held, cloud: Cloud, clock: HeldClock) -> None:
    cloud.fails(REFUSAL)
    await held.ready()
    with pytest.raises(NoCredentials) as failed:
        held.current(clock.now)
    error = failed.value
    assert (error.status, error.code) == (503, "provider_credentials")
    assert error.headers == {"retry-after": "1", "x-should-retry": "false"}
    assert "'vertex'" in error.sentence
    assert "Your key is fine" in error.sentence
    assert "refused (invalid_grant)" in error.sentence
    assert "deleted" not in error.sentence  # the reason is the operator's


async def test_what_may_work_again_may_be_asked_again(held: Held, cloud: Cloud, clock: HeldClock) -> None:
    cloud.fails(OUTAGE)
    await held.ready()
    with pytest.raises(NoCredentials) as failed:
        held.current(clock.now)
    assert failed.value.headers == {"retry-after": "1"}


async def test_nobody_waits_for_long(
    held: Held, cloud: Cloud, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert WAIT_SECONDS <= 10
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    with pytest.raises(NoCredentials, match="timeout"):
        await held.ready()
    with pytest.raises(NoCredentials, match="timeout") as at_once:
        held.current(clock.now)
    assert not isinstance(at_once.value, NotYet)
    cloud.gives("late")  # and is welcome all the same
    await held.settled()
    assert held.current(clock.now) == "late"


async def test_those_that_came_expired_are_a_failure(held: Held, cloud: Cloud, clock: HeldClock) -> None:
    await first(held, cloud, lasts_ns=5 * SECOND)
    with pytest.raises(NoCredentials, match="expired"):
        held.current(clock.now)


async def test_an_error_of_our_own_in_the_thread_is_told_and_tried_again(
    clock: HeldClock, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "sek" + "rit"

    def breaks() -> Fresh[str]:
        raise AssertionError(secret)

    held = Held("vertex", breaks, clock)
    await held.ready()
    with pytest.raises(NoCredentials, match="internal"):
        held.current(clock.now)
    assert "AssertionError" in caplog.text
    assert "in breaks" in caplog.text
    assert secret not in caplog.text
    assert held.pause <= 1
    held.close()


async def test_doubted_ones_are_asked_for_anew_but_not_with_every_refused_call(
    held: Held, cloud: Cloud, clock: HeldClock
) -> None:
    await first(held, cloud)
    held.doubt()
    assert cloud.asked == 1
    clock.now += 61 * SECOND
    held.doubt()
    held.doubt()
    assert held.current(clock.now) == "one"
    cloud.gives("two")
    await held.settled()
    assert (cloud.asked, held.current(clock.now)) == (2, "two")


async def test_who_is_not_wanted_any_more_is_not_renewed(cloud: Cloud, clock: HeldClock) -> None:
    held = Held("vertex", cloud, clock, lambda: False)
    await first(held, cloud)
    held.due()
    assert cloud.asked == 1


async def test_an_outage_is_logged_once_while_they_last_and_names_the_reason(
    held: Held, cloud: Cloud, clock: HeldClock, caplog: pytest.LogCaptureFixture
) -> None:
    await first(held, cloud)
    for _ in range(3):
        cloud.fails()
        held.due()
        await held.settled()
    cloud.gives("two")
    with caplog.at_level(logging.INFO):
        held.due()
        await held.settled()
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "the credentials of provider 'vertex' could not be renewed, 3590 s are left: unreachable: nobody answers",
        "the credentials of provider 'vertex' are valid again",
    ]


def test_a_code_for_clients_is_one_harmless_word() -> None:
    failed = SignInFailed("in\r\nvalid grant<script>", "a\nb" * 1000, is_refused=True)
    assert failed.code == "invalidgrantscript"
    assert "\n" not in failed.reason
    assert len(failed.reason) <= 400
