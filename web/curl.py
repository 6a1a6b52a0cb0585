"""A call as a command that asks it again: `curl`, with the key left to the environment."""

from collections.abc import Mapping

# Where each vendor's own library puts the key; the gateway takes it from any of them.
_KEYS: Mapping[str, str] = {"anthropic": "x-api-key: $POINTSMAN_KEY", "gemini": "x-goog-api-key: $POINTSMAN_KEY"}
_BEARER = "authorization: Bearer $POINTSMAN_KEY"


def curl_of(gateway_url: str, endpoint: str, dialect: str, request: str) -> str:
    """For a shell. The body stands in a here-document whose end no line of it is, and in which nothing is expanded."""
    lines, end = set(request.splitlines()), "BODY"
    while end in lines:
        end += "_"
    headers = f"-H \"{_KEYS.get(dialect, _BEARER)}\" -H 'content-type: application/json'"
    version = " -H 'anthropic-version: 2023-06-01'" if dialect == "anthropic" else ""
    return f"curl '{gateway_url}{endpoint}' {headers}{version} --data-binary @- <<'{end}'\n{request}\n{end}"
