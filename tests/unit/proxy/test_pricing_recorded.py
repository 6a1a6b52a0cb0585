"""What recorded calls cost, held against genai-prices' own reading and calculation, and against what providers billed.

The recordings are not part of this repository, see `tests/unit/proxy/dialects/recorded.py`.
"""

import gzip
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import unquote

import genai_prices
import orjson
import pytest

from proxy.cost_command import as_provider
from proxy.dialects.taps import body_reader, stream_reader
from proxy.errors import Dialect
from proxy.price_list import compile_listing
from proxy.pricing import OURS, PriceTable, billed_or_computed
from proxy.tariffs import SCALE
from proxy.usage import Account, read_account
from tests.unit.proxy.dialects.recorded import LONGEST_HEAD, TRAFFIC, needs_recordings, sample

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
AT_NS = int(AT.timestamp()) * 10**9
CLOSE = Decimal("1e-6")
# (provider, api) of a recording -> provider and kind of answer in genai-prices
THEIRS = {
    ("anthropic", "messages"): ("anthropic", "default"),
    ("azure_openai", "chat_completions"): ("azure", "chat"),
    ("azure_openai", "responses"): ("azure", "responses"),
    ("bedrock", "converse"): ("aws", "default"),
    ("cerebras", "chat_completions"): ("cerebras", "chat"),
    ("cohere", "chat_v2"): ("cohere", "default"),
    ("cohere", "embeddings"): ("cohere", "embeddings"),
    ("gemini", "generate_content"): ("google", "default"),
    ("groq", "chat_completions"): ("groq", "default"),
    ("mistral", "chat_completions"): ("mistral", "default"),
    ("openai", "chat_completions"): ("openai", "chat"),
    ("openai", "embeddings"): ("openai", "embeddings"),
    ("openai", "responses"): ("openai", "responses"),
    ("openrouter", "chat_completions"): ("openrouter", "chat"),
    ("vertex", "generate_content"): ("google", "default"),
    ("xai", "chat_completions"): ("x-ai", "chat"),
    ("xai", "responses"): ("x-ai", "responses"),
    ("zai", "chat_completions"): ("zai", "chat"),
}
TAPPED: dict[str, Dialect] = {
    "chat_completions": "openai", "responses": "responses", "messages": "anthropic", "generate_content": "gemini",
}  # fmt: skip

pytestmark = needs_recordings
_KIND = re.compile(rb'"provider": "([^"]+)", "api": "([^"]+)"')


@cache
def table() -> PriceTable:
    return PriceTable(compile_listing())


@cache
def recordings() -> dict[tuple[str, str], list[bytes]]:
    """By provider and api, spread evenly where there are many; one pass through the file."""
    found: dict[tuple[str, str], list[bytes]] = {}
    with gzip.open(TRAFFIC, "rb") as lines:
        for line in lines:
            if kind := _KIND.search(line, 0, LONGEST_HEAD):
                found.setdefault((kind[1].decode(), kind[2].decode()), []).append(line)
    return {kind: sample(lines) for kind, lines in found.items()}


def exchanges(kind: tuple[str, str]) -> Iterator[dict[str, Any]]:
    for line in recordings().get(kind, ()):
        exchange = orjson.loads(line)
        if (exchange["response"] or {}).get("status", 200) < 400:
            yield exchange


def said(exchange: dict[str, Any]) -> str:
    response = exchange["response"] or {}
    return orjson.dumps(response["body"]).decode() if response.get("body") else response.get("sse_text") or ""


def model_of(exchange: dict[str, Any], account: Account) -> str:
    request = exchange["request"] or {}
    asked = request["body"].get("model") if isinstance(request.get("body"), dict) else None
    in_path = re.search(r"/(?:model|models)/([^/:?]+(?::\d+)?)", unquote(request.get("path") or ""))
    return account.model or asked or (in_path[1] if in_path else "")


def theirs(kind: tuple[str, str], body: dict[str, Any], model: str, account: Account) -> Decimal | None:
    """None when they cannot read or price the answer."""
    provider, flavor = THEIRS[kind]
    try:
        usage = genai_prices.extract_usage(body, provider_id=provider, api_flavor=flavor).usage
        usage.web_searches = account.usage.searches  # the fee; they do not count the searches of most providers
        usage.storage_searches = (account.usage.units or {}).get("file_searches", 0)
        context = {"service_tier": account.service_tier} if account.service_tier else None
        return genai_prices.calc_price(
            usage, model, provider_id=provider, genai_request_timestamp=AT, price_context=context
        ).total_price
    except (LookupError, ValueError, AttributeError):
        return None


@pytest.mark.parametrize("kind", THEIRS, ids="/".join)
def test_a_recorded_call_costs_what_the_other_engine_reads_and_computes(kind: tuple[str, str]) -> None:
    provider, compared, unlike = as_provider(kind[0]), 0, {}
    for exchange in exchanges(kind):
        account = read_account(said(exchange))
        body = (exchange["response"] or {}).get("body")
        if account is None or not isinstance(body, dict) or "compaction" in str(account.raw.get("iterations")):
            continue  # of a compaction they leave out what it read and wrote
        model = model_of(exchange, account)
        expected = theirs(kind, body, model, account)
        if expected is None:
            continue
        ours = table().cost(provider, model, account.usage, AT_NS, account.service_tier)
        if not expected and not ours.is_priced:
            continue  # listed without a price: nothing for them, unknown for us
        if not ours.is_priced or abs(Decimal(ours.exact) / (SCALE * 10**9) - expected) > expected * CLOSE:
            if ours.source.startswith(OURS):
                continue  # otherwise on purpose, as all of DeepSeek's and Perplexity's: see `test_price_supplement.py`
            unlike[exchange["id"]] = (model, ours, expected, account.raw)
        compared += 1
    assert not unlike
    assert compared


def test_what_providers_billed_is_what_a_call_costs_and_nearly_always_what_we_compute() -> None:
    """OpenRouter's bill can differ: it asks whom it likes at his prices, and adds fees for its own tools."""
    bills = alike = 0
    for kind in (("openrouter", "chat_completions"), ("openrouter", "responses"), ("xai", "chat_completions")):
        for exchange in exchanges(kind):
            text = said(exchange)
            account, asked = read_account(text), re.search(r'"created(?:_at)?": ?(\d+)', text)
            if account is None or asked is None or account.usage.billed_nano_usd is None:
                continue
            at_ns = int(asked[1]) * 10**9
            computed = table().cost(as_provider(kind[0]), account.model, account.usage, at_ns)
            assert billed_or_computed(account.usage, computed).nano_usd == account.usage.billed_nano_usd
            bills += 1
            alike += abs(computed.nano_usd - account.usage.billed_nano_usd) <= max(1, computed.nano_usd * 1e-6)
    assert bills
    assert alike / bills > 0.6


@pytest.mark.parametrize("api", TAPPED)
def test_the_command_counts_what_the_gateway_counts_on_the_way(api: str) -> None:
    compared, unlike = 0, {}
    for kind in recordings():
        if kind[1] != api:
            continue
        for exchange in exchanges(kind):
            response, account = exchange["response"] or {}, read_account(said(exchange))
            if response.get("sse_text"):
                reader = stream_reader(TAPPED[api])()
                reader.read(response["sse_text"].encode().replace(b"\r\n", b"\n") + b"\n\n")
                reading = reader.reading
            elif isinstance(response.get("body"), dict):
                reading = body_reader(TAPPED[api])(orjson.dumps(response["body"]))
            else:
                continue
            if account is None or reading.usage is None or account.shape != TAPPED[api]:
                assert reading.usage is None or account is not None, exchange["id"]
                continue
            compared += 1
            if account.usage != reading.usage:
                unlike[exchange["id"]] = (kind, account.usage, reading.usage, account.raw)
    assert compared
    assert not unlike
