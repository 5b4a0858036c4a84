"""Receiver and loader agree on what cannot be stored."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.otlp.check import check
from agent_analytics_collector.otlp.messages import Request

from .recordings import TIME, attribute, decoded, envelope, log, logs, metric, metrics, rows

TOO_LATE = 2**63
NO_VALUE = 1
GOOD: dict[str, dict[str, Any]] = {
    "gauge": {"as_double": 1.5},
    "sum": {"as_int": 2},
    "histogram": {"count": 1, "sum": 2.0, "min": 1, "max": 2, "bucket_counts": [1, 0]},
    "exponential_histogram": {"count": 1, "sum": 2.0, "zero_count": 0},
    "summary": {"count": 1, "sum": 2.0, "quantile_values": [{"quantile": 0.5, "value": 1.0}]},
}


def points(kind: str, *found: dict[str, Any]) -> ExportMetricsServiceRequest:
    made = [{"time_unix_nano": TIME, **point} for point in found]
    return metrics(metric("some.metric", kind, *made))


def rejected(signal: Signal, message: Request) -> int:
    """Rejected records, the same by both."""
    checked = check(signal, message)
    batch = decoded(envelope(message))
    assert (checked.records, checked.rejected) == (batch.records, batch.rejected)
    assert len(rows(batch, signal)) == checked.records - checked.rejected
    assert (checked.reason is None) == (checked.rejected == 0)
    return checked.rejected


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        *((kind, {name: TOO_LATE}) for kind in GOOD for name in ("time_unix_nano",
                                                                 "start_time_unix_nano")),
        *(("gauge", {"as_double": bad}) for bad in (math.nan, math.inf, -math.inf)),
        *(("histogram", {name: math.nan}) for name in ("sum", "min", "max")),
        ("histogram", {"explicit_bounds": [1.0, math.inf]}),
        ("histogram", {"count": 2**64 - 1}),
        ("histogram", {"bucket_counts": [1, TOO_LATE]}),
        *(("exponential_histogram", {name: math.inf})
          for name in ("sum", "min", "max", "zero_threshold")),
        ("exponential_histogram", {"count": TOO_LATE}),
        ("exponential_histogram", {"zero_count": TOO_LATE}),
        ("exponential_histogram", {"positive": {"bucket_counts": [TOO_LATE]}}),
        ("exponential_histogram", {"negative": {"bucket_counts": [TOO_LATE]}}),
        ("summary", {"count": TOO_LATE}),
        ("summary", {"sum": math.nan}),
        ("summary", {"quantile_values": [{"quantile": 0.5, "value": math.nan}]}),
    ],
)  # fmt: skip
def test_a_bad_point_is_rejected_and_its_neighbours_stay(kind: str, bad: dict[str, Any]) -> None:
    message = points(kind, GOOD[kind], GOOD[kind] | bad, GOOD[kind])
    assert rejected(Signal.METRICS, message) == 1


@pytest.mark.parametrize(
    ("kind", "point"),
    [
        *GOOD.items(),
        *(("gauge", {"as_double": value}) for value in (-0.0, 5e-324, -1e308)),
        *(("sum", {"as_int": value}) for value in (-1, 2**63 - 1, -(2**63))),
        ("sum", {}),
        ("gauge", {"as_double": math.nan, "flags": NO_VALUE}),
        ("histogram", {}),
        ("histogram", {"count": 3, "bucket_counts": [1], "explicit_bounds": [1.0, 2.0, 3.0]}),
        ("sum", {"time_unix_nano": 2**63 - 1}),
    ],
)
def test_an_odd_point_is_stored(kind: str, point: dict[str, Any]) -> None:
    assert rejected(Signal.METRICS, points(kind, point)) == 0


def test_a_metric_without_data_has_no_records() -> None:
    assert check(Signal.METRICS, metrics(Metric(name="empty"))).records == 0


def test_a_late_log_record_is_rejected_by_either_time() -> None:
    message = logs(
        log(), log(time_unix_nano=TOO_LATE), log(observed_time_unix_nano=2**64 - 1), log()
    )
    assert rejected(Signal.LOGS, message) == 2
    assert check(Signal.LOGS, message).reason == (
        "2 of 4 logs records cannot be stored; of the first, a time is above 2^63-1 ns."
    )


def test_a_late_span_is_rejected_also_for_the_time_of_an_event() -> None:
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    scope.spans.add(name="good", start_time_unix_nano=TIME)
    scope.spans.add(name="start", start_time_unix_nano=TOO_LATE)
    scope.spans.add(name="end", end_time_unix_nano=TOO_LATE)
    scope.spans.add(name="event").events.add(time_unix_nano=TOO_LATE)
    assert rejected(Signal.TRACES, message) == 3


def test_of_a_rejected_record_only_names_and_times_are_kept() -> None:
    record = log({"prompt": "my secret"}, time_unix_nano=TOO_LATE, event_name="spoke")
    bad = points("gauge", {"as_double": math.nan, "attributes": [attribute("model", "opus")]})
    batch = decoded(envelope(logs(record)), envelope(bad))
    table = batch.rejected_table()
    assert table is not None
    first, second = table.to_pylist()
    assert (first["signal"], first["reason"]) == ("logs", "a time is above 2^63-1 ns")
    assert json.loads(first["record"]) == {
        "name": "spoke",
        "time_unix_nano": TOO_LATE,
        "observed_time_unix_nano": 0,
        "attributes": ["prompt"],
    }
    assert json.loads(second["record"])["name"] == "some.metric"
    assert json.loads(second["record"])["attributes"] == ["model"]
