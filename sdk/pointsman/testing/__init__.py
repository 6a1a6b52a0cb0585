"""A small Pointsman for the tests of agents: a real HTTP and WebSocket server on loopback, in this process, in memory.

    from pointsman.testing import FakePointsman

    with FakePointsman() as server:
        task = server.add_task("Write a haiku", needs=["draft"])
        run_my_agent(url=server.url, key=server.key)
        assert task.versions == ["…"]

It answers model calls with `server.reply(request)`, and can take runs away, go silent and come back.
"""

from pointsman.testing.board import FakeBoard, FakeRun, FakeTask
from pointsman.testing.server import FakePointsman

__all__ = ["FakeBoard", "FakePointsman", "FakeRun", "FakeTask"]
