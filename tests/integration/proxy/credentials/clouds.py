"""What gives out credentials in a cloud, on a real socket and in its true wire format, by hand from its docs."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Asked:
    """One question as it arrived; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


Answering = Callable[[Asked], Answer]


@dataclass
class FakeCloud:
    """Notes what it was asked. `answering` may be replaced at any time."""

    answering: Answering
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def only(self) -> Asked:
        (only,) = self.asked
        return only

    def until(self, times: int, seconds: float = 10.0) -> None:
        """Blocks until it was asked so often."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.asked) >= times, seconds), f"asked {len(self.asked)} times"

    def note(self, asked: Asked) -> None:
        with self.changed:
            self.asked.append(asked)
            self.changed.notify_all()


@contextmanager
def fake_cloud(answering: Answering, tls: ssl.SSLContext | None = None) -> Iterator[FakeCloud]:
    """With `tls` it is a company's proxy, too, which leads all hosts to itself."""
    cloud = FakeCloud(answering)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, body)
            cloud.note(asked)
            status, said, data = cloud.answering(asked)
            self.send_response_only(status)
            for name, value in {**said, "content-length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_PUT = do_GET  # noqa: N815 - the library's names

        def do_CONNECT(self) -> None:
            assert tls is not None
            cloud.note(Asked(self.command, self.path, dict(self.headers.items()), b""))
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with tls.wrap_socket(self.connection, server_side=True) as inner:
                self.rfile, self.wfile = inner.makefile("rb"), inner.makefile("wb", buffering=0)
                self.handle_one_request()
                self.rfile.close()
                self.wfile.close()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    cloud.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def json(content: Any, status: int = 200, **headers: str) -> Answer:
    return status, {"content-type": "application/json", **headers}, orjson.dumps(content)


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- Google: https://cloud.google.com/compute/docs/access/authenticate-workloads, RFC 6749 §5 (November 2026) ---


def token(value: str = "ya29.token", seconds: float = 3599) -> Answer:
    return json({"access_token": value, "expires_in": seconds, "token_type": "Bearer"})


def invalid_grant(description: str = "Invalid JWT Signature.") -> Answer:
    return json({"error": "invalid_grant", "error_description": description}, 400)


def google_metadata(value: str = "ya29.of-the-machine", seconds: float = 3599) -> Answering:
    def answering(asked: Asked) -> Answer:
        if asked.headers.get("metadata-flavor") != "Google":
            return 403, {"content-type": "text/html"}, b"Missing Metadata-Flavor:Google header."
        if asked.path != "/computeMetadata/v1/instance/service-accounts/default/token":
            return 404, {"content-type": "text/html"}, b"not found"
        status, headers, body = token(value, seconds)
        return status, {**headers, "Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}, body

    return answering


# --- AWS: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html, and the API
# references of STS and of the IAM Identity Center Portal (November 2026) ---


def aws_keys(name: str, seconds: float = 3600) -> dict[str, str]:
    return {
        "AccessKeyId": f"ASIA{name.upper()}",
        "SecretAccessKey": f"secret-of-{name}",
        "Token": f"token-of-{name}",
        "Expiration": in_seconds(seconds),
    }


def imds(keys: Callable[[], dict[str, str]]) -> Answering:
    """Version 2: nothing without a session's token."""

    def answering(asked: Asked) -> Answer:
        if asked.method == "PUT" and asked.path == "/latest/api/token":
            ttl = asked.headers["x-aws-ec2-metadata-token-ttl-seconds"]
            return 200, {"x-aws-ec2-metadata-token-ttl-seconds": ttl, "content-type": "text/plain"}, b"session-token"
        if asked.headers.get("x-aws-ec2-metadata-token") != "session-token":
            return 401, {}, b"Unauthorized"
        if asked.path == "/latest/meta-data/iam/security-credentials/":
            return 200, {"content-type": "text/plain"}, b"role-of-the-machine"
        if asked.path == "/latest/meta-data/iam/security-credentials/role-of-the-machine":
            head = {"Code": "Success", "LastUpdated": in_seconds(-60), "Type": "AWS-HMAC"}
            return 200, {"content-type": "text/plain"}, orjson.dumps({**head, **keys()})
        return 404, {}, b""

    return answering


def sts_answer(action: str, keys: Mapping[str, str]) -> Answer:
    text = f"""<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>
<AssumedRoleUser><AssumedRoleId>AROAX:pointsman</AssumedRoleId>
<Arn>arn:aws:sts::123456789012:assumed-role/Pointsman/pointsman</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>{keys["AccessKeyId"]}</AccessKeyId><SecretAccessKey>{keys["SecretAccessKey"]}</SecretAccessKey>
<SessionToken>{keys["Token"]}</SessionToken><Expiration>{keys["Expiration"]}</Expiration></Credentials>
</{action}Result><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></{action}Response>"""
    return 200, {"content-type": "text/xml"}, text.encode()


def sts_error(code: str, message: str, status: int = 403) -> Answer:
    text = f"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>{code}</Code><Message>{message}</Message></Error><RequestId>r-2</RequestId></ErrorResponse>"""
    return status, {"content-type": "text/xml"}, text.encode()


# --- Microsoft: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow (2026-11) ---


def entra_error() -> Answer:
    return json(
        {
            "error": "invalid_client",
            "error_description": "AADSTS7000215: Invalid client secret provided. Trace ID: t Correlation ID: c",
            "error_codes": [7000215],
            "timestamp": "2026-11-21 20:00:00Z",
            "trace_id": "t",
            "correlation_id": "c",
        },
        401,
    )


def machine_token(value: str = "of-the-machine", seconds: int = 86_399) -> Answer:
    """The numbers are texts, there."""
    expires_on = int(datetime.now(UTC).timestamp()) + seconds
    return json(
        {
            "access_token": value,
            "expires_on": str(expires_on),
            "resource": "https://cognitiveservices.azure.com",
            "token_type": "Bearer",
        }
    )
