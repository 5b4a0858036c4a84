"""Bytes of a request → OTLP message, repairing what protobuf would refuse whole."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agent_analytics_collector.envelope import Encoding, Signal
from agent_analytics_collector.errors import Undecodable
from agent_analytics_collector.otlp import json_dialect, repair

Request = ExportLogsServiceRequest | ExportMetricsServiceRequest | ExportTraceServiceRequest

REQUESTS: MappingProxyType[Signal, type[Request]] = MappingProxyType(
    {
        Signal.LOGS: ExportLogsServiceRequest,
        Signal.METRICS: ExportMetricsServiceRequest,
        Signal.TRACES: ExportTraceServiceRequest,
    }
)

_FIRST_FIELD = {
    Signal.LOGS: "resourceLogs",
    Signal.METRICS: "resourceMetrics",
    Signal.TRACES: "resourceSpans",
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A request's message; `repaired_strings` of its strings were no valid UTF-8."""

    message: Request
    repaired_strings: int


def parse(signal: Signal, encoding: Encoding, body: bytes) -> Parsed:
    """The message of a request body. Raises Undecodable when it is no OTLP of that signal."""
    kind = REQUESTS[signal]
    if encoding is Encoding.JSON:
        return Parsed(*json_dialect.parse(kind, body))
    try:
        return Parsed(kind.FromString(body), 0)
    except DecodeError:
        return Parsed(*repair.parse(kind, body))


def sniff_signal(encoding: Encoding, body: bytes) -> Signal:
    """The signal of a request that came without a path; an empty one passes as logs.

    Raises Undecodable when it cannot be told.
    """
    if not body:
        return Signal.LOGS
    if encoding is Encoding.JSON:
        document, _ = json_dialect.load(body)
        for signal, name in _FIRST_FIELD.items():
            if name in document:
                return signal
        if not document:
            return Signal.LOGS
    else:
        # The three requests differ only in their records, and any of them parses as the
        # others with fields unset: so ask for what only a record of that signal has.
        for signal in (Signal.TRACES, Signal.METRICS, Signal.LOGS):
            try:
                message = parse(signal, encoding, body).message
            except Undecodable:
                continue
            if _has_own_record(message):
                return signal
    raise Undecodable(
        "The request does not say which signal it carries. "
        "Send it to /v1/logs, /v1/metrics or /v1/traces."
    )


def _has_own_record(message: Request) -> bool:
    if isinstance(message, ExportTraceServiceRequest):
        return any(
            len(span.trace_id) == 16 and len(span.span_id) == 8 and span.start_time_unix_nano
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        )
    if isinstance(message, ExportMetricsServiceRequest):
        return any(
            metric.name and metric.WhichOneof("data")
            for group in message.resource_metrics
            for scoped in group.scope_metrics
            for metric in scoped.metrics
        )
    return any(
        record.time_unix_nano or record.observed_time_unix_nano or record.HasField("body")
        for entry in message.resource_logs
        for part in entry.scope_logs
        for record in part.log_records
    )
