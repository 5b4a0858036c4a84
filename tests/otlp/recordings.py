"""The recorded requests of all agents, and small requests made by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.line_hashes import LineHasher
from agent_analytics_collector.otlp.check import points
from agent_analytics_collector.otlp.messages import Request
from agent_analytics_collector.warehouse.batch import RawBatch

RECEIVED = 1_764_000_000_000_000_000
"""2025-11-24T16:00:00Z, when every request of the tests arrives."""

TIME = 1_763_000_000_000_000_000

TABLE = {
    Signal.LOGS: "raw_otel_logs",
    Signal.METRICS: "raw_otel_metrics",
    Signal.TRACES: "raw_otel_spans",
}


def recorded(fixtures: Path) -> Iterator[Envelope]:
    """Every recorded request of every agent."""
    for path in sorted(fixtures.glob("*/*/[0-9]*-*")):
        signal = Signal(path.name.split("-")[1].split(".")[0])
        encoding = Encoding.JSON if path.name.endswith(".otlp.json") else Encoding.PROTOBUF
        yield Envelope(signal, encoding, path.read_bytes(), RECEIVED)


def envelope(message: Request, headers: dict[str, str] | None = None) -> Envelope:
    signal = {
        ExportLogsServiceRequest: Signal.LOGS,
        ExportMetricsServiceRequest: Signal.METRICS,
        ExportTraceServiceRequest: Signal.TRACES,
    }[type(message)]
    body = message.SerializeToString()
    return Envelope(signal, Encoding.PROTOBUF, body, RECEIVED, headers or {})


def decoded(
    *envelopes: Envelope, include_text: bool = False, hasher: LineHasher | None = None
) -> RawBatch:
    batch = RawBatch(include_text=include_text, hasher=hasher)
    for one in envelopes:
        batch.add(one)
    return batch


def rows(batch: RawBatch, signal: Signal = Signal.LOGS) -> list[dict[str, Any]]:
    table = batch.tables().get(TABLE[signal])
    return [] if table is None else list(table.to_pylist())


def count(message: Request) -> int:
    """Records of a request, counted without the code under test."""
    if isinstance(message, ExportLogsServiceRequest):
        return sum(len(s.log_records) for r in message.resource_logs for s in r.scope_logs)
    if isinstance(message, ExportTraceServiceRequest):
        return sum(len(s.spans) for r in message.resource_spans for s in r.scope_spans)
    return sum(
        len(points(m)[1])
        for r in message.resource_metrics
        for s in r.scope_metrics
        for m in s.metrics
    )


def attribute(name: str, value: object) -> KeyValue:
    if isinstance(value, AnyValue):
        return KeyValue(key=name, value=value)
    if isinstance(value, bool):
        return KeyValue(key=name, value=AnyValue(bool_value=value))
    if isinstance(value, int):
        return KeyValue(key=name, value=AnyValue(int_value=value))
    if isinstance(value, float):
        return KeyValue(key=name, value=AnyValue(double_value=value))
    return KeyValue(key=name, value=AnyValue(string_value=str(value)))


def text(value: str) -> AnyValue:
    return AnyValue(string_value=value)


def array(*values: AnyValue) -> AnyValue:
    return AnyValue(array_value=ArrayValue(values=values))


def mapping(name: str, value: AnyValue) -> AnyValue:
    return AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key=name, value=value)]))


def log(attributes: Mapping[str, object] | None = None, **fields: Any) -> LogRecord:
    fields.setdefault("time_unix_nano", TIME)
    pairs = [attribute(name, value) for name, value in (attributes or {}).items()]
    return LogRecord(attributes=pairs, **fields)


def logs(*records: LogRecord, resource: Mapping[str, object] | None = None) -> Any:
    """A request with these records, under one resource and one scope."""
    message = ExportLogsServiceRequest()
    group = message.resource_logs.add()
    group.resource.attributes.extend(attribute(n, v) for n, v in (resource or {}).items())
    group.scope_logs.add(log_records=records)
    return message


def metric(name: str, kind: str, *points: dict[str, Any], **data: Any) -> Metric:
    """A metric whose data is of the kind; `data` are fields beside its points."""
    filled: Any = {"data_points": points, **data}
    return Metric(name=name, **{kind: filled})


def metrics(*found: Metric) -> ExportMetricsServiceRequest:
    """A request with these metrics, under one resource and one scope."""
    message = ExportMetricsServiceRequest()
    message.resource_metrics.add().scope_metrics.add(metrics=found)
    return message


def texts(table: pa.Table) -> str:
    """All that a table holds, as one text."""
    return "\n".join(str(row) for row in table.to_pylist())
