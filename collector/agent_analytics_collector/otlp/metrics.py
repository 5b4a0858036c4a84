"""Data points → rows of `raw_otel_metrics`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)

from agent_analytics_collector.otlp.check import NO_VALUE, Point
from agent_analytics_collector.otlp.origin import Origin
from agent_analytics_collector.otlp.record_key import record_key
from agent_analytics_collector.otlp.values import Json, attributes, encode
from agent_analytics_collector.text_policy import TextPolicy

_TEMPORALITIES: dict[int | None, str] = {
    AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA: "delta",
    AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE: "cumulative",
}

Value: TypeAlias = "int | float | None"


class MetricRows:
    """Makes the rows of one metric's points."""

    def __init__(self, metric: Metric, kind: str, origin: Origin, policy: TextPolicy) -> None:
        data = getattr(metric, kind)
        self._name, self._unit, self._kind = metric.name, metric.unit, kind
        self._temporality = _TEMPORALITIES.get(getattr(data, "aggregation_temporality", None))
        self._monotonic = data.is_monotonic if kind == "sum" else None
        self._read = _READERS[kind]
        self._origin, self._policy = origin, policy

    def row(self, point: Point) -> tuple[object, ...]:
        """One row, in the order of `columns.METRICS`; the value of a histogram is its sum."""
        origin = self._origin
        found = attributes(point.attributes)
        encoded = encode(found)
        time, start = point.time_unix_nano, point.start_time_unix_nano
        value, histogram = (None, None) if point.flags & NO_VALUE else self._read(point)
        buckets = None if histogram is None else encode(histogram)
        key = record_key(
            origin.digest,
            encoded,
            (
                self._name,
                self._unit,
                self._kind,
                self._temporality,
                self._monotonic,
                time,
                start,
                value,
                None if buckets is None else buckets.decode(),
            ),
        )
        return (
            time // 1000 or start // 1000 or origin.created_at,
            origin.developer_id(found),
            self._name or None,
            None if value is None else float(value),
            self._policy.attributes(found, encoded),
            origin.created_at,
            start // 1000 or None,
            self._kind,
            self._temporality,
            self._monotonic,
            self._unit or None,
            buckets,
            origin.resource_attributes,
            origin.service_name,
            origin.scope_name,
            origin.scope_version,
            origin.session_id(found),
            key,
        )


def _number(point: NumberDataPoint) -> tuple[Value, Json]:
    # A non-zero double is by far the commonest: Claude Code 2.1.330 sends doubles alone.
    value = point.as_double
    if value:
        return value, None
    kind = point.WhichOneof("value")
    return (getattr(point, kind) if kind else None), None


def _extremes(point: HistogramDataPoint | ExponentialHistogramDataPoint) -> dict[str, Json]:
    return {
        "count": point.count,
        "sum": point.sum if point.HasField("sum") else None,
        "min": point.min if point.HasField("min") else None,
        "max": point.max if point.HasField("max") else None,
    }


def _histogram(point: HistogramDataPoint) -> tuple[Value, Json]:
    found = _extremes(point)
    found["bounds"] = [*point.explicit_bounds]
    found["counts"] = [*point.bucket_counts]
    return (point.sum if point.HasField("sum") else None), found


def _exponential_histogram(point: ExponentialHistogramDataPoint) -> tuple[Value, Json]:
    found = _extremes(point)
    found["scale"] = point.scale
    found["zero_count"] = point.zero_count
    found["zero_threshold"] = point.zero_threshold
    for name in ("positive", "negative"):
        buckets = getattr(point, name)
        found[name] = {"offset": buckets.offset, "counts": [*buckets.bucket_counts]}
    return (point.sum if point.HasField("sum") else None), found


def _summary(point: SummaryDataPoint) -> tuple[Value, Json]:
    quantiles: list[Json] = [
        {"quantile": pair.quantile, "value": pair.value} for pair in point.quantile_values
    ]
    return point.sum, {"count": point.count, "sum": point.sum, "quantiles": quantiles}


_READERS: dict[str, Callable[[Any], tuple[Value, Json]]] = {
    "gauge": _number,
    "sum": _number,
    "histogram": _histogram,
    "exponential_histogram": _exponential_histogram,
    "summary": _summary,
}
