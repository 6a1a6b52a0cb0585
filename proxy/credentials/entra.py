"""Microsoft Entra ID, for Azure OpenAI without a key: a client's secret, a workload's identity, or the machine's own.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow (November 2026)
https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token (November 2026)
https://learn.microsoft.com/azure/app-service/overview-managed-identity (November 2026)

What is not set in `settings:` comes from the variables that Microsoft's own libraries read. Certificates are not read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from proxy.credentials.asking import ask_for_token
from proxy.credentials.bearer import fresh_token
from proxy.credentials.source import Fresh, SignInFailed
from proxy.errors import Headers

SCOPE = "https://cognitiveservices.azure.com/.default"
_AUTHORITY = "https://login.microsoftonline.com"
_METADATA = "http://169.254.169.254"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def make_source(settings: Mapping[str, str], environment: Mapping[str, str]) -> "EntraSource":
    return EntraSource(settings, environment)


@dataclass(frozen=True, slots=True, repr=False)
class EntraSource:
    """By what is set: a secret, else a workload's token file, else App Service's endpoint, else the machine's."""

    settings: Mapping[str, str]
    environment: Mapping[str, str]

    def __call__(self) -> Fresh[Headers]:
        return fresh_token(self._ask())

    def _ask(self) -> Mapping[str, Any]:
        said = self.settings
        if secret := said.get("client_secret"):
            return self._by_client({"client_secret": secret})
        if path := said.get("federated_token_file"):
            return self._by_client({"client_assertion_type": _ASSERTION, "client_assertion": _read(path)})
        if endpoint := self.environment.get("IDENTITY_ENDPOINT"):
            own = {"X-IDENTITY-HEADER": self.environment.get("IDENTITY_HEADER", "")}
            return self._by_machine(endpoint, "2019-08-01", own)
        host = self.environment.get("AZURE_POD_IDENTITY_AUTHORITY_HOST", _METADATA).rstrip("/")
        return self._by_machine(f"{host}/metadata/identity/oauth2/token", "2018-02-01", {"Metadata": "true"})

    def _by_client(self, proof: Mapping[str, str]) -> Mapping[str, Any]:
        tenant, client = self.settings.get("tenant_id"), self.settings.get("client_id")
        if not tenant or not client:
            missing = "client_id" if tenant else "tenant_id"
            raise SignInFailed("incomplete", f"settings.{missing} is not set", is_refused=True)
        authority = self.environment.get("AZURE_AUTHORITY_HOST", _AUTHORITY).rstrip("/")
        url = f"{authority}/{quote(tenant, safe='')}/oauth2/v2.0/token"
        form = {"grant_type": "client_credentials", "client_id": client, "scope": self._scope, **proof}
        return ask_for_token("POST", url, {}, form, environment=self.environment)

    def _by_machine(self, endpoint: str, version: str, headers: Mapping[str, str]) -> Mapping[str, Any]:
        query = {"api-version": version, "resource": self._scope.removesuffix("/.default")}
        if client := self.settings.get("client_id"):
            query["client_id"] = client
        return ask_for_token("GET", f"{endpoint}?{urlencode(query)}", headers, environment=self.environment)

    @property
    def _scope(self) -> str:
        return self.settings.get("scope") or SCOPE


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as cause:
        raise SignInFailed("unreadable", f"the federated token cannot be read: {cause}", is_refused=True) from cause
