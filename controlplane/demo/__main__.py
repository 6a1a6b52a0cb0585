"""`python -m controlplane.demo`: the demonstration's agents, started by `pointsman up --demo`.

Stopped by SIGTERM they give their tasks back. Killed, their leases end by themselves after TTL and grace, and the next
start goes on where this one was: agents, keys and tasks are made once for a home.
"""

import asyncio
import logging
import signal

from controlplane.demo.acting import act
from controlplane.demo.reviewer import Reviewer
from controlplane.demo.stage import create_tasks, set_stage
from controlplane.demo.story import CAST
from controlplane.settings import read_settings
from controlplane.supervisor import lifeline


async def play() -> None:
    """Sets the stage and lets everybody act until SIGTERM or Ctrl-C."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    acting = asyncio.create_task(_act_all(), name="cast")  # noqa: TID251 - ended and awaited below
    stopping = asyncio.create_task(stop.wait(), name="stop")  # noqa: TID251 - ended and awaited below
    await asyncio.wait({acting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not acting.done():
        acting.cancel()
    await asyncio.gather(acting, stopping, return_exceptions=True)
    if not acting.cancelled():
        acting.result()


async def _act_all() -> None:
    settings = read_settings()
    async with set_stage(settings) as stage, asyncio.TaskGroup() as group:
        group.create_task(create_tasks(stage, settings), name="story")
        group.create_task(Reviewer(stage).review(), name="reviewer")
        for character in CAST:
            if not character.is_internal:
                key = stage.memory.keys[character.name]
                group.create_task(act(character, stage.url, key), name=character.name)


if __name__ == "__main__":
    lifeline.attach()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line for each request says nothing here
    asyncio.run(play())
