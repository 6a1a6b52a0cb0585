"""Google's Application Default Credentials: a file's, else gcloud's, else those of the machine or the pod.

https://cloud.google.com/docs/authentication/application-default-credentials (November 2026)

`google-auth` does what a file asks for: signs for a service account, refreshes a person's, exchanges a workload's. It
is loaded with the first file, and its requests go our way. The metadata server is asked without it: that is one GET,
and its module for it would bring `requests` along. A file that names a program to be run is refused.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

from proxy.credentials.asking import TIMEOUT_SECONDS, Answered, ask, ask_for_token
from proxy.credentials.bearer import fresh_token
from proxy.credentials.source import NEVER_NS, Fresh, SignInFailed
from proxy.errors import Headers

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
DEFAULT = "default"
_TOKEN = "/computeMetadata/v1/instance/service-accounts/default/token"  # noqa: S105 - a path
# The type that a file names → where its class is, how it is made, and whether it takes scopes.
_LOADERS = {
    "service_account": ("google.oauth2.service_account", "from_service_account_info", True),
    "authorized_user": ("google.oauth2.credentials", "from_authorized_user_info", False),
    "external_account": ("google.auth.identity_pool", "from_info", True),
    "external_account_authorized_user": ("google.auth.external_account_authorized_user", "from_info", False),
    "impersonated_service_account": (
        "google.auth.impersonated_credentials", "from_impersonated_service_account_info", True,
    ),
}  # fmt: skip
_OF_AWS = "urn:ietf:params:aws:token-type:aws4_request"


def make_source(settings: Mapping[str, str], environment: Mapping[str, str]) -> "GoogleSource":
    return GoogleSource(settings, environment)


@dataclass(frozen=True, slots=True, repr=False)
class GoogleSource:
    """Looks for the file anew each time, so a key that was replaced is taken over."""

    settings: Mapping[str, str]
    environment: Mapping[str, str]

    def __call__(self) -> Fresh[Headers]:
        path = self._file()
        return self._by_file(path) if path is not None else self._by_machine()

    def _file(self) -> Path | None:
        said = self.settings.get("credentials", DEFAULT)
        said = self.environment.get("GOOGLE_APPLICATION_CREDENTIALS", "") if said == DEFAULT else said
        if said:
            return Path(said)
        environment = self.environment
        home = Path(environment.get("HOME") or environment.get("USERPROFILE") or ".")
        usual = Path(environment["APPDATA"]) if environment.get("APPDATA") else home / ".config"
        folder = Path(environment["CLOUDSDK_CONFIG"]) if environment.get("CLOUDSDK_CONFIG") else usual / "gcloud"
        path = folder / "application_default_credentials.json"
        return path if path.is_file() else None

    def _by_machine(self) -> Fresh[Headers]:
        host = self.environment.get("GCE_METADATA_HOST") or "metadata.google.internal"
        url = f"http://{host}{_TOKEN}?scopes={quote(SCOPE, safe='')}"
        try:
            answer = ask_for_token("GET", url, {"Metadata-Flavor": "Google"}, environment=self.environment)
        except SignInFailed as failed:
            if failed.code != "unreachable":
                raise
            said = "neither 'settings.credentials' nor GOOGLE_APPLICATION_CREDENTIALS is set, gcloud has left no file"
            raise SignInFailed("not_found", f"{said}, and {failed.reason}", is_refused=False) from failed
        return fresh_token(answer)

    def _by_file(self, path: Path) -> Fresh[Headers]:
        from google.auth.exceptions import GoogleAuthError, RefreshError  # noqa: PLC0415 - loaded by who uses it

        credentials, transport = _load(path), _Transport(self.environment)
        try:
            credentials.refresh(transport)
        except RefreshError as error:
            raise _refused(error, transport.answered) from error
        except GoogleAuthError as error:  # its transport's: no answer
            raise SignInFailed("unreachable", f"Google did not answer: {error}", is_refused=False) from error
        except (ValueError, OSError) as error:  # of what a workload's file leads to, which may stand in it
            said = f"what {path} leads to is not as it should be ({type(error).__name__})"
            raise SignInFailed("malformed", said, is_refused=True) from error
        headers: dict[str, str] = {}
        credentials.apply(headers)
        expires_at = credentials.expiry
        expires_ns = NEVER_NS if expires_at is None else int(expires_at.replace(tzinfo=UTC).timestamp() * 1e9)
        return Fresh([(name.lower().encode(), value.encode()) for name, value in headers.items()], expires_ns)


def _load(path: Path) -> Any:
    """What google-auth makes of the file. Raises SignInFailed."""
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        kind = info["type"]
        place, maker, is_scoped = _LOADERS[kind]
        if kind == "external_account" and info.get("subject_token_type") == _OF_AWS:
            place = "google.auth.aws"
        made = getattr(import_module(place).Credentials, maker)
        return made(info, scopes=[SCOPE]) if is_scoped else made(info)
    except OSError as cause:
        raise SignInFailed("unreadable", f"{path} cannot be read: {cause.strerror}", is_refused=True) from cause
    except (ValueError, KeyError, TypeError, AttributeError) as cause:
        # What the cause says may quote the file, and so the key in it.
        said = f"{path} is not a credentials file of one of the types {', '.join(_LOADERS)} ({type(cause).__name__})"
        raise SignInFailed("malformed", said, is_refused=True) from cause


def _refused(error: Any, answered: bytes) -> SignInFailed:
    """`args` are a sentence and, where it has the form of RFC 6749, the answer; else the sentence is the answer."""
    said = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], dict) else {}
    code, sentence = said.get("error"), str(error.args[0]) if error.args else ""
    if sentence.encode() == answered:  # it may be any page, and quote what was asked
        sentence = "its answer gives no reason"
    reason = str(said.get("error_description") or sentence)
    return SignInFailed(code if isinstance(code, str) else "refused", reason, is_refused=not error.retryable)


@dataclass(slots=True, repr=False)
class _Transport:
    """What google-auth asks with. `answered` is the last answer's body."""

    environment: Mapping[str, str]
    answered: bytes = b""

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> Answered:
        from google.auth.exceptions import TransportError  # noqa: PLC0415 - loaded by who uses it

        said = body.encode() if isinstance(body, str) else body
        seconds = timeout or TIMEOUT_SECONDS
        try:
            answer = ask(method, url, headers or {}, said, environment=self.environment, timeout=seconds)
        except (OSError, http.client.HTTPException, ValueError) as cause:
            raise TransportError(cause) from cause  # type: ignore[no-untyped-call] # google-auth has types in places
        self.answered = answer.data
        return answer
