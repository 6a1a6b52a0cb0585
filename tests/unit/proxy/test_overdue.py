import asyncio

from proxy.overdue import Overdue


async def test_only_what_stays_is_called_back_for_and_once() -> None:
    called: list[str] = []
    came = asyncio.Event()

    def note(one: str) -> None:
        called.append(one)
        came.set()

    overdue = Overdue(0.02, note)
    overdue.enter("stays")
    overdue.enter("leaves")
    overdue.leave("leaves")
    async with asyncio.timeout(5):
        await came.wait()
        came.clear()
        overdue.enter("comes later")
        await came.wait()

    assert called == ["stays", "comes later"]


async def test_nobody_is_called_back_for_before_half_of_the_time() -> None:
    loop = asyncio.get_running_loop()
    came: asyncio.Future[float] = loop.create_future()
    overdue = Overdue(0.1, lambda begun: came.set_result(loop.time() - begun))
    overdue.enter(loop.time())

    async with asyncio.timeout(5):
        assert await came >= 0.05


async def test_one_may_enter_again_when_it_is_called_back_for() -> None:
    rounds: list[int] = []
    done = asyncio.Event()

    def again(one: str) -> None:
        rounds.append(len(rounds))
        if len(rounds) == 3:
            done.set()
        else:
            overdue.enter(one)

    overdue = Overdue(0.01, again)
    overdue.enter("one")
    async with asyncio.timeout(5):
        await done.wait()

    assert rounds == [0, 1, 2]
