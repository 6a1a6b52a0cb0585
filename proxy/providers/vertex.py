"""Vertex AI: Gemini in Google's dialect and Claude in Anthropic's, which the model's name tells apart.

Without a key it is asked with Application Default Credentials, see `proxy/credentials/google.py`. A key is an access
token of Google Cloud (`gcloud auth print-access-token`), which lasts an hour.
"""

from collections.abc import Mapping

from proxy.errors import Dialect
from proxy.providers.known import Asked, Body, Known, Quirk, Setting, Source
from proxy.providers.paths import gemini_path, segment

_CLAUDE = Source("https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai", "2026-11")
_VERSION = "vertex-2023-10-16"


def path(asked: Asked) -> str:
    settings = asked.provider.settings
    project, location = segment(settings.get("project", "")), segment(settings.get("location", "global"))
    place = f"/projects/{project}/locations/{location}"
    if asked.operation == "other":
        return place + asked.tail
    if asked.dialect == "anthropic":
        if asked.operation == "count_tokens":
            return f"{place}/publishers/anthropic/models/count-tokens:rawPredict"
        verb = "streamRawPredict" if asked.is_stream else "rawPredict"
        name = segment(asked.model, "@")
        return f"{place}/publishers/anthropic/models/{name}:{verb}"
    return gemini_path(asked, f"{place}/publishers/google/models")


def address(settings: Mapping[str, str]) -> str:
    location = settings.get("location", "global")
    return f"https://{'' if location == 'global' else location + '-'}aiplatform.googleapis.com/v1"


def dialect_of(model: str) -> Dialect:
    return "anthropic" if model.startswith("claude-") else "gemini"


def model_stands_in_the_path(body: Body) -> Body:
    """No `model` in the body, and the version there instead of in a header."""
    rest = {name: value for name, value in body.items() if name not in {"model", "anthropic_version"}}
    return {"anthropic_version": _VERSION} | rest


KNOWN = Known(
    name="vertex",
    title="Google Vertex AI",
    source=Source("https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference", "2026-11"),
    base_url="https://{location}-aiplatform.googleapis.com/v1",
    variable="VERTEX_ACCESS_TOKEN",
    dialect="gemini",
    auth="bearer",
    settings=(
        Setting("project", "the project's id", "VERTEX_PROJECT"),
        Setting("location", "a region, or `global`", "VERTEX_LOCATION", "global"),
        Setting("credentials", "a file of credentials; `default`, or nothing: Google's usual places", "", ""),
    ),
    models=("gemini-*", "claude-*", "*"),
    embeds=False,  # its `:predict` has a form of its own
    price_provider="google",
    quirks=(Quirk(model_stands_in_the_path, ("messages",), _CLAUDE, "anthropic"),),
    path=path,
    address=address,
    dialect_of=dialect_of,
    credentials="google",
    note="Without a key it is asked with Application Default Credentials: see [sign in to a "
    "cloud](../how-to/sign-in-to-a-cloud.md). A key is an access token, which lasts an hour.",
)
