"""The WebSocket to the server: it wakes a waiting agent, tells a run that it was taken away, and carries beats.

Nothing depends on it. While it is down, beats go over HTTP and work is found by long polling; it reconnects by itself.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from pointsman.connection import Connection
from pointsman.contract import API_PREFIX
from pointsman.models import RunGrant
from pointsman.patience import Backoff

logger = logging.getLogger(__name__)

PATH: Final = API_PREFIX + "/agents/me/channel"
PING_SECONDS: Final = 10.0  # a dead connection is noticed well within a lease of 60 s
REFUSED_PAUSE_SECONDS: Final = 30.0  # a server without a channel, or one that does not know the key


class Channel:
    """`heard` is called with every message of the server, and with `{"type": "connected"}` after each connect."""

    def __init__(self, connection: Connection, heard: Callable[[dict[str, Any]], None]) -> None:
        self._connection = connection
        self._heard = heard
        self._socket: ClientConnection | None = None

    async def run(self) -> None:
        """Stays connected until cancelled."""
        backoff = Backoff()
        while True:
            try:
                await self._listen(backoff)
                pause = backoff.next_seconds()
            except InvalidHandshake as refused:
                logger.debug("The channel was refused", extra={"reason": str(refused)})
                pause = REFUSED_PAUSE_SECONDS if backoff.tries > 4 else backoff.next_seconds()
            except (OSError, WebSocketException, TimeoutError) as fault:
                logger.debug("The channel broke", extra={"reason": str(fault)})
                pause = backoff.next_seconds()
            await asyncio.sleep(pause)

    async def _listen(self, backoff: Backoff) -> None:
        opening = connect(
            self._connection.websocket_url + PATH,
            additional_headers={"authorization": f"Bearer {self._connection.key}"},
            proxy=None if self._connection.is_loopback else True,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            open_timeout=PING_SECONDS,
            close_timeout=1,
        )
        async with opening as socket:
            self._socket = socket
            backoff.reset()
            self._heard({"type": "connected"})
            try:
                async for frame in socket:
                    self._hear(frame)
            finally:
                self._socket = None

    def _hear(self, frame: str | bytes) -> None:
        try:
            message = json.loads(frame)
        except ValueError:
            return
        if isinstance(message, dict):
            self._heard(message)

    async def send_beat(self, run: RunGrant) -> bool:
        """Was the beat handed to a living connection? If not, the caller goes over HTTP."""
        if self._socket is None:
            return False
        beat = {"type": "beat", "run_id": run.run_id, "epoch": run.epoch}
        try:
            await self._socket.send(json.dumps(beat))
        except WebSocketException:
            return False
        return True
