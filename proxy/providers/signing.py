"""AWS's signature, version 4, by botocore's signer.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (November 2026). Only what we
add is signed, with host and body: a proxy between may touch the other headers. What stands percent-encoded in the path
is encoded once more for the signature, as everywhere but at S3: an ARN as a model's name needs it.

Which keys sign, says `proxy/credentials/aws.py`. A Bedrock API key needs no signature.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from proxy.credentials.aws import Keys
from proxy.credentials.source import Request
from proxy.errors import Headers

SERVICE = "bedrock"  # also for the host bedrock-runtime


def sign_request(request: Request, method: str, body: bytes, now_ns: int, keys: Keys, region: str) -> Headers:
    """The headers that make a request to this target valid for some minutes. Without a region it's the host's."""
    origin = request.origin
    url = f"{'https' if origin.is_tls else 'http'}://{origin.authority}{request.where}"
    return sign(method, url, body, now_ns, keys, region or _region_in(origin.host))


def sign(
    method: str,
    url: str,
    body: bytes,
    now_ns: int,
    keys: Keys,
    region: str,
    *,
    service: str = SERVICE,
    also: Mapping[str, str] | None = None,
) -> Headers:
    """The headers to add. `also` are others of the request that are to be signed with them."""
    others = dict(also or {})
    request = AWSRequest(method, url, headers=dict(others), data=body)
    credentials = ReadOnlyCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token or None)
    _Signer(credentials, service, region).sign(request, datetime.fromtimestamp(now_ns / 1e9, UTC))
    added = [(name.lower(), value) for name, value in request.headers.items() if name not in others]
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in added]


class _Signer(SigV4Auth):  # type: ignore[misc] # botocore has no types
    """With the time handed in."""

    def sign(self, request: AWSRequest, at: datetime) -> None:
        """As `add_auth`, which asks the clock itself."""
        request.context["timestamp"] = at.strftime(SIGV4_TIMESTAMP)
        self._modify_request_before_signing(request)
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))


def _region_in(host: str) -> str:
    """'bedrock-runtime.us-east-1.amazonaws.com'."""
    labels = host.split(".")
    return labels[1] if host.endswith(".amazonaws.com") and len(labels) > 3 else "us-east-1"
