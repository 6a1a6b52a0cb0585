"""Our HTTP/1.1 client against servers that do what servers do."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from proxy.clock import SystemClock
from proxy.errors import ClientLeft, UpstreamCut, UpstreamTimeout, UpstreamUnreachable
from proxy.upstream.attempt import Attempt, Timeouts
from proxy.upstream.client import UpstreamClient
from proxy.upstream.origin import Origin, render_prefix, render_request
from tests.integration.proxy.fake_provider import Asked, FakeProvider, Script, Wire, answering, fake_provider, whole


@asynccontextmanager
async def asking(script: Script, timeouts: Timeouts | None = None) -> AsyncIterator[tuple[FakeProvider, "Asker"]]:
    async with fake_provider(script) as provider:
        client = UpstreamClient(SystemClock(), timeouts)
        try:
            yield provider, Asker(client, Origin("127.0.0.1", provider.port, is_tls=False))
        finally:
            client.close()


class Asker:
    def __init__(self, client: UpstreamClient, origin: Origin) -> None:
        self.client, self.origin = client, origin

    def attempt(self, body: bytes = b"{}") -> Attempt:
        prefix = render_prefix("POST", self.origin, "/v1/x", [("authorization", "Bearer k")])
        return self.client.attempt(self.origin, render_request(prefix, [], body), "fake")

    async def read(self, body: bytes = b"{}") -> tuple[int, bytes]:
        attempt = self.attempt(body)
        try:
            await attempt.answered()
            return attempt.status, await attempt.read()
        finally:
            attempt.release()


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (whole(b"hello"), b"hello"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x=1\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n", b"hello"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + whole(b"hello"), b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
    ids=["length", "chunked", "trailers", "1xx", "204"],
)
@pytest.mark.parametrize("cut", [1, 7, 4096])
async def test_an_answer_is_read_however_it_is_framed_and_cut(answer: bytes, body: bytes, cut: int) -> None:
    async def script(_: Asked, wire: Wire) -> None:
        for start in range(0, len(answer), cut):
            await wire.send(answer[start : start + cut])

    async with asking(script) as (provider, asker):
        first, second = await asker.read(), await asker.read()

    assert first == second == (204 if not body else 200, body)
    assert provider.connections == 1


async def test_a_body_without_a_length_ends_with_its_connection() -> None:
    async def script(_: Asked, wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        wire.writer.close()
        wire.gone.set()

    async with asking(script) as (provider, asker):
        assert await asker.read() == (200, b"hello")
        assert await asker.read() == (200, b"hello")
    assert provider.connections == 2


async def test_connection_close_is_honoured() -> None:
    async with asking(answering(whole(b"x", headers="connection: close"))) as (provider, asker):
        await asker.read()
        await asker.read()
    assert provider.connections == 2


async def test_a_server_that_answers_and_closes_while_we_still_send_is_heard() -> None:
    is_over = asyncio.Event()

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(whole(b"too large", "413 Payload Too Large", "connection: close"))
        await writer.drain()
        with suppress(ConnectionError):
            while await reader.read(1 << 20):
                pass
            writer.close()
            await writer.wait_closed()
        is_over.set()

    server = await asyncio.start_server(hasty, "127.0.0.1", 0)
    async with server:
        origin = Origin("127.0.0.1", server.sockets[0].getsockname()[1], is_tls=False)
        asker = Asker(UpstreamClient(SystemClock()), origin)
        assert await asker.read(b"x" * 8_000_000) == (413, b"too large")
        async with asyncio.timeout(5):
            await is_over.wait()


async def test_a_reused_connection_that_died_is_replaced_unnoticed() -> None:
    async def once(_: Asked, wire: Wire) -> None:
        await wire.send(whole(b"first"))

    async def die(_: Asked, wire: Wire) -> None:
        wire.cut()
        wire.gone.set()
        provider.script = once

    async with asking(once) as (provider, asker):
        await asker.read()
        provider.script = die
        assert await asker.read() == (200, b"first")
    assert provider.connections == 2
    assert len(provider.asked) == 3


async def test_a_fresh_connection_that_dies_is_a_fault_not_a_retry() -> None:
    async def die(_: Asked, wire: Wire) -> None:
        wire.cut()
        wire.gone.set()

    async with asking(die) as (provider, asker):
        with pytest.raises(UpstreamCut, match="without an answer"):
            await asker.read()
    assert len(provider.asked) == 1


async def test_after_one_byte_of_an_answer_nothing_is_asked_again() -> None:
    async def half(_: Asked, wire: Wire) -> None:
        if len(provider.asked) == 1:
            await wire.send(whole(b"first"))
            return
        await wire.send(b"H")
        wire.writer.close()
        wire.gone.set()

    async with asking(half) as (provider, asker):
        await asker.read()
        with pytest.raises(UpstreamCut):
            await asker.read()
    assert len(provider.asked) == 2


async def test_a_cut_body_raises_and_its_connection_is_never_used_again() -> None:
    async def cut(_: Asked, wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        wire.writer.close()
        wire.gone.set()

    async with asking(cut) as (provider, asker):
        with pytest.raises(UpstreamCut, match="in the middle"):
            await asker.read()
        provider.script = answering(whole(b"whole"))
        assert await asker.read() == (200, b"whole")
    assert provider.connections == 2


@pytest.mark.parametrize("extra", [b"junk", whole(b"second")], ids=["junk", "a second answer"])
async def test_bytes_nobody_asked_for_end_the_connection(extra: bytes) -> None:
    async with asking(answering(whole(b"first") + extra)) as (provider, asker):
        await asker.read()
        provider.script = answering(whole(b"next"))
        assert await asker.read() == (200, b"next")
    assert provider.connections == 2


async def test_what_is_not_http_is_a_fault_of_the_provider() -> None:
    async with asking(answering(b"SSH-2.0-OpenSSH\r\n")) as (_, asker):
        with pytest.raises(UpstreamCut, match="not HTTP"):
            await asker.read()


async def test_headers_without_an_end_are_cut_off() -> None:
    async with asking(answering(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 60_000)) as (_, asker):
        with pytest.raises(UpstreamCut, match="headers without an end"):
            await asker.read()


async def test_an_aborted_attempt_closes_its_connection_and_raises_what_it_was_given() -> None:
    async def silent(_: Asked, wire: Wire) -> None:
        await wire.gone.wait()

    async with asking(silent) as (provider, asker):
        attempt = asker.attempt()
        waiting = asyncio.ensure_future(attempt.answered())
        await provider.until(lambda: len(provider.asked) == 1)
        attempt.abort(ClientLeft())
        with pytest.raises(ClientLeft):
            await waiting
        await provider.until(lambda: provider.gone == 1)


async def test_an_abort_after_release_reaches_nobody() -> None:
    async with asking(answering(whole(b"x"))) as (provider, asker):
        late = asker.attempt()
        await late.answered()
        await late.read()
        late.release()
        late.abort(ClientLeft())
        assert await asker.read() == (200, b"x")
    assert provider.connections == 1


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhal"], ids=["first byte", "idle"])
async def test_every_wait_has_its_deadline(head: bytes) -> None:
    async def stall(_: Asked, wire: Wire) -> None:
        await wire.send(head)
        await wire.gone.wait()

    async with asking(stall, Timeouts(first_byte=0.3, idle=0.15)) as (provider, asker):
        with pytest.raises(UpstreamTimeout):
            await asker.read()
        await provider.until(lambda: provider.gone == 1)


async def test_nobody_listening_is_unreachable() -> None:
    async with asking(answering(b"")) as (_, asker):
        pass
    with pytest.raises(UpstreamUnreachable):
        await asker.read()


async def test_a_port_that_accepts_nothing_times_out() -> None:
    client = UpstreamClient(SystemClock(), Timeouts(connect=0.2))
    with full_backlog() as port, pytest.raises(UpstreamTimeout, match="did not accept"):
        await Asker(client, Origin("127.0.0.1", port, is_tls=False)).read()


@contextmanager
def full_backlog() -> Iterator[int]:
    """A port whose queue of connections is full: the next one waits for ever."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        waiting = []
        for _ in range(8):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            waiting.append(client)
        try:
            yield port
        finally:
            for client in waiting:
                client.close()


async def test_tls_is_verified_and_carries_calls(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    async with fake_provider(answering(whole(b"hello")), serving) as provider:
        origin = Origin("127.0.0.1", provider.port, is_tls=True)
        with pytest.raises(UpstreamUnreachable):
            await Asker(UpstreamClient(SystemClock()), origin).read()

        trusting = UpstreamClient(SystemClock(), tls=ssl.create_default_context(cafile=str(certificate)))
        assert await Asker(trusting, origin).read() == (200, b"hello")
        assert await Asker(trusting, origin).read() == (200, b"hello")
        trusting.close()
    assert len(provider.asked) == 2


async def test_a_proxy_on_the_way_is_asked_to_let_the_call_through_and_sees_none_of_it(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    seen: list[bytes] = []
    async with fake_provider(answering(whole(b"hello")), serving) as provider, relaying(seen) as port:
        origin = Origin("127.0.0.1", provider.port, is_tls=True)
        tls = ssl.create_default_context(cafile=str(certificate))
        environment = {"HTTPS_PROXY": f"http://me:p%40ss@127.0.0.1:{port}", "NO_PROXY": "localhost, .internal"}
        client = UpstreamClient(SystemClock(), tls=tls, environment=environment)
        assert await Asker(client, origin).read() == (200, b"hello")
        assert await Asker(client, origin).read() == (200, b"hello")
        client.close()
    head, _, rest = b"".join(seen).partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"CONNECT 127.0.0.1:%d HTTP/1.1" % provider.port,
        b"host: 127.0.0.1:%d" % provider.port,
        b"proxy-authorization: Basic bWU6cEBzcw==",
    ]
    assert rest
    assert b"hello" not in rest
    assert provider.connections == 1


async def test_a_proxy_that_refuses_or_is_not_there_is_a_provider_out_of_reach(tmp_path: Path) -> None:
    origin = Origin("127.0.0.1", 9, is_tls=True)
    async with relaying([], refusal=b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as port:
        client = UpstreamClient(SystemClock(), environment={"https_proxy": f"127.0.0.1:{port}"})
        with pytest.raises(UpstreamUnreachable):
            await Asker(client, origin).read()
    with pytest.raises(UpstreamUnreachable):
        await Asker(client, origin).read()


@asynccontextmanager
async def relaying(seen: list[bytes], refusal: bytes = b"") -> AsyncIterator[int]:
    """An HTTP proxy for CONNECT."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(head := await reader.readuntil(b"\r\n\r\n"))
        if refusal:
            writer.write(refusal)
            writer.close()
            return
        host, port = head.split()[1].decode().split(":")
        there, to_there = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n")
        await asyncio.gather(pipe(reader, to_there), pipe(there, writer))

    async def pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                seen.append(data)
                target.write(data)
        target.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def make_certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody but its holder trusts, with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(encoding, form, serialization.NoEncryption()) + certificate.public_bytes(encoding)
    )
    return path


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\nb", "a\rb", "a\0b"])
def test_a_header_that_would_break_out_of_its_line_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        render_request(b"", [(b"x", value.encode())], b"")
    with pytest.raises(ValueError, match="line break"):
        render_prefix("POST", Origin("h", 80, is_tls=False), "/", [("x", value)])
