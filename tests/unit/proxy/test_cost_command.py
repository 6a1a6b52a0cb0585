"""`pointsman proxy cost`: a provider's own account of a call on standard input, what it cost on standard output."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from proxy.cost_command import moment_ns
from proxy.main import main
from proxy.records import Usage
from proxy.usage import read_account, usage_of

CLAUDE = {"input_tokens": 291, "output_tokens": 26, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 10}


@pytest.fixture
def cost(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(said: Any, *options: str) -> dict[str, Any]:
        text = said if isinstance(said, str) else json.dumps(said)
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        assert main(["cost", *options]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return run


def test_a_usage_object_is_priced_by_the_list_of_its_day(cost: Any) -> None:
    found = cost(
        CLAUDE | {"cache_creation": {"ephemeral_1h_input_tokens": 150}},
        *("--provider", "anthropic", "--model", "claude-sonnet-4-5", "--at", "2026-11-01"),
    )
    nano_usd = 291 * 3000 + 10 * 300 + 50 * 3750 + 150 * 6000 + 26 * 15_000
    assert (found["nano_usd"], found["usd"], found["is_priced"]) == (
        nano_usd,
        f"{nano_usd / 1e9:.9f}".rstrip("0"),
        True,
    )
    assert found["price_source"].endswith(": anthropic/claude-sonnet-4-5")
    assert (found["usage"]["cache_write_5m"], found["usage"]["cache_write_1h"]) == (50, 150)
    assert (found["billed_nano_usd"], found["computed_nano_usd"]) == (None, nano_usd)


def test_dollars_are_exact_where_nano_dollars_are_rounded(cost: Any, tmp_path: Path) -> None:
    config = tmp_path / "pointsman.yaml"
    config.write_text("prices: {mine: {m: {input: 0.0005}}}\n")
    found = cost({"prompt_tokens": 3}, "--provider", "mine", "--model", "m", "--config", str(config))
    assert (found["usd"], found["nano_usd"]) == ("0.0000000015", 2)


@pytest.mark.parametrize(
    ("provider", "said", "nano_usd"),
    [
        ("xai", {"prompt_tokens": 9, "completion_tokens": 1, "cost_in_usd_ticks": 1_399_000}, 139_900),
        ("openrouter", {"prompt_tokens": 9, "completion_tokens": 1, "cost": 1.65e-05}, 16_500),
        ("openrouter", {"prompt_tokens": 9, "completion_tokens": 1, "cost": 1e-7, "is_byok": True,
                        "cost_details": {"upstream_inference_cost": 6.3e-06}}, 6400),
        ("perplexity", {"prompt_tokens": 9, "completion_tokens": 1, "cost": {"total_cost": 0.00625}}, 6_250_000),
    ],
)  # fmt: skip
def test_what_the_provider_billed_goes_before_what_is_computed(
    cost: Any, provider: str, said: Any, nano_usd: int
) -> None:
    found = cost(said, "--provider", provider, "--model", "sonar")
    assert (found["nano_usd"], found["billed_nano_usd"], found["is_priced"]) == (nano_usd, nano_usd, True)
    assert found["price_source"] == "billed by the provider"
    assert found["computed_nano_usd"] != nano_usd


def test_a_model_without_a_price_says_so(cost: Any) -> None:
    found = cost({"prompt_tokens": 9, "completion_tokens": 1}, "--provider", "openai", "--model", "no-such")
    assert (found["nano_usd"], found["usd"], found["is_priced"], found["computed_nano_usd"]) == (0, "0", False, None)


def test_a_whole_answer_says_its_model_and_its_tier(cost: Any) -> None:
    answer = {"object": "response", "model": "gpt-5-mini", "service_tier": "flex", "output": [],
              "usage": {"input_tokens": 1000, "output_tokens": 0, "total_tokens": 1000}}  # fmt: skip
    found = cost(answer, "--provider", "openai", "--at", "2026-11-01")
    assert (found["service_tier"], found["nano_usd"]) == ("flex", 125_000)
    assert cost(answer, "--provider", "openai", "--tier", "default")["nano_usd"] == 250_000


def test_prices_of_a_configuration_go_first(cost: Any, tmp_path: Path) -> None:
    config = tmp_path / "pointsman.yaml"
    config.write_text("prices: {openai: {gpt-5-mini: {input: 2}}}\n")
    said = {"prompt_tokens": 10, "completion_tokens": 0}
    found = cost(said, "--provider", "openai", "--model", "gpt-5-mini", "--config", str(config))
    assert (found["nano_usd"], found["price_source"][:17]) == (20_000, "configuration and")


@pytest.mark.parametrize(
    ("said", "options", "sentence"),
    [
        ("{}", (), "no usage"),
        ("", (), "no usage"),
        ('{"prompt_tokens": 1}', ("--at", "yesterday"), "2026-11-21"),
        ('{"prompt_tokens": 1}', ("--config", "/nowhere/at/all.yaml"), "No such file"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    said: str,
    options: tuple[str, ...],
    sentence: str,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(said))
    assert main(["cost", "--provider", "openai", *options]) == 2
    told = capsys.readouterr()
    assert not told.out
    assert sentence in told.err


def test_a_moment_is_a_day_or_a_time_in_any_zone() -> None:
    assert moment_ns("2026-11-21") == moment_ns("2026-11-21T00:00:00Z") == moment_ns("2026-11-21T01:00:00+01:00")


STREAM = """event: message_start
data: {"type":"message_start","message":{"model":"claude-x","usage":{"input_tokens":5,"cache_read_input_tokens":7}}}

event: message_delta
data: {"type":"message_delta","usage":{"output_tokens":9,"input_tokens":null}}

data: [DONE]
"""


@pytest.mark.parametrize(
    ("said", "model", "usage"),
    [
        (STREAM, "claude-x", Usage(input=5, cache_read=7, output=9)),
        ('[{"candidates":[]},{"modelVersion":"g","usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4}}]',
         "g", Usage(3, output=4)),
        ('{"usage_metadata":{"prompt_token_count":3,"candidates_token_count":4}}', "", Usage(3, output=4)),
        ('{"metadata":{"usage":{"inputTokens":3,"outputTokens":4,"cacheReadInputTokens":5}}}',
         "", Usage(3, 5, output=4)),
        ('{"usage":{"billed_units":{"input_tokens":3,"output_tokens":4},"tokens":{"input_tokens":99}}}',
         "", Usage(3, output=4)),
        ('{"meta":{"billed_units":{"input_tokens":3}}}', "", Usage(3)),
        ('{"object":"list","model":"voyage-4","usage":{"total_tokens":3}}', "voyage-4", Usage(3)),
        ('{"model":"m","prompt_eval_count":3,"eval_count":4}\n', "m", Usage(3, output=4)),
        ('{"type":"response.completed","response":{"model":"m","usage":{"input_tokens":9,"output_tokens":4,'
         '"total_tokens":13},"output":[{"type":"web_search_call","action":{"type":"search"}}]}}',
         "m", Usage(9, output=4, searches=1)),
        ('{"usage":{"input_tokens":9,"output_tokens":4,"input_tokens_details":{"image_tokens":5}}}',
         "", Usage(9, output=4, image_input=5)),
        ('{"response":{"usage":{"total_tokens":50,"input_tokens":30,"output_tokens":20,"input_token_details":'
         '{"cached_tokens":12,"audio_tokens":25,"cached_tokens_details":{"audio_tokens":10}},'
         '"output_token_details":{"audio_tokens":15}}}}',
         "", Usage(18, 12, output=20, audio_input=15, audio_output=15, audio_cache_read=10)),
        ('{"usageMetadata":{"promptTokenCount":3,"responseTokenCount":4,"responseTokensDetails":'
         '[{"modality":"AUDIO","tokenCount":4}]}}', "", Usage(3, output=4, audio_output=4)),
        ('{"prompt_tokens":9,"completion_tokens":4,"reasoning_tokens":6,"total_tokens":19,'
         '"cached_prompt_text_tokens":2}', "", Usage(7, 2, output=10, reasoning=6)),
        ('{"prompt_tokens":33,"completion_tokens":7,"total_tokens":40,"citation_tokens":200,"num_search_queries":18,'
         '"reasoning_tokens":95}', "", Usage(33, output=102, reasoning=95, citation=200, searches=18)),
        ('{"total_input_tokens":9,"total_cached_tokens":2,"total_output_tokens":4,"total_thought_tokens":1}',
         "", Usage(7, 2, output=5, reasoning=1)),
        ('{"inputTextTokenCount":3,"results":[{"tokenCount":4}]}', "", Usage(3, output=4)),
        ('{"prompt_token_count":3,"generation_token_count":4}', "", Usage(3, output=4)),
        ('{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":3,"outputTokenCount":4}}',
         "", Usage(3, output=4)),
    ],
)  # fmt: skip
def test_every_providers_account_is_read(said: str, model: str, usage: Usage) -> None:
    account = read_account(said)
    assert account is not None
    assert (account.usage, account.model) == (usage, model)


def test_what_claude_read_to_compact_is_billed_too() -> None:
    raw = CLAUDE | {"iterations": [{"type": "compaction", "input_tokens": 1000, "output_tokens": 100},
                                   {"type": "message", "input_tokens": 291, "output_tokens": 26}]}  # fmt: skip
    assert usage_of(raw) == Usage(1291, 10, 200, output=126)


def test_the_words_that_a_price_depends_on_are_read(cost: Any) -> None:
    def tier(said: dict[str, Any]) -> str:
        account = read_account(json.dumps(said))
        assert account is not None
        return account.service_tier

    assert tier(CLAUDE | {"service_tier": "standard", "inference_geo": "global"}) == "standard"
    assert tier(CLAUDE | {"service_tier": "batch", "speed": "fast", "inference_geo": "us"}) == "batch+fast+us"
    assert tier({"promptTokenCount": 1, "trafficType": "ON_DEMAND_FLEX"}) == "flex"
    assert tier({"promptTokenCount": 1, "trafficType": "ON_DEMAND"}) == ""
    options = ("--provider", "anthropic", "--model", "claude-opus-4-8", "--at", "2026-11-01", "--tier")
    standard, us, batch, fast = (cost(CLAUDE, *options, word)["nano_usd"] for word in ("x", "us", "batch", "fast"))
    assert (us * 10, batch * 2, fast) == (standard * 11, standard, standard * 2)


NONSENSE = (None, -1, 2**70, 1e300, True, "x", [], {}, [1], {"a": 1})


@pytest.mark.parametrize("shape", ["openai", "responses", "anthropic", "gemini", "bedrock", "cohere"])
def test_counts_that_make_no_sense_count_nothing(shape: str) -> None:
    names = {
        "openai": ("prompt_tokens", "completion_tokens", "prompt_tokens_details", "cost", "cost_in_usd_ticks"),
        "responses": ("input_tokens", "output_tokens", "output_tokens_details", "cost"),
        "anthropic": ("input_tokens", "output_tokens", "cache_creation", "iterations", "server_tool_use"),
        "gemini": ("promptTokenCount", "candidatesTokenCount", "promptTokensDetails", "cacheTokensDetails"),
        "bedrock": ("inputTokens", "outputTokens", "cacheDetails"),
        "cohere": ("billed_units", "tokens", "cached_tokens"),
    }[shape]
    for nonsense in NONSENSE:
        usage = usage_of(dict.fromkeys(names, nonsense), shape)
        assert usage == Usage(), (nonsense, usage)
