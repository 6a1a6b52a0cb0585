"""AWS's signature, version 4, by botocore's signer.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (November 2026). Only what we
add is signed, with host and body: a proxy between may touch the other headers. What stands percent-encoded in the path
is encoded once more for the signature, as everywhere but at S3: an ARN as a model's name needs it.

Keys come from the provider's settings, and through them from the environment; roles of machines and containers are not
asked for, since that is a request of its own. A Bedrock API key needs no signature.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from proxy.errors import Headers, InternalFault
from proxy.ports import Provider
from proxy.upstream.origin import Origin

SERVICE = "bedrock"  # also for the host bedrock-runtime


class Signed(Protocol):
    """What of a target a signature covers."""

    @property
    def provider(self) -> Provider: ...

    @property
    def origin(self) -> Origin: ...

    @property
    def where(self) -> str:
        """Path and query, as they are sent."""
        ...


class Keys(NamedTuple):
    access_key_id: str
    secret_access_key: str
    session_token: str = ""  # of temporary credentials


def sign_request(target: Signed, method: str, body: bytes, now_ns: int) -> Headers:
    """The headers that make a request to this target valid for some minutes. Raises InternalFault without keys."""
    origin = target.origin
    url = f"{'https' if origin.is_tls else 'http'}://{origin.authority}{target.where}"
    return sign(method, url, body, now_ns, _keys_of(target.provider), _region_of(target.provider, origin.host))


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


def _keys_of(provider: Provider) -> Keys:
    settings = provider.settings
    access_key_id, secret = settings.get("access_key_id", ""), settings.get("secret_access_key", "")
    if not access_key_id or not secret:
        raise InternalFault(
            f"The provider {provider.name!r} has neither an API key nor an access key: set 'api_key', or "
            "'access_key_id' and 'secret_access_key' (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), and try again."
        )
    return Keys(access_key_id, secret, settings.get("session_token", ""))


def _region_of(provider: Provider, host: str) -> str:
    """As it is set, else as it stands in the host: 'bedrock-runtime.us-east-1.amazonaws.com'."""
    region = provider.settings.get("region", "")
    labels = host.split(".")
    return region or (labels[1] if host.endswith(".amazonaws.com") and len(labels) > 3 else "us-east-1")
