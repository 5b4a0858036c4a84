"""Log records → rows of `raw_otel_logs`."""

from __future__ import annotations

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

from agent_analytics_collector.otlp.origin import Origin
from agent_analytics_collector.otlp.record_key import record_key
from agent_analytics_collector.otlp.values import (
    any_value,
    attributes,
    encode,
    hex_id,
    microseconds,
)
from agent_analytics_collector.text_policy import TextPolicy

_SEVERITIES = {
    number: name.removeprefix("SEVERITY_NUMBER_")
    for name, number in SeverityNumber.items()
    if number
}


def log_row(origin: Origin, policy: TextPolicy, record: LogRecord) -> tuple[object, ...]:
    """One row, in the order of `columns.LOGS`.

    `timestamp` falls back to the attribute `event.timestamp`, then to the time of observation,
    because Codex 0.169.0 sends 0.
    """
    found = attributes(record.attributes)
    encoded = encode(found)
    time, observed = record.time_unix_nano, record.observed_time_unix_nano
    trace_id, span_id = hex_id(record.trace_id), hex_id(record.span_id)
    severity_text, severity_number = record.severity_text, record.severity_number
    event_name = record.event_name
    body = any_value(record.body) if record.HasField("body") else None
    key = record_key(
        origin.digest,
        encoded,
        (
            time,
            0 if time else observed,
            severity_number,
            severity_text,
            event_name,
            trace_id,
            span_id,
            body,
        ),
    )
    if time:
        timestamp = time // 1000
    else:
        named = microseconds(found.get("event.timestamp"))
        timestamp = named if named is not None else observed // 1000 or origin.created_at
    attribute_name = found.get("event.name")
    return (
        timestamp,
        origin.developer_id(found),
        policy.name(severity_text) or _SEVERITIES.get(severity_number),
        policy.body(body),
        policy.attributes(found, encoded),
        origin.created_at,
        observed // 1000 or None,
        policy.name(
            attribute_name if attribute_name and type(attribute_name) is str else event_name
        ),
        origin.resource_attributes,
        origin.service_name,
        origin.scope_name,
        origin.scope_version,
        origin.session_id(found),
        trace_id,
        span_id,
        key,
    )
