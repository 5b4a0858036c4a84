"""Which records cannot be stored, and why: the one predicate of receiver and loader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeAlias

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    DataPointFlags,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agent_analytics_collector.envelope import Signal

Request: TypeAlias = (
    ExportLogsServiceRequest | ExportMetricsServiceRequest | ExportTraceServiceRequest
)
Point: TypeAlias = (
    NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint | SummaryDataPoint
)

LARGEST = 2**63 - 1
"""Of every integer: DuckDB's BIGINT; as nanoseconds since 1970 it is the year 2262."""

NO_VALUE = DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK

LATE = "a time is above 2^63-1 ns"
NOT_FINITE = "a value is NaN or infinite"
TOO_MANY = "a count is above 2^63-1"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a request brought: `rejected` of `records` cannot be stored.

    `reason` is a sentence about the first that was rejected; None when none was.
    """

    records: int
    rejected: int
    reason: str | None


def check(signal: Signal, message: Request) -> Checked:
    """Count a request's records and those that cannot be stored.

    On the acknowledging path, so it looks only at what can be bad.
    """
    records = 0
    faults: list[str] = []
    for found, fault_of in _records(message):
        records += len(found)
        # filter and map, because a loop in Python takes half as long again.
        faults += filter(None, map(fault_of, found))
    if not faults:
        return Checked(records, 0, None)
    which = f"{len(faults)} of {records} {signal} records cannot be stored"
    return Checked(records, len(faults), f"{which}; of the first, {faults[0]}.")


def _records(message: Request) -> Iterator[tuple[Sequence[Any], Callable[[Any], str | None]]]:
    """The records of a request, in groups with the predicate for them."""
    if isinstance(message, ExportLogsServiceRequest):
        for resource in message.resource_logs:
            for scope in resource.scope_logs:
                yield scope.log_records, log_fault
    elif isinstance(message, ExportMetricsServiceRequest):
        for group in message.resource_metrics:
            for scoped in group.scope_metrics:
                for metric in scoped.metrics:
                    kind, found = points(metric)
                    if kind is not None:
                        yield found, POINT_FAULTS[kind]
    else:
        for entry in message.resource_spans:
            for part in entry.scope_spans:
                yield part.spans, span_fault


def points(metric: Metric) -> tuple[str | None, Sequence[Point]]:
    """The kind of a metric's data (the name of its field, None without data) and its points."""
    kind = metric.WhichOneof("data")
    return kind, getattr(metric, kind).data_points if kind else ()


def log_fault(record: LogRecord) -> str | None:
    """Why the log record cannot be stored; None when it can."""
    if record.time_unix_nano > LARGEST or record.observed_time_unix_nano > LARGEST:
        return LATE
    return None


def span_fault(span: Span) -> str | None:
    """Why the span cannot be stored; None when it can."""
    if span.start_time_unix_nano > LARGEST or span.end_time_unix_nano > LARGEST:
        return LATE
    if any(event.time_unix_nano > LARGEST for event in span.events):
        return LATE
    return None


def number_fault(point: NumberDataPoint) -> str | None:
    """Why the point of a sum or gauge cannot be stored; None when it can."""
    if point.time_unix_nano > LARGEST or point.start_time_unix_nano > LARGEST:
        return LATE
    if not isfinite(point.as_double) and not point.flags & NO_VALUE:
        return NOT_FINITE
    return None


def histogram_fault(point: HistogramDataPoint) -> str | None:
    """Why the point of a histogram cannot be stored; None when it can."""
    if point.time_unix_nano > LARGEST or point.start_time_unix_nano > LARGEST:
        return LATE
    if point.flags & NO_VALUE:
        return None
    if point.count > LARGEST or max(point.bucket_counts, default=0) > LARGEST:
        return TOO_MANY
    if not all(map(isfinite, (point.sum, point.min, point.max, *point.explicit_bounds))):
        return NOT_FINITE
    return None


def exponential_histogram_fault(point: ExponentialHistogramDataPoint) -> str | None:
    """Why the point of an exponential histogram cannot be stored; None when it can."""
    if point.time_unix_nano > LARGEST or point.start_time_unix_nano > LARGEST:
        return LATE
    if point.flags & NO_VALUE:
        return None
    counts = (
        point.count,
        point.zero_count,
        *point.positive.bucket_counts,
        *point.negative.bucket_counts,
    )
    if max(counts) > LARGEST:
        return TOO_MANY
    if not all(map(isfinite, (point.sum, point.min, point.max, point.zero_threshold))):
        return NOT_FINITE
    return None


def summary_fault(point: SummaryDataPoint) -> str | None:
    """Why the point of a summary cannot be stored; None when it can."""
    if point.time_unix_nano > LARGEST or point.start_time_unix_nano > LARGEST:
        return LATE
    if point.flags & NO_VALUE:
        return None
    if point.count > LARGEST:
        return TOO_MANY
    quantiles = (number for pair in point.quantile_values for number in (pair.quantile, pair.value))
    if not isfinite(point.sum) or not all(map(isfinite, quantiles)):
        return NOT_FINITE
    return None


POINT_FAULTS: dict[str, Callable[[Any], str | None]] = {
    "gauge": number_fault,
    "sum": number_fault,
    "histogram": histogram_fault,
    "exponential_histogram": exponential_histogram_fault,
    "summary": summary_fault,
}
