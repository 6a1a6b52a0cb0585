"""Against AWS's published test suite for the signature, and against a request that botocore's own client has signed."""

import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.session import Session

from proxy.credentials.aws import Keys
from proxy.providers.signing import sign, sign_request
from proxy.upstream.origin import parse_origin

# https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html: the suite's key, time, region and service
SUITE_KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SUITE_NS = int(datetime(2015, 8, 30, 12, 36, 0, tzinfo=UTC).timestamp()) * 10**9
ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2"


def suite_signature(method: str, target: str, body: bytes = b"") -> str:
    headers = dict(
        sign(
            method, f"https://example.amazonaws.com{target}", body, SUITE_NS, SUITE_KEYS, "us-east-1", service="service"
        )
    )
    return headers[b"authorization"].decode().rpartition("Signature=")[2]


@pytest.mark.parametrize(
    ("method", "target", "signature"),
    [
        ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),  # get-vanilla
        ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),  # post-vanilla
        ("GET", "/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ],
)
def test_the_published_requests_are_signed_as_published(method: str, target: str, signature: str) -> None:
    assert suite_signature(method, target) == signature


def captured(model: str, token: str | None) -> AWSPreparedRequest:
    """The request that botocore's own client would send for one call of Converse."""
    sent: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 404, {}, SimpleNamespace(stream=lambda: iter([b"{}"])))

    session = Session()
    session.set_credentials("AKIDEXAMPLE", "secret/+key", token)
    client = session.create_client("bedrock-runtime", "eu-west-1")
    client.meta.events.register("before-send.bedrock-runtime.Converse", answer)
    with pytest.raises(client.exceptions.ClientError):
        client.converse(modelId=model, messages=[{"role": "user", "content": [{"text": "grüezi"}]}])
    return sent[0]


@pytest.mark.parametrize("token", [None, "of-temporary-credentials=="])
@pytest.mark.parametrize("model", ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", ARN])
def test_a_request_is_signed_as_by_aws_own_client(model: str, token: str | None) -> None:
    theirs = captured(model, token)
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in theirs.headers.items()
    }
    at = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    url = f"https://bedrock-runtime.eu-west-1.amazonaws.com/model/{quote(model, safe='')}/converse"
    assert theirs.url == url
    keys = Keys("AKIDEXAMPLE", "secret/+key", token or "")
    signed = re.findall(r"SignedHeaders=([^,]+)", headers["authorization"])[0].split(";")
    also = {name: headers[name] for name in signed if name not in {"host", "x-amz-date", "x-amz-security-token"}}
    now_ns = int(at.timestamp()) * 10**9
    ours = dict(sign("POST", url, theirs.body, now_ns, keys, "eu-west-1", also=also))
    expected = {
        name: headers[name] for name in ("authorization", "x-amz-date", "x-amz-security-token") if name in headers
    }
    assert {name.decode(): value.decode() for name, value in ours.items()} == expected


def request(url: str = "https://bedrock-runtime.eu-west-1.amazonaws.com") -> Any:
    return SimpleNamespace(origin=parse_origin(url)[0], where="/model/m/converse")


KEYS = Keys("AKIDEXAMPLE", "s")


def test_the_region_is_that_of_the_settings_else_that_of_the_host() -> None:
    for said, region in (("", "eu-west-1"), ("us-west-2", "us-west-2")):
        headers = dict(sign_request(request(), "POST", b"{}", SUITE_NS, KEYS, said))
        assert f"/20150830/{region}/bedrock/aws4_request".encode() in headers[b"authorization"]


def test_the_host_is_signed_with_the_port_that_is_sent() -> None:
    at_a_port = sign_request(request("http://127.0.0.1:8080"), "POST", b"{}", SUITE_NS, KEYS, "us-east-1")
    url = "http://127.0.0.1:8080/model/m/converse"
    assert at_a_port == sign("POST", url, b"{}", SUITE_NS, KEYS, "us-east-1")
    elsewhere = sign_request(request("http://127.0.0.1:8081"), "POST", b"{}", SUITE_NS, KEYS, "us-east-1")
    assert dict(at_a_port)[b"authorization"] != dict(elsewhere)[b"authorization"]
