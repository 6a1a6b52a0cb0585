"""Spans as a collector gets them: OTLP over HTTP, decoded by the official protobuf definitions."""

import asyncio
import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from pointsman.contract import trace_id_of_run

from tests.fakes.installation import installation, wait_until
from tests.fakes.served import served
from tests.fakes.upstream import fake_upstream

FOREIGN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Collector:
    """Keeps what is exported to it."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert (scope["method"], scope["path"]) == ("POST", "/v1/traces")
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        body = gzip.decompress(body) if dict(scope["headers"]).get(b"content-encoding") == b"gzip" else body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.spans += [span for scope_spans in resource.scope_spans for span in scope_spans.spans]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def attributes(span: Span) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


async def test_each_call_of_a_run_is_one_span_in_its_trace(tmp_path: Path) -> None:
    collector = Collector()
    with served(collector) as address, installation(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=address) as place:
        place.start_recorder()
        place.start_gateway()
        headers = {"authorization": f"Bearer {place.run_key()}"}
        async with httpx2.AsyncClient(base_url=place.url, headers=headers) as client:
            async with fake_upstream(place.upstream_port):
                for is_stream in (False, True):
                    body = {"model": "gpt-5-mini", "stream": is_stream, "messages": [{"role": "user", "content": "hi"}]}
                    answer = await client.post("/v1/chat/completions", json=body, headers={"traceparent": FOREIGN})
                    assert answer.status_code == 200
            gone = await client.post("/v1/chat/completions", json={"model": "gpt-5-mini", "messages": []})
            assert gone.status_code == 502
        await asyncio.to_thread(wait_until, lambda: len(collector.spans) >= 3, "three spans arrive")
        calls = {row["call_id"]: row for row in place.rows("SELECT * FROM calls")}

    assert len(calls) == len({span.span_id for span in collector.spans}) == 3
    for span in collector.spans:
        found = attributes(span)
        call = calls[found["pointsman.call.id"]]
        assert span.trace_id.hex() == trace_id_of_run("r_0")
        assert (span.name, span.kind) == ("chat gpt-5-mini", Span.SpanKind.SPAN_KIND_CLIENT)
        assert (span.start_time_unix_nano, span.end_time_unix_nano) == (call["started_at_ns"], call["ended_at_ns"])
        assert found["pointsman.cost.nano_usd"] == call["cost_nano_usd"]
        assert found["server.port"] == place.upstream_port
        assert found["pointsman.simulated"] is True
    links = [[link.trace_id.hex() for link in span.links] for span in collector.spans]
    assert sorted(links) == [[], [FOREIGN[3:35]], [FOREIGN[3:35]]]
    failed = [span for span in collector.spans if span.status.code == Status.StatusCode.STATUS_CODE_ERROR]
    assert [attributes(span)["error.type"] for span in failed] == ["upstream_unreachable"]


def test_without_a_collector_nothing_of_opentelemetry_is_loaded() -> None:
    program = (
        "import sys, controlplane.recorder.__main__, controlplane.gateway.__main__\n"
        "heavy = ('opentelemetry', 'sqlalchemy', 'fastapi', 'pydantic', 'temporalio', 'httpx2')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
