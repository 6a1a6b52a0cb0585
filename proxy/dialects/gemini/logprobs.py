"""Probabilities of tokens, in Google's form and in OpenAI's, which is the canonical one.

https://ai.google.dev/api/generate-content#LogprobsResult (November 2026)
"""

from typing import Any

from proxy.dialects.gemini.spelling import members, repeated
from proxy.dialects.reading import member, text_of


def parse_logprobs(result: object) -> list[dict[str, Any]]:
    said = members(result)
    chosen, top = repeated(said.get("chosenCandidates")), repeated(said.get("topCandidates"))
    found = []
    for index, one in enumerate(chosen):
        others = members(top[index]).get("candidates") if index < len(top) else None
        found.append({**_token(one), "top_logprobs": [_token(other) for other in repeated(others)]})
    return found


def _token(candidate: object) -> dict[str, Any]:
    said = members(candidate)
    token = text_of(said.get("token"))
    octets = list(token.encode("utf-8", "surrogatepass"))
    return {"token": token, "logprob": said.get("logProbability", 0.0), "bytes": octets}


def render_logprobs(tokens: list[Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"chosenCandidates": [_candidate(one) for one in tokens]}
    tops = [{"candidates": [_candidate(other) for other in repeated(member(one, "top_logprobs"))]} for one in tokens]
    if any(one["candidates"] for one in tops):
        result["topCandidates"] = tops
    return result


def _candidate(token: object) -> dict[str, Any]:
    said = token if isinstance(token, dict) else {}
    return {"token": said.get("token", ""), "logProbability": said.get("logprob", 0.0)}
