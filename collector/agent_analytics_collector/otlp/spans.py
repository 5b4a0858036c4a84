"""Spans → rows of `raw_otel_spans`."""

from __future__ import annotations

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from agent_analytics_collector.otlp.origin import Origin
from agent_analytics_collector.otlp.record_key import record_key
from agent_analytics_collector.otlp.values import (
    Json,
    attributes,
    encode,
    hex_id,
    iso_time,
)
from agent_analytics_collector.text_policy import TextPolicy

_KINDS = {
    number: name.removeprefix("SPAN_KIND_").lower()
    for name, number in Span.SpanKind.items()
    if number
}
_STATUSES = {Status.STATUS_CODE_OK: "ok", Status.STATUS_CODE_ERROR: "error"}


def span_row(origin: Origin, policy: TextPolicy, span: Span) -> tuple[object, ...]:
    """One row, in the order of `columns.SPANS`; `timestamp` is the start."""
    found = attributes(span.attributes)
    encoded = encode(found)
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    ids = (hex_id(span.trace_id), hex_id(span.span_id), hex_id(span.parent_span_id))
    events: list[dict[str, Json]] = [
        {
            "name": event.name,
            "timestamp": iso_time(event.time_unix_nano),
            "attributes": attributes(event.attributes),
        }
        for event in span.events
    ]
    links: list[dict[str, Json]] = [
        {
            "trace_id": hex_id(link.trace_id),
            "span_id": hex_id(link.span_id),
            "attributes": attributes(link.attributes),
        }
        for link in span.links
    ]
    status = span.status
    key = record_key(
        origin.digest,
        encoded,
        (
            span.name,
            span.kind,
            start,
            end,
            *ids,
            status.code,
            status.message,
            encode([*events]).decode(),
            encode([*links]).decode(),
        ),
    )
    if status.message:
        # OpenTelemetry's own attribute for a status message where there is no field for it.
        found["otel.status_description"] = status.message
        encoded = encode(found)
    return (
        start // 1000 or end // 1000 or origin.created_at,
        end // 1000 or None,
        origin.developer_id(found),
        policy.name(span.name),
        _KINDS.get(span.kind),
        _STATUSES.get(status.code),
        *ids,
        policy.attributes(found, encoded),
        policy.parts(events),
        policy.parts(links),
        origin.resource_attributes,
        origin.service_name,
        origin.scope_name,
        origin.scope_version,
        origin.session_id(found),
        key,
        origin.created_at,
    )
