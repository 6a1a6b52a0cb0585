"""The simulated provider: one model call from request to last byte, with what its script asks for."""

import secrets
import time
from collections.abc import Iterator

import orjson
from pointsman.contract import IDEMPOTENCY_HEADER

from proxy.simulated.conversation import Conversation, InvalidRequestError
from proxy.simulated.exchange import Exchange
from proxy.simulated.ledger import Ledger, SimulatedCall
from proxy.simulated.model import reply_to
from proxy.simulated.pace import Speed, pace_of_reply, seconds_of_whole_reply
from proxy.simulated.script import Script, parse_script
from proxy.simulated.wire import Envelope, Wire

STALL_SECONDS = 600.0  # the vendors' SDKs give up by then; a stalled connection is not kept for ever


class Provider:
    """Answers model calls in any `Wire`."""

    def __init__(self, speed: Speed, ledger: Ledger) -> None:
        self._speed = speed
        self._ledger = ledger

    async def answer(self, wire: Wire, exchange: Exchange, body: bytes) -> None:
        request_id = f"req_{secrets.token_hex(12)}"
        try:
            conversation = wire.parse(_parse_json(body))
        except InvalidRequestError as fault:
            error = wire.error(400, fault.message, request_id, fault.parameter)
            return await exchange.answer_json(400, error, wire.headers(request_id))
        script = parse_script(conversation.prompt)
        call = self._note(wire, exchange, conversation)
        if script.error_status is not None and self._is_due(script, conversation):
            await exchange.pause(script.slow_seconds or 0)
            error = wire.error(script.error_status, "Simulated by a marker in the prompt.", request_id)
            await exchange.answer_json(script.error_status, error, wire.headers(request_id))
        else:
            created, reply = call.at_ns // 1_000_000_000, reply_to(conversation, script)
            call.usage = {"input": conversation.input_tokens, "output": reply.output_tokens}
            await self._reply(wire, exchange, Envelope(call.id, request_id, created, conversation, reply), script)
        call.is_finished = script.cut_after_chunks is None
        return None

    def _note(self, wire: Wire, exchange: Exchange, conversation: Conversation) -> SimulatedCall:
        call = SimulatedCall(
            id=f"{wire.id_prefix}{secrets.token_hex(12)}",
            at_ns=time.time_ns(),
            endpoint=wire.endpoint,
            model=conversation.model,
            seed=conversation.seed,
            idempotency_key=exchange.headers.get(IDEMPOTENCY_HEADER),
            traceparent=exchange.headers.get("traceparent"),
        )
        self._ledger.note(call)
        return call

    def _is_due(self, script: Script, conversation: Conversation) -> bool:
        times = script.error_times
        return times is None or self._ledger.times_asked(conversation.seed) <= times

    async def _reply(self, wire: Wire, exchange: Exchange, envelope: Envelope, script: Script) -> None:
        if script.stall_after_chunks == 0:
            await exchange.pause(STALL_SECONDS)
        if envelope.conversation.is_stream:
            await self._stream(wire, exchange, envelope, script)
        else:
            await self._send_whole(wire, exchange, envelope, script)

    async def _stream(self, wire: Wire, exchange: Exchange, envelope: Envelope, script: Script) -> None:
        frames = list(wire.frames(envelope))
        pace = pace_of_reply(self._speed, envelope.conversation.seed, script.slow_seconds, len(frames))
        headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
        await exchange.start(200, {**headers, **wire.headers(envelope.request_id)})
        for index, frame in enumerate(_until(frames, script.cut_after_chunks)):
            if index == script.stall_after_chunks:
                await exchange.pause(STALL_SECONDS)
            await exchange.pause(pace.before(index))
            await exchange.write(frame)
        if script.cut_after_chunks is None:
            await exchange.write(b"", is_last=True)

    async def _send_whole(self, wire: Wire, exchange: Exchange, envelope: Envelope, script: Script) -> None:
        seed, chunks = envelope.conversation.seed, envelope.reply.output_tokens
        await exchange.pause(seconds_of_whole_reply(self._speed, seed, script.slow_seconds, chunks))
        if script.cut_after_chunks is None:
            return await exchange.answer_json(200, wire.body(envelope), wire.headers(envelope.request_id))
        body = orjson.dumps(wire.body(envelope))
        await exchange.start(200, {"content-type": "application/json", "content-length": str(len(body))})
        return await exchange.write(body[: len(body) // 2])  # the server closes what was promised and not sent


def _parse_json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _until(frames: list[bytes], limit: int | None) -> Iterator[bytes]:
    return iter(frames if limit is None else frames[:limit])
