from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pointsman.contract import trace_id_of_run

from controlplane.recorder.ingest import rows_of
from controlplane.spans import names
from controlplane.spans.describe import SpanPlace, describe_call, parse_traceparent
from proxy.records import Usage
from tests.fakes.recording import SECOND_NS, START_NS, Bench, ended, recording_bench, started, write

ADDRESSES = {
    ("model", "openai"): "https://api.openai.com/v1",
    ("model", "simulated"): "http://127.0.0.1:8790/v1",
    ("tool", "simulated"): "http://127.0.0.1:8791/mcp",
}
TOOL = {"kind": "tool", "provider": "simulated", "dialect": "mcp"}
THEIR_TRACE, THEIR_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with recording_bench(tmp_path) as bench:
        yield bench


def row(bench: Bench, start: dict[str, Any] | None = None, end: dict[str, Any] | None = None) -> dict[str, object]:
    """A call as the recorder hands it to its span."""
    writer = bench.writer()
    write(writer, started("c_1", **(start or {})), ended("c_1", **(end or {})))
    bench.recorder().turn()
    writer.close()
    (found,) = rows_of(bench.calls, ["c_1"])
    return found


def test_a_model_call_is_a_genai_span_in_its_runs_trace(bench: Bench) -> None:
    usage = Usage(input=900, cache_read=100, cache_write_5m=20, cache_write_1h=4, output=50, reasoning=30)
    call = row(
        bench,
        {"is_stream": True, "span_id": "b7ad6b7169203331"},
        {"usage": usage, "first_byte_us": 250_000, "stop_reason": "stop", "response_model": "gpt-5-mini-2025-08-07"},
    )

    span = describe_call(call, ADDRESSES)

    assert (span.name, span.trace_id, span.span_id) == ("chat gpt-5-mini", trace_id_of_run("r_1"), "b7ad6b7169203331")
    assert (span.start_ns, span.end_ns, span.error) == (START_NS, START_NS + SECOND_NS, "")
    assert (span.parent, span.link) == (None, None)
    assert span.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "gpt-5-mini-2025-08-07",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.input_tokens": 1024,  # with what was cached, unlike our column
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.cache_read.input_tokens": 100,
        "gen_ai.usage.cache_write.input_tokens": 24,
        "gen_ai.usage.cache_creation.input_tokens": 24,
        "gen_ai.usage.reasoning.output_tokens": 30,
        "gen_ai.usage.cost": 4.5e-07,
        "server.address": "api.openai.com",
        "server.port": 443,
        "session.id": "t_1",
        "pointsman.workspace.id": "w",
        "pointsman.agent.id": "a_1",
        "pointsman.task.id": "t_1",
        "pointsman.run.id": "r_1",
        "pointsman.run.epoch": 1,
        "pointsman.key.id": "r_1",
        "pointsman.call.id": "c_1",
        "pointsman.call.outcome": "ok",
        "pointsman.call.status": 200,
        "pointsman.cost.nano_usd": 450,
        "pointsman.cost.bound_nano_usd": 9_000,
        "pointsman.cost.is_priced": True,
        "pointsman.usage.is_estimated": False,
        "pointsman.simulated": False,
    }


def test_a_tool_call_is_an_mcp_span(bench: Bench) -> None:
    span = describe_call(row(bench, {**TOOL, "model": "simulated/search"}), ADDRESSES)
    assert span.name == "tools/call search"
    mcp = {name: value for name, value in span.attributes.items() if not name.startswith(("pointsman.", "session."))}
    assert mcp == {
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "search",
        "gen_ai.usage.cost": 4.5e-07,
        "network.transport": "tcp",
        "server.address": "127.0.0.1",
        "server.port": 8791,
    }


def test_listing_tools_is_no_tool_call(bench: Bench) -> None:
    span = describe_call(row(bench, {**TOOL, "model": "simulated/tools/list"}), ADDRESSES)
    assert (span.name, span.attributes[names.MCP_METHOD]) == ("tools/list", "tools/list")
    assert names.TOOL_NAME not in span.attributes


def test_a_tools_name_may_hold_a_slash(bench: Bench) -> None:
    span = describe_call(row(bench, {**TOOL, "model": "simulated/github/search"}), ADDRESSES)
    assert (span.name, span.attributes[names.TOOL_NAME]) == ("tools/call github/search", "github/search")


def test_an_incoming_context_of_the_runs_own_trace_is_the_parent(bench: Bench) -> None:
    trace = trace_id_of_run("r_1")
    span = describe_call(row(bench, {"traceparent": f"00-{trace}-{THEIR_SPAN}-01"}), {})
    assert (span.trace_id, span.parent, span.link) == (trace, SpanPlace(trace, THEIR_SPAN), None)


def test_a_foreign_context_is_linked_and_the_call_stays_in_its_runs_trace(bench: Bench) -> None:
    span = describe_call(row(bench, {"traceparent": f"00-{THEIR_TRACE}-{THEIR_SPAN}-01"}), {})
    assert span.trace_id == trace_id_of_run("r_1")
    assert (span.parent, span.link) == (None, SpanPlace(THEIR_TRACE, THEIR_SPAN))


def test_a_call_without_a_run_joins_its_callers_trace(bench: Bench) -> None:
    start = {"run_id": None, "task_id": None, "traceparent": f"00-{THEIR_TRACE}-{THEIR_SPAN}-01"}
    span = describe_call(row(bench, start), {})
    assert (span.trace_id, span.parent) == (THEIR_TRACE, SpanPlace(THEIR_TRACE, THEIR_SPAN))


def test_a_call_without_a_run_and_context_stands_alone(bench: Bench) -> None:
    span = describe_call(row(bench, {"run_id": None, "task_id": None}), {})
    assert len(span.trace_id) == 32
    assert len(span.span_id) == 16
    assert (span.parent, span.link) == (None, None)


@pytest.mark.parametrize(
    ("end", "error", "finish"),
    [
        ({"outcome": "error", "error_code": "upstream_timeout", "status": 504}, "upstream_timeout", None),
        ({"outcome": "error", "upstream_status": 429, "status": 429}, "429", None),
        ({"outcome": "truncated"}, "truncated", ("error",)),
        ({"outcome": "client_left"}, "", ("error",)),
    ],
)
def test_a_call_that_went_wrong_says_so(
    bench: Bench, end: dict[str, Any], error: str, finish: tuple[str, ...] | None
) -> None:
    span = describe_call(row(bench, end=end), {})
    assert (span.error, span.attributes.get(names.ERROR_TYPE, "")) == (error, error)
    assert span.attributes.get(names.FINISH_REASONS) == finish


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"00-{'0' * 32}-{THEIR_SPAN}-01",
        f"00-{THEIR_TRACE}-{'0' * 16}-01",
        f"ff-{THEIR_TRACE}-{THEIR_SPAN}-01",
        f"00-{THEIR_TRACE}-{THEIR_SPAN}-01-more",
        f"00-{THEIR_TRACE.upper()}-{THEIR_SPAN}-01",
    ],
)
def test_a_malformed_context_is_as_if_it_had_not_been_sent(header: str) -> None:
    assert parse_traceparent(header) is None


def test_a_context_of_a_later_version_is_understood() -> None:
    assert parse_traceparent(f"01-{THEIR_TRACE}-{THEIR_SPAN}-01-more") == SpanPlace(THEIR_TRACE, THEIR_SPAN)
