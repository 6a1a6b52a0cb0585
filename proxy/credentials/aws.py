"""AWS's chain of credentials, by botocore: variables, files with their profiles, roles and SSO, web identity, machines.

https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html (November 2026)

botocore renews by itself, but has the call wait that finds the old ones near their end. So the chain is walked anew, in
a thread, before that; requests are signed with what it found last. It reads the process's own environment.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, NamedTuple

from proxy.credentials.renewing import Renewing
from proxy.credentials.source import NEVER_NS, Fresh, Request, SignInFailed
from proxy.errors import Headers

SESSION_NAME = "pointsman"  # in AWS's own trail of who took on the role
_CONNECT_SECONDS, _READ_SECONDS = 5, 10


class Keys(NamedTuple):
    access_key_id: str
    secret_access_key: str
    session_token: str = ""  # of temporary credentials


class SigningCredentials:
    """A signature for each request, with keys that stay, or with those of the moment."""

    names = frozenset(("authorization", "x-amz-date", "x-amz-security-token"))

    def __init__(self, keys: "Keys | Renewing[Keys]", region: str) -> None:
        self._keys = keys
        self._region = region
        if isinstance(keys, Keys):  # a tenth of a second: when it is configured, not with the first call
            import_module("proxy.providers.signing")

    def headers(self, request: Request, method: str, body: bytes, now_ns: int) -> Headers:
        from proxy.providers.signing import sign_request  # noqa: PLC0415 - botocore takes its time

        keys = self._keys if isinstance(self._keys, Keys) else self._keys.current(now_ns)
        return sign_request(request, method, body, now_ns, keys, self._region)

    def doubt(self) -> None:
        if not isinstance(self._keys, Keys):
            self._keys.doubt()


def fixed_keys(settings: Mapping[str, str]) -> Keys | None:
    """Those of the settings, and through them of the environment, where no role or profile is asked for."""
    access_key_id, secret = settings.get("access_key_id", ""), settings.get("secret_access_key", "")
    if not access_key_id or not secret or settings.get("role_arn") or settings.get("profile"):
        return None
    return Keys(access_key_id, secret, settings.get("session_token", ""))


def make_source(settings: Mapping[str, str], environment: Mapping[str, str]) -> "AwsSource":
    """`environment` goes unread: botocore knows only the process's own."""
    return AwsSource(settings)


@dataclass(frozen=True, slots=True, repr=False)
class AwsSource:
    settings: Mapping[str, str]

    def __call__(self) -> Fresh[Keys]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - loaded by who uses it

        # It logs each failed renewal with a traceback; that is said in one line by who asked.
        logging.getLogger("botocore.credentials").setLevel(logging.ERROR)
        try:
            return self._fetch()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
            raise SignInFailed(code, str(error), is_refused=400 <= status < 500 and status != 429) from error
        except (BotoCoreError, RuntimeError, OSError, ValueError) as error:  # RuntimeError: they came expired
            raise SignInFailed(type(error).__name__, str(error), is_refused=False) from error

    def _fetch(self) -> Fresh[Keys]:
        session = self._session()
        found = session.get_credentials()
        if found is None:
            said = "AWS's chain has found none: no variables, no profile, no role of a container or machine"
            raise SignInFailed("not_found", said, is_refused=False)
        role = self.settings.get("role_arn")
        if role:
            sts = session.create_client("sts", region_name=self.settings.get("region") or None)
            taken = sts.assume_role(RoleArn=role, RoleSessionName=SESSION_NAME)["Credentials"]
            keys = Keys(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])
            return Fresh(keys, _ns(taken["Expiration"]))
        frozen = found.get_frozen_credentials()
        # botocore says nowhere else when they end.
        expires_at: datetime | None = getattr(found, "_expiry_time", None)
        return Fresh(Keys(frozen.access_key, frozen.secret_key, frozen.token or ""), _ns(expires_at))

    def _session(self) -> Any:
        """A new one each time: files may have been written anew, and nothing old is renewed by halves."""
        from botocore.config import Config  # noqa: PLC0415 - as above
        from botocore.session import Session  # noqa: PLC0415 - as above

        said = self.settings
        session = Session(profile=said.get("profile") or None)
        session.set_default_client_config(
            Config(connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS, retries={"total_max_attempts": 2})
        )
        if said.get("region"):
            session.set_config_variable("region", said["region"])
        if not said.get("profile") and said.get("access_key_id") and said.get("secret_access_key"):
            session.set_credentials(said["access_key_id"], said["secret_access_key"], said.get("session_token") or None)
        return session


def _ns(moment: datetime | None) -> int:
    return NEVER_NS if moment is None else int(moment.timestamp() * 1e9)
