"""Sends spans by OTLP over HTTP. Importing this module loads the OpenTelemetry SDK (15 MB): only when it is wanted.

A span is handed over after its call's row is committed. So a killed recorder may lose the last spans (at most once) but
never sends one twice; the row in SQL stays the truth. The queue holds 8,192 spans: when the collector is too slow or
gone, the SDK drops what is beyond them and says so in the log.
"""

from collections.abc import Iterable

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from controlplane.spans import names
from controlplane.spans.describe import SpanDescription, SpanPlace

_QUEUE = 8192
_SEND_EVERY_MS = 1000


class SpanExport:
    """A sender of finished spans. `endpoint` is the collector's base URL; headers are the SDK's own variables."""

    def __init__(self, endpoint: str, version: str) -> None:
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._processor = BatchSpanProcessor(exporter, max_queue_size=_QUEUE, schedule_delay_millis=_SEND_EVERY_MS)
        self._resource = Resource.create({"service.name": names.SERVICE, "service.version": version})
        self._scope = InstrumentationScope(names.SCOPE, version, names.SCHEMA_URL)

    def send(self, descriptions: Iterable[SpanDescription]) -> None:
        """Queues the spans and returns at once."""
        for description in descriptions:
            self._processor.on_end(self._span(description))

    def close(self) -> None:
        """Sends what is queued, then ends."""
        self._processor.shutdown()  # type: ignore[no-untyped-call] # the SDK left it untyped

    def _span(self, description: SpanDescription) -> ReadableSpan:
        return ReadableSpan(
            name=description.name,
            context=_context(SpanPlace(description.trace_id, description.span_id), is_remote=False),
            parent=_context(description.parent, is_remote=True) if description.parent else None,
            links=(Link(_context(description.link, is_remote=True)),) if description.link else (),
            resource=self._resource,
            attributes=description.attributes,
            kind=SpanKind.CLIENT,
            status=Status(StatusCode.ERROR, description.error) if description.error else Status(),
            start_time=description.start_ns,
            end_time=description.end_ns,
            instrumentation_scope=self._scope,
        )


def _context(place: SpanPlace, *, is_remote: bool) -> SpanContext:
    return SpanContext(
        trace_id=int(place.trace_id, 16),
        span_id=int(place.span_id, 16),
        is_remote=is_remote,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
