"""Telemetry as Claude Code 2.1.330 sends it, with values that no recording has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from tests.dbt.warehouse import RECEIVED_AT

Value = str | int | float | bool


def at(moment: str) -> datetime:
    """`2026-11-22 03:00:00`, UTC."""
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


def nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000) * 10**6


def pairs(attributes: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_any_value(value)) for key, value in attributes.items()]


def _any_value(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return (
        AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=value)
    )


def event(
    name: str, when: str, session: str = "s", received_at: datetime = RECEIVED_AT, **more: Value
) -> Envelope:
    """A request with one event; `__` in a name stands for a dot."""
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    scope.scope.name, scope.scope.version = "com.anthropic.claude_code.events", "2.1.330"
    record = scope.log_records.add(time_unix_nano=nanoseconds(at(when)))
    record.body.string_value = f"claude_code.{name}"
    attributes: dict[str, Value] = {
        "event.name": name, "session.id": session, "user.id": "u",
    }  # fmt: skip
    attributes |= {key.replace("__", "."): value for key, value in more.items()}
    record.attributes.extend(pairs(attributes))
    return _envelope(Signal.LOGS, request.SerializeToString(), received_at)


def api_request(
    request_id: str, model: str, when: str = "2026-11-22 03:00:00", **more: Value
) -> Envelope:
    """An answered request that reports no cost, so that the computed one counts."""
    attributes: dict[str, Value] = {"request_id": request_id, "model": model, "query_source": "sdk"}
    received_at = more.pop("received_at", None)
    session = str(more.pop("session", "s"))
    return event(
        "api_request",
        when,
        session,
        at(str(received_at)) if received_at else RECEIVED_AT,
        **(attributes | more),
    )


def counter(
    name: str,
    points: Iterable[tuple[str, float, Mapping[str, Value]]],
    session: str = "s",
    process: str | None = None,
) -> Envelope:
    """A request with points (time, value, attributes) of one metric.

    They are deltas, or where a process is named the sums of what it counted so far.
    """
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    scope = resource.scope_metrics.add()
    scope.scope.name = "com.anthropic.claude_code"
    metric = scope.metrics.add(name=f"claude_code.{name}")
    metric.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    if process is not None:
        resource.resource.attributes.extend(pairs({"service.instance.id": process}))
        metric.sum.aggregation_temporality = (
            AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
        )
    metric.sum.is_monotonic = True
    for when, value, attributes in points:
        point = metric.sum.data_points.add(time_unix_nano=nanoseconds(at(when)), as_double=value)
        point.attributes.extend(pairs({"session.id": session, "user.id": "u", **attributes}))
    return _envelope(Signal.METRICS, request.SerializeToString(), RECEIVED_AT)


def _envelope(signal: Signal, body: bytes, received_at: datetime) -> Envelope:
    headers = {"x-developer-id": "dev_abc"}
    return Envelope(signal, Encoding.PROTOBUF, body, nanoseconds(received_at), headers)
