"""The fake server's WebSockets, spoken by websockets' sans-io protocol over the socket of an HTTP request."""

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol


class FakeChannel:
    """One agent's connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._protocol = ServerProtocol()
        self._lock = threading.Lock()

    def serve(self, path: str, headers: dict[str, str], heard: Callable[[dict[str, Any]], None]) -> None:
        """Accepts the handshake and hands every message on, until the other side leaves."""
        with self._lock:
            # The protocol reads its handshake from bytes; http.server has taken them already.
            self._protocol.receive_data(Request(path, Headers(headers)).serialize())
            for request in self._protocol.events_received():
                if isinstance(request, Request):
                    self._protocol.send_response(self._protocol.accept(request))
            self._flush()
        while data := self._receive():
            with self._lock:
                self._protocol.receive_data(data)
                events = self._protocol.events_received()
                self._flush()
            for event in events:
                if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                    heard(json.loads(bytes(event.data)))
            if self._protocol.close_expected():
                return

    def send(self, message: dict[str, str]) -> None:
        """Tells the agent something; one that has left is not told."""
        with self._lock:
            try:
                self._protocol.send_text(json.dumps(message).encode())
                self._flush()
            except (OSError, RuntimeError):
                return

    def cut(self) -> None:
        """Breaks the connection without a word."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(65536)
        except OSError:
            return b""

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._socket.sendall(data)
