"""Where every field of OTLP goes: into which columns, or why it is dropped.

Read by people and by a test, which walks the messages and proves this page complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a field's value ends in, as `table.column`."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A field that is not stored, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Nested:
    """A field that holds messages, whose own fields are listed."""


Place: TypeAlias = Columns | Dropped | Nested

_TABLES = ("raw_otel_logs", "raw_otel_metrics", "raw_otel_spans")


def _everywhere(*columns: str) -> Columns:
    return Columns(tuple(f"{table}.{column}" for table in _TABLES for column in columns))


def _logs(*columns: str) -> Columns:
    return Columns(tuple(f"raw_otel_logs.{column}" for column in columns))


def _metrics(*columns: str) -> Columns:
    return Columns(tuple(f"raw_otel_metrics.{column}" for column in columns))


def _spans(*columns: str) -> Columns:
    return Columns(tuple(f"raw_otel_spans.{column}" for column in columns))


_NESTED = Nested()
_SCHEMA = Dropped("names are read as sent; no agent declares a schema")
_COUNT = Dropped("the sender's own loss; no agent reports any")
_EXEMPLAR = Dropped("samples behind a point; no model needs them and they may carry text")
_PROFILES = Dropped("index into a string table that only profiles have")
_FLAGS = Dropped("says whether the trace was sampled, which what arrived always was")
_TRACE_STATE = Dropped("vendors' routing data; no agent sends any")
_ENTITY = Dropped("says which resource attributes identify it; record_key has its own rule")
_POINT = (
    "NumberDataPoint",
    "HistogramDataPoint",
    "ExponentialHistogramDataPoint",
    "SummaryDataPoint",
)
_ATTRIBUTES = ("attributes", "developer_id", "session_id", "record_key")

FIELDS: dict[str, Place] = {
    # Requests, resources and scopes
    "ExportLogsServiceRequest.resource_logs": _NESTED,
    "ExportMetricsServiceRequest.resource_metrics": _NESTED,
    "ExportTraceServiceRequest.resource_spans": _NESTED,
    "ResourceLogs.resource": _NESTED,
    "ResourceLogs.scope_logs": _NESTED,
    "ResourceLogs.schema_url": _SCHEMA,
    "ResourceMetrics.resource": _NESTED,
    "ResourceMetrics.scope_metrics": _NESTED,
    "ResourceMetrics.schema_url": _SCHEMA,
    "ResourceSpans.resource": _NESTED,
    "ResourceSpans.scope_spans": _NESTED,
    "ResourceSpans.schema_url": _SCHEMA,
    "ScopeLogs.scope": _NESTED,
    "ScopeLogs.log_records": _NESTED,
    "ScopeLogs.schema_url": _SCHEMA,
    "ScopeMetrics.scope": _NESTED,
    "ScopeMetrics.metrics": _NESTED,
    "ScopeMetrics.schema_url": _SCHEMA,
    "ScopeSpans.scope": _NESTED,
    "ScopeSpans.spans": _NESTED,
    "ScopeSpans.schema_url": _SCHEMA,
    "Resource.attributes": _everywhere(
        "resource_attributes", "service_name", "developer_id", "session_id", "record_key"
    ),
    "Resource.dropped_attributes_count": _COUNT,
    "Resource.entity_refs": _ENTITY,
    **{
        f"EntityRef.{field}": _ENTITY
        for field in ("schema_url", "type", "id_keys", "description_keys")
    },
    "InstrumentationScope.name": _everywhere("scope_name", "record_key"),
    "InstrumentationScope.version": _everywhere("scope_version", "record_key"),
    "InstrumentationScope.attributes": _everywhere("record_key"),
    "InstrumentationScope.dropped_attributes_count": _COUNT,
    # Attributes and values
    "KeyValue.key": _everywhere("attributes", "resource_attributes"),
    "KeyValue.value": _NESTED,
    "KeyValue.key_strindex": _PROFILES,
    **{
        f"AnyValue.{kind}_value": _everywhere("attributes", "resource_attributes")
        for kind in ("string", "bool", "int", "double", "bytes")
    },
    "AnyValue.array_value": _NESTED,
    "AnyValue.kvlist_value": _NESTED,
    "AnyValue.string_value_strindex": _PROFILES,
    "ArrayValue.values": _NESTED,
    "KeyValueList.values": _NESTED,
    # Logs
    "LogRecord.time_unix_nano": _logs("timestamp", "record_key"),
    "LogRecord.observed_time_unix_nano": _logs("observed_timestamp", "timestamp", "record_key"),
    "LogRecord.severity_number": _logs("severity", "record_key"),
    "LogRecord.severity_text": _logs("severity", "record_key"),
    "LogRecord.body": _logs("body", "record_key"),
    "LogRecord.attributes": _logs(*_ATTRIBUTES, "event_name", "timestamp"),
    "LogRecord.dropped_attributes_count": _COUNT,
    "LogRecord.flags": _FLAGS,
    "LogRecord.trace_id": _logs("trace_id", "record_key"),
    "LogRecord.span_id": _logs("span_id", "record_key"),
    "LogRecord.event_name": _logs("event_name", "record_key"),
    # Metrics
    "Metric.name": _metrics("metric_name", "record_key"),
    "Metric.description": Dropped("prose, the same for every point of a name"),
    "Metric.unit": _metrics("unit", "record_key"),
    "Metric.metadata": Dropped("for translations of other formats; no agent sends any"),
    **{
        f"Metric.{kind}": _NESTED
        for kind in ("gauge", "sum", "histogram", "exponential_histogram", "summary")
    },
    **{
        f"{kind}.data_points": _metrics("metric_type", "record_key")
        for kind in ("Gauge", "Sum", "Histogram", "ExponentialHistogram", "Summary")
    },
    **{
        f"{kind}.aggregation_temporality": _metrics("temporality", "record_key")
        for kind in ("Sum", "Histogram", "ExponentialHistogram")
    },
    "Sum.is_monotonic": _metrics("is_monotonic", "record_key"),
    **{f"{point}.attributes": _metrics(*_ATTRIBUTES) for point in _POINT},
    **{f"{point}.time_unix_nano": _metrics("timestamp", "record_key") for point in _POINT},
    **{
        f"{point}.start_time_unix_nano": _metrics("start_timestamp", "timestamp", "record_key")
        for point in _POINT
    },
    **{f"{point}.flags": _metrics("metric_value", "histogram") for point in _POINT},
    **{f"{point}.exemplars": _EXEMPLAR for point in _POINT[:3]},
    **{f"Exemplar.{field}": _EXEMPLAR for field in ("filtered_attributes", "time_unix_nano")},
    **{f"Exemplar.{field}": _EXEMPLAR for field in ("as_double", "as_int", "span_id", "trace_id")},
    "NumberDataPoint.as_double": _metrics("metric_value", "record_key"),
    "NumberDataPoint.as_int": _metrics("metric_value", "record_key"),
    **{f"{point}.count": _metrics("histogram", "record_key") for point in _POINT[1:]},
    **{f"{point}.sum": _metrics("metric_value", "histogram", "record_key") for point in _POINT[1:]},
    **{
        f"{point}.{field}": _metrics("histogram", "record_key")
        for point in _POINT[1:3]
        for field in ("min", "max")
    },
    "HistogramDataPoint.bucket_counts": _metrics("histogram", "record_key"),
    "HistogramDataPoint.explicit_bounds": _metrics("histogram", "record_key"),
    "ExponentialHistogramDataPoint.scale": _metrics("histogram", "record_key"),
    "ExponentialHistogramDataPoint.zero_count": _metrics("histogram", "record_key"),
    "ExponentialHistogramDataPoint.zero_threshold": _metrics("histogram", "record_key"),
    "ExponentialHistogramDataPoint.positive": _NESTED,
    "ExponentialHistogramDataPoint.negative": _NESTED,
    "ExponentialHistogramDataPoint.Buckets.offset": _metrics("histogram", "record_key"),
    "ExponentialHistogramDataPoint.Buckets.bucket_counts": _metrics("histogram", "record_key"),
    "SummaryDataPoint.quantile_values": _NESTED,
    "SummaryDataPoint.ValueAtQuantile.quantile": _metrics("histogram", "record_key"),
    "SummaryDataPoint.ValueAtQuantile.value": _metrics("histogram", "record_key"),
    # Traces
    "Span.trace_id": _spans("trace_id", "record_key"),
    "Span.span_id": _spans("span_id", "record_key"),
    "Span.trace_state": _TRACE_STATE,
    "Span.parent_span_id": _spans("parent_span_id", "record_key"),
    "Span.flags": _FLAGS,
    "Span.name": _spans("name", "record_key"),
    "Span.kind": _spans("kind", "record_key"),
    "Span.start_time_unix_nano": _spans("timestamp", "record_key"),
    "Span.end_time_unix_nano": _spans("end_timestamp", "timestamp", "record_key"),
    "Span.attributes": _spans(*_ATTRIBUTES),
    "Span.dropped_attributes_count": _COUNT,
    "Span.events": _NESTED,
    "Span.dropped_events_count": _COUNT,
    "Span.links": _NESTED,
    "Span.dropped_links_count": _COUNT,
    "Span.status": _NESTED,
    "Span.Event.time_unix_nano": _spans("events", "record_key"),
    "Span.Event.name": _spans("events", "record_key"),
    "Span.Event.attributes": _spans("events", "record_key"),
    "Span.Event.dropped_attributes_count": _COUNT,
    "Span.Link.trace_id": _spans("links", "record_key"),
    "Span.Link.span_id": _spans("links", "record_key"),
    "Span.Link.trace_state": _TRACE_STATE,
    "Span.Link.attributes": _spans("links", "record_key"),
    "Span.Link.dropped_attributes_count": _COUNT,
    "Span.Link.flags": _FLAGS,
    "Status.message": _spans("attributes", "record_key"),
    "Status.code": _spans("status", "record_key"),
}
