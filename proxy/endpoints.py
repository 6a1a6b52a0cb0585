"""The paths that clients ask at, each in the form that their vendor's library sends."""

import re

import msgspec
from msgspec.structs import replace

from proxy.errors import Dialect
from proxy.providers.known import Operation

_POST = frozenset(("POST",))
_ANY = frozenset(("GET", "POST", "DELETE"))


class Endpoint(msgspec.Struct, frozen=True):
    """What a path stands for. `model` and `is_stream` for dialects that say them there (Gemini, Bedrock, Azure)."""

    path: str  # as it is recorded: without what only tells vendors apart
    dialect: Dialect
    operation: Operation = "generate"
    methods: frozenset[str] = _POST
    model: str = ""
    is_stream: bool | None = None
    needs_model: bool = True  # false: files and batches belong to no model

    @property
    def tail(self) -> str:
        """What follows the version; of Gemini's own the verb."""
        if self.dialect == "gemini":
            return self.path.rpartition(":")[2]
        return self.path.removeprefix("/v2" if self.dialect == "cohere" else "/v1")


_FIXED = {
    endpoint.path: endpoint
    for endpoint in (
        Endpoint("/v1/chat/completions", "openai"),
        Endpoint("/v1/messages", "anthropic"),
        Endpoint("/v1/messages/count_tokens", "anthropic", "count_tokens"),
        Endpoint("/v1/responses", "responses"),
        Endpoint("/v2/chat", "cohere"),
        Endpoint("/v2/embed", "cohere", "embed"),
        Endpoint("/v2/rerank", "cohere", "other"),
        Endpoint("/v1/embeddings", "openai", "embed"),
        *(
            Endpoint(f"/v1/{tail}", "openai", "other")
            for tail in (
                "completions", "moderations", "rerank", "images/generations", "images/edits", "images/variations",
                "audio/speech", "audio/transcriptions", "audio/translations",
            )
        ),
    )
}  # fmt: skip
_VENDORS = ("/openai/v1/", "/anthropic/v1/", "/gemini/v1", "/cohere/v1/", "/cohere/v2/", "/bedrock/model/")
# https://platform.openai.com/docs/api-reference/files and …/batch (November 2026)
_STORED = re.compile(r"/v1/(?:files|batches|uploads)(?:/\w[\w-]*(?:\.[\w-]+)*){0,3}")
# https://platform.openai.com/docs/api-reference/responses (November 2026): kept by us, or by who answered
_RESPONSES = re.compile(r"/v1/responses/[\w-]+(?:/(?:input_items|cancel))?")
# https://ai.google.dev/api: also with the project of Vertex before it. A model may be asked for as 'provider/model'.
_GEMINI = re.compile(
    r"/v1(?:beta1?|alpha)?/(?:projects/[^/]+/locations/[^/]+/publishers/[^/]+/)?models/(?P<model>.+):(?P<verb>\w+)"
)
_VERBS: dict[str, tuple[Operation, bool]] = {
    "generateContent": ("generate", False),
    "streamGenerateContent": ("generate", True),
    "countTokens": ("count_tokens", False),
    "embedContent": ("embed", False),
    "batchEmbedContents": ("embed", False),
}
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (November 2026). An ARN has slashes.
_BEDROCK = re.compile(r"/model/(?P<model>.+)/converse(?P<stream>-stream)?")
# The older form of Azure's library: https://learn.microsoft.com/azure/ai-foundry/openai/reference (November 2026)
_AZURE = re.compile(r"/openai/deployments/(?P<model>[^/]+)(?P<tail>/.+)")


def find_endpoint(path: str) -> Endpoint | None:
    """What is asked at this path; None if nothing is."""
    endpoint = _FIXED.get(path)
    if endpoint is not None:
        return endpoint
    if path.startswith(_VENDORS):
        return find_endpoint(path[path.index("/", 1) :])
    if (found := _GEMINI.fullmatch(path)) and found["verb"] in _VERBS:
        operation, is_stream = _VERBS[found["verb"]]
        canonical = f"/v1beta/models/{found['model']}:{found['verb']}"
        return Endpoint(canonical, "gemini", operation, model=found["model"], is_stream=is_stream)
    if found := _BEDROCK.fullmatch(path):
        return Endpoint(path, "bedrock", model=found["model"], is_stream=found["stream"] is not None)
    if (found := _AZURE.fullmatch(path)) and (deployed := _FIXED.get("/v1" + found["tail"])):
        return replace(deployed, model=found["model"])
    if _STORED.fullmatch(path):
        return Endpoint(path, "openai", "other", _ANY, needs_model=False)
    if _RESPONSES.fullmatch(path):
        return Endpoint(path, "responses", "other", _ANY, needs_model=False)
    return None
