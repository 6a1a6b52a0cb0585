"""Azure OpenAI. A model is a deployment: in the body of its v1 API, in the path of the dated ones."""

from urllib.parse import quote

from proxy.providers.known import Asked, Known, Setting, Source
from proxy.providers.paths import path_of, segment, without_endpoint

_OPENAI = "/openai"


def path(asked: Asked) -> str:
    """https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle: only dated versions are said."""
    settings, tail = asked.provider.settings, path_of(asked)
    version = settings.get("api_version", "")
    if version in {"", "v1"}:
        return f"/v1{tail}"
    if asked.dialect == "responses" or not asked.model:  # files, batches and responses belong to no deployment
        return f"{tail}?api-version={quote(version)}"
    deployment = segment(settings.get("deployment") or asked.model)
    return f"/deployments/{deployment}{tail}?api-version={quote(version)}"


def tidy(base_url: str) -> str:
    """Up to `/openai`, which both forms have in common."""
    head, _, _ = without_endpoint(base_url).partition(_OPENAI + "/")
    return head.removesuffix(_OPENAI) + _OPENAI


KNOWN = Known(
    name="azure",
    title="Azure OpenAI",
    source=Source("https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle", "2026-11"),
    base_url="https://{resource}.openai.azure.com/openai",
    variable="AZURE_OPENAI_API_KEY",
    speaks=("responses",),
    auth="api-key",
    settings=(
        Setting("resource", "the name in `https://NAME.openai.azure.com`", "AZURE_OPENAI_RESOURCE"),
        Setting("api_version", "a dated version of the API; without it the v1 API", "OPENAI_API_VERSION", ""),
        Setting("deployment", "asked for any model, dated versions only; without it the model's name", "", ""),
        Setting("tenant_id", "of Entra ID, when there is no key", "AZURE_TENANT_ID", ""),
        Setting("client_id", "an application, or the identity of the machine", "AZURE_CLIENT_ID", ""),
        Setting("client_secret", "of the application", "AZURE_CLIENT_SECRET", ""),
        Setting("federated_token_file", "instead of a secret: a workload's identity", "AZURE_FEDERATED_TOKEN_FILE", ""),
        Setting("scope", "of the token, where it is not Azure OpenAI's usual one", "", ""),
    ),
    price_provider="azure",
    credentials="entra",
    note="Without a key, Microsoft Entra ID is asked: see [sign in to a cloud](../how-to/sign-in-to-a-cloud.md).",
    path=path,
    tidy=tidy,
)
