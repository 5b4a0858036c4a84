"""The real OpenTelemetry SDK as the sender, with shapes that the recordings do not have."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcMetrics,
)
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter as HttpMetrics,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, UpDownCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Link, SpanKind, StatusCode, set_span_in_context

from agent_analytics_collector.home import Home

from .conftest import Collector, StartUp, cli, query

pytestmark = pytest.mark.slow

Attributes = dict[str, Any]
Sessions = Mapping[str, Sequence[tuple[Attributes, int]]]
"""Events of each session: attributes and time in ns since 1970."""

SCOPE = "com.anthropic.claude_code.events"
VERSION = "2.1.330"
CUMULATIVE: dict[type, AggregationTemporality] = dict.fromkeys(
    (Counter, Histogram, UpDownCounter), AggregationTemporality.CUMULATIVE
)
DELTA: dict[type, AggregationTemporality] = CUMULATIVE | dict.fromkeys(
    (Counter, Histogram), AggregationTemporality.DELTA
)


@dataclass(frozen=True)
class Exporters:
    """The SDK's exporters of one transport, gzip, with the headers of our settings."""

    logs: Callable[[], LogRecordExporter]
    spans: Callable[[], SpanExporter]
    metrics: Callable[[dict[type, AggregationTemporality]], MetricExporter]


def over_grpc(collector: Collector) -> Exporters:
    common: dict[str, Any] = {
        "endpoint": collector.grpc, "insecure": True, "compression": grpc.Compression.Gzip,
        "headers": (("x-developer-id", "ada"),),
    }  # fmt: skip
    return Exporters(
        logs=lambda: GrpcLogs(**common),
        spans=lambda: GrpcSpans(**common),
        metrics=lambda wanted: GrpcMetrics(**common, preferred_temporality=wanted),
    )


def over_http(collector: Collector) -> Exporters:
    def common(signal: str) -> dict[str, Any]:
        return {
            "endpoint": f"http://{collector.http}/v1/{signal}", "compression": Compression.Gzip,
            "headers": {"x-developer-id": "ada"},
        }  # fmt: skip

    return Exporters(
        logs=lambda: HttpLogs(**common("logs")),
        spans=lambda: HttpSpans(**common("traces")),
        metrics=lambda wanted: HttpMetrics(**common("metrics"), preferred_temporality=wanted),
    )


TRANSPORTS = {"grpc": over_grpc, "http": over_http}


@pytest.fixture(params=list(TRANSPORTS))
def exporters(request: pytest.FixtureRequest, up: StartUp) -> Exporters:
    return TRANSPORTS[request.param](up())


def resource(session: str, **more: str) -> Resource:
    own = {"service.name": "claude-code", "service.version": VERSION, "project": session} | more
    return Resource(own)


def send_logs(exporters: Exporters, sessions: Sessions) -> None:
    """Events of several sessions, each under a resource of its own."""
    for session, events in sessions.items():
        provider = LoggerProvider(resource(session), shutdown_on_exit=False)
        provider.add_log_record_processor(BatchLogRecordProcessor(exporters.logs()))
        logger = provider.get_logger(SCOPE, VERSION)
        for attributes, moment in events:
            logger.emit(
                timestamp=moment,
                observed_timestamp=moment + 5_000_000,
                body=f"claude_code.{attributes['event.name']}",
                attributes={"session.id": session} | attributes,
            )
        assert provider.force_flush(30_000)
        provider.shutdown()


def flush() -> None:
    answer = cli("flush")
    assert answer.returncode == 0, answer.stderr


def moment(ns: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)


def rows(home: Home, sql: str) -> list[dict[str, Any]]:
    """Rows as mappings; JSON columns are decoded."""
    found = query(home.database, f"SELECT to_json(r) FROM ({sql}) AS r")
    return [json.loads(row[0]) for row in found]


def test_events_with_every_kind_of_attribute_arrive_whole(exporters: Exporters, home: Home) -> None:
    now = time.time_ns()
    attributes: Attributes = {
        "event.name": "api_request", "event.sequence": 7, "model": "claude-opus-4-8",
        "café ☕": "naïve 模型 🚀 \u202e", "fast": True, "slow": False, "nothing": 0, "empty": "",
        "ratio": -0.125, "tiny": 5e-324, "large": 2**63 - 1, "least": -(2**63),
        "tags": ("a", "b"), "counts": (1, 2, 3), "switches": (True, False), "none": (),
    }  # fmt: skip
    many = {"s-1": [(attributes, now)], "s-2": [({"event.name": "tool_result"}, now + 1000)]}
    send_logs(exporters, many)
    flush()
    first, second = rows(home, "SELECT * FROM raw_otel_logs ORDER BY timestamp")
    stored = first["attributes"]
    for name, value in attributes.items():
        assert stored[name] == (list(value) if isinstance(value, tuple) else value), name
    assert first["event_name"] == "api_request"
    assert first["body"] == "claude_code.api_request"
    assert (first["session_id"], second["session_id"]) == ("s-1", "s-2")
    assert first["developer_id"] == "ada"
    assert (first["scope_name"], first["scope_version"]) == (SCOPE, VERSION)
    assert first["service_name"] == "claude-code"
    assert first["resource_attributes"]["project"] == "s-1"
    assert second["resource_attributes"]["project"] == "s-2"
    ((time_stored, observed),) = query(
        home.database,
        "SELECT timestamp, observed_timestamp FROM raw_otel_logs WHERE session_id = 's-1'",
    )
    assert time_stored == moment(now)
    assert observed == moment(now + 5_000_000)


def test_an_event_inside_a_span_carries_its_ids_and_one_without_a_time_the_observed_one(
    exporters: Exporters, home: Home
) -> None:
    span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("work")
    provider = LoggerProvider(resource("s"), shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporters.logs()))
    observed = time.time_ns()
    provider.get_logger(SCOPE, VERSION).emit(
        observed_timestamp=observed,
        context=set_span_in_context(span),
        body={"kind": ["map", 1, {"deep": True}]},
        attributes={"conversation.id": "c-9"},
        event_name="claude_code.tool_decision",
    )
    assert provider.force_flush(30_000)
    provider.shutdown()
    flush()
    ((stored, session, name, trace_id, span_id, attributes),) = query(
        home.database,
        "SELECT timestamp, session_id, event_name, trace_id, span_id, attributes "
        "FROM raw_otel_logs",
    )
    assert stored == moment(observed)
    assert (session, name) == ("c-9", "claude_code.tool_decision")
    assert trace_id == f"{span.get_span_context().trace_id:032x}"
    assert span_id == f"{span.get_span_context().span_id:016x}"
    assert json.loads(attributes)["conversation.id"] == "c-9"


@pytest.mark.parametrize("temporality", ["delta", "cumulative"])
def test_sums_gauges_and_both_histograms_arrive_with_their_temporality(
    temporality: str, exporters: Exporters, home: Home
) -> None:
    wanted = DELTA if temporality == "delta" else CUMULATIVE
    reader = PeriodicExportingMetricReader(
        exporters.metrics(wanted), export_interval_millis=float("inf")
    )
    views = [View(instrument_name="wait", aggregation=ExponentialBucketHistogramAggregation())]
    provider = MeterProvider(
        [reader], resource("s-1", **{"session.id": "s-1"}), views=views, shutdown_on_exit=False
    )
    meter = provider.get_meter("com.anthropic.claude_code", VERSION)
    tokens = meter.create_counter("claude_code.token.usage", unit="tokens")
    open_files = meter.create_up_down_counter("open")
    load = meter.create_gauge("load", unit="1")
    size = meter.create_histogram("size", "By", explicit_bucket_boundaries_advisory=[1, 10, 100])
    wait = meter.create_histogram("wait", "ms")
    for turn in (1, 2):
        tokens.add(100 * turn, {"type": "input", "model": "claude-opus-4-8"})
        tokens.add(7 * turn, {"type": "output", "model": "claude-opus-4-8"})
        open_files.add(-3)
        load.set(0.25 * turn)
        size.record(5)
        size.record(1_000)
        wait.record(0)
        wait.record(4.0)
        assert provider.force_flush(30_000)
    provider.shutdown()
    flush()
    points = rows(
        home, "SELECT * FROM raw_otel_metrics ORDER BY metric_name, attributes, timestamp, id"
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for point in points:
        assert point["session_id"] == "s-1"
        assert point["developer_id"] == "ada"
        kind = point["attributes"].get("type")
        found.setdefault(f"{point['metric_name']}{f'/{kind}' if kind else ''}", []).append(point)

    def values(name: str) -> list[float]:
        # `shutdown` exports once more: what has a total shows it again.
        return [point["metric_value"] for point in found[name]][:2]

    cumulative = temporality == "cumulative"
    assert values("claude_code.token.usage/input") == ([100, 300] if cumulative else [100, 200])
    assert values("claude_code.token.usage/output") == ([7, 21] if cumulative else [7, 14])
    assert values("open") == [-3, -6]
    assert values("load") == [0.25, 0.5]
    assert values("size") == ([1005, 2010] if cumulative else [1005, 1005])
    assert values("wait") == ([4, 8] if cumulative else [4, 4])
    sums, sizes, waits = (
        found["claude_code.token.usage/input"], found["size"], found["wait"]
    )  # fmt: skip
    assert {point["temporality"] for point in sums + sizes + waits} == {temporality}
    assert all(point["is_monotonic"] for point in sums)
    assert sums[0]["unit"] == "tokens"
    assert {point["temporality"] for point in found["open"]} == {"cumulative"}
    assert not any(point["is_monotonic"] for point in found["open"])
    assert found["load"][0]["metric_type"] == "gauge"
    times = 2 if cumulative else 1
    assert sizes[1]["metric_type"] == "histogram"
    assert sizes[1]["histogram"] == {
        "count": 2 * times, "sum": 1005 * times, "min": 5, "max": 1000,
        "bounds": [1, 10, 100], "counts": [0, times, 0, times],
    }  # fmt: skip
    buckets = waits[1]["histogram"]
    assert waits[1]["metric_type"] == "exponential_histogram"
    assert (buckets["count"], buckets["zero_count"]) == (2 * times, times)
    assert sum(buckets["positive"]["counts"]) == times
    assert (buckets["min"], buckets["max"], buckets["scale"]) == (0, 4, 20)
    assert all(point["start_timestamp"] < point["timestamp"] for point in sums)


def test_spans_with_events_links_and_errors_arrive_whole(exporters: Exporters, home: Home) -> None:
    provider = TracerProvider(resource=resource("s-1"), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporters.spans()))
    tracer = provider.get_tracer("com.anthropic.claude_code.tracing", VERSION)
    began = time.time_ns() - 10**9
    other = tracer.start_span("other", start_time=began)
    parent = tracer.start_span(
        "claude_code.interaction", start_time=began, kind=SpanKind.SERVER,
        attributes={"session.id": "s-1", "retry": True, "codes": (500, 529)},
    )  # fmt: skip
    child = tracer.start_span(
        "claude_code.llm_request", set_span_in_context(parent), SpanKind.CLIENT,
        links=[Link(other.get_span_context(), {"why": "fork"})], start_time=began + 1000,
    )  # fmt: skip
    child.add_event("gen_ai.retry", {"attempt": 2}, timestamp=began + 2000)
    child.set_status(StatusCode.ERROR, "overloaded")
    child.end(began + 3000)
    parent.set_status(StatusCode.OK)
    parent.end(began + 4000)
    other.end(began + 5000)
    provider.shutdown()
    flush()
    spans = {row["name"]: row for row in rows(home, "SELECT * FROM raw_otel_spans")}
    assert set(spans) == {"other", "claude_code.interaction", "claude_code.llm_request"}
    outer, inner = spans["claude_code.interaction"], spans["claude_code.llm_request"]
    assert outer["session_id"] == "s-1"
    assert outer["attributes"] == {"session.id": "s-1", "retry": True, "codes": [500, 529]}
    assert (outer["kind"], inner["kind"]) == ("server", "client")
    assert (outer["status"], inner["status"]) == ("ok", "error")
    assert inner["trace_id"] == outer["trace_id"]
    assert inner["parent_span_id"] == outer["span_id"]
    assert outer["parent_span_id"] is None
    (event,) = inner["events"]
    assert (event["name"], event["attributes"]) == ("gen_ai.retry", {"attempt": 2})
    assert datetime.fromisoformat(event["timestamp"]) == moment(began + 2000)
    (link,) = inner["links"]
    assert link["span_id"] == spans["other"]["span_id"]
    assert link["attributes"] == {"why": "fork"}
    ((first, last),) = query(
        home.database,
        "SELECT timestamp, end_timestamp FROM raw_otel_spans "
        "WHERE name = 'claude_code.llm_request'",
    )
    assert (first, last) == (moment(began + 1000), moment(began + 3000))


def api_request(request_id: str, model: str, **more: Any) -> Attributes:
    return {
        "event.name": "api_request", "request_id": request_id, "model": model,
        "user.id": "0" * 64, "input_tokens": 1000, "output_tokens": 100,
        "cache_read_tokens": 20_000, "cache_creation_tokens": 0, "duration_ms": 1234,
    } | more  # fmt: skip


def marts(home: Home, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.current_marts.resolve()), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def sent_requests(now: int) -> Sessions:
    one_hour = {
        "cache_creation_tokens": 3000, "cache_creation_5m_tokens": 1000,
        "cache_creation_1h_tokens": 2000,
    }  # fmt: skip
    return {
        "s-1": [
            (api_request("r-reported", "claude-opus-4-8", cost_usd=0.1234, **one_hour), now),
            (api_request("r-micros", "claude-opus-4-8", cost_usd=0.9, cost_usd_micros=42), now + 1),
            (api_request("r-computed", "claude-opus-4-8[1m]", **one_hour), now + 2),
            (api_request("r-text", "claude-opus-4-8", input_tokens="1000"), now + 3),
        ],
        "s-2": [
            (api_request("r-unknown", "modèle-inconnu-9 🚀"), now + 4),
            (api_request("r-reported", "claude-opus-4-8", cost_usd=0.1234, **one_hour), now),
        ],
    }


def test_requests_from_the_sdk_cost_what_they_should(home: Home, up: StartUp) -> None:
    collector, sent = up(), sent_requests(time.time_ns())
    for exporters in (over_grpc(collector), over_http(collector)):  # the second changes nothing
        send_logs(exporters, sent)
    flush()
    transformed = cli("transform")
    assert transformed.returncode == 0, transformed.stderr
    ((price_in, read, write_5m, write_1h, out),) = query(
        home.database,
        "SELECT input, cache_read, cache_write_5m, cache_write_1h, output "
        "FROM intermediate.int_prices_by_period WHERE model = 'claude-opus-4-8' "
        "AND service_tier = 'standard' AND tier_from_tokens = 0 AND seen_to IS NULL",
    )
    base = 1000 * price_in + 20_000 * read + 100 * out
    cached = base + 1000 * write_5m + 2000 * write_1h
    found = {
        row[0]: row[1:]
        for row in marts(
            home,
            "SELECT split_part(request_key, ':', 2), model, cost_source, cost_usd, "
            "computed_cost_usd, input_tokens, "
            "cache_write_5m_tokens, cache_write_1h_tokens, total_tokens FROM fct_agent_requests",
        )
    }
    million = Decimal(1_000_000)
    opus, reported = "claude-opus-4-8", "agent_reported"
    assert found == {
        "r-reported": (
            opus, reported, Decimal("0.1234"), cached / million, 1000, 1000, 2000, 24_100
        ),
        "r-micros": (opus, reported, Decimal("0.000042"), base / million, 1000, 0, 0, 21_100),
        "r-computed": (
            opus, "computed", cached / million, cached / million, 1000, 1000, 2000, 24_100
        ),
        "r-text": (opus, "computed", base / million, base / million, 1000, 0, 0, 21_100),
        "r-unknown": ("modèle-inconnu-9 🚀", "unpriced", None, None, 1000, 0, 0, 21_100),
    }  # fmt: skip
    costs = {
        row[0]: row[1:]
        for row in marts(
            home,
            "SELECT cost_source, sum(requests), sum(input_tokens), sum(cost_usd) "
            "FROM fct_agent_costs GROUP BY cost_source",
        )
    }
    assert costs == {
        reported: (2, 2000, Decimal("0.123442")),
        "computed": (2, 2000, (cached + base) / million),
        "unpriced": (1, 1000, None),
    }
