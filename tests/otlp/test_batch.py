"""From requests to rows: nothing lost, the meaning of each column, keys that hold."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from agent_analytics_collector.envelope import OTLP_SIGNALS, Encoding, Envelope, Signal
from agent_analytics_collector.otlp.check import check
from agent_analytics_collector.otlp.messages import parse
from agent_analytics_collector.warehouse.batch import RawBatch

from .recordings import (
    RECEIVED,
    TABLE,
    TIME,
    array,
    attribute,
    count,
    decoded,
    envelope,
    log,
    logs,
    mapping,
    metric,
    metrics,
    recorded,
    rows,
)

FIXTURES = Path(__file__).parents[1] / "fixtures"


REPEATED = {
    Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
    Signal.METRICS: ("resource_metrics", "scope_metrics", "metrics"),
    Signal.TRACES: ("resource_spans", "scope_spans", "spans"),
}


def moment(time_unix_nano: int) -> datetime:
    return datetime.fromtimestamp(time_unix_nano / 1e9, UTC)


def keys(batch: RawBatch) -> set[UUID]:
    return {row["record_key"] for signal in OTLP_SIGNALS for row in rows(batch, signal)}


def test_every_recording_is_decoded_whole() -> None:
    for one in recorded(FIXTURES):
        batch = decoded(one)
        message = parse(one.signal, one.encoding, one.body).message
        assert batch.records == check(one.signal, message).records == count(message)
        assert batch.rejected == batch.repaired_strings == 0
        assert batch.rejected_table() is None
        assert [*batch.tables()] == [TABLE[one.signal]]


def test_no_two_records_of_any_recording_share_a_key_or_are_identical() -> None:
    batch = decoded(*recorded(FIXTURES))
    assert len(keys(batch)) == batch.records
    for signal in OTLP_SIGNALS:
        content = Counter(
            json.dumps({**row, "record_key": None}, default=str) for row in rows(batch, signal)
        )
        assert max(content.values()) == 1


@pytest.mark.parametrize("signal", OTLP_SIGNALS)
def test_keys_survive_what_a_collector_does(signal: Signal) -> None:
    """It reorders attributes, adds to the resource, splits and merges requests."""
    shuffled = random.Random(7)
    for one in [one for one in recorded(FIXTURES) if one.signal is signal][::3]:
        message = parse(one.signal, one.encoding, one.body).message
        before = keys(decoded(envelope(message)))
        split: list[Any] = []
        for group in message.ListFields()[0][1]:
            have = {pair.key for pair in group.resource.attributes}
            added = {"host.name": "runner", "agent_analytics.developer_id": "eve"}
            group.resource.attributes.extend(
                attribute(name, value) for name, value in added.items() if name not in have
            )
            reorder(group.resource.attributes, shuffled)
            for i in (0, 1):
                half = type(message)()
                split.append(half)
                kept = getattr(half, REPEATED[signal][0]).add()
                kept.CopyFrom(group)
                for scope in getattr(kept, REPEATED[signal][1]):
                    records = getattr(scope, REPEATED[signal][2])
                    chosen = [*records][i::2]
                    del records[:]
                    records.extend(chosen)
                    for record in [*records] if signal is not Signal.METRICS else []:
                        reorder(record.attributes, shuffled)
        shuffled.shuffle(split)
        assert keys(decoded(*map(envelope, split))) == before


def reorder(pairs: Any, shuffled: random.Random) -> None:
    found = [*pairs]
    shuffled.shuffle(found)
    del pairs[:]
    pairs.extend(found)


def test_keys_tell_records_apart_by_every_part() -> None:
    variants = [
        log(),
        log(time_unix_nano=TIME + 1),
        log({"a": 1}),
        log({"a": "1"}),
        log({"a": 1.0}),
        log(body=AnyValue(string_value="b")),
        log(event_name="b"),
        log(severity_text="b"),
        log(severity_number=9),
        log(trace_id=b"t" * 16),
        log(span_id=b"s" * 8),
        log(time_unix_nano=0, observed_time_unix_nano=TIME),
        log(time_unix_nano=0, observed_time_unix_nano=TIME + 1),
    ]
    assert len(keys(decoded(envelope(logs(*variants))))) == len(variants)
    resources: list[dict[str, str]] = [
        {},
        {"service.name": "a"},
        {"service.name": "a", "session.id": "s"},
    ]
    each = [envelope(logs(log(), resource=resource)) for resource in resources]
    assert len(keys(decoded(*each))) == len(resources)


def test_the_time_of_observation_is_no_part_of_a_key_where_there_is_a_time() -> None:
    records = (log(observed_time_unix_nano=TIME), log(observed_time_unix_nano=TIME + 5))
    assert len(keys(decoded(envelope(logs(*records))))) == 1


def test_a_key_is_the_same_with_and_without_text() -> None:
    every = [*recorded(FIXTURES)]
    assert keys(decoded(*every)) == keys(decoded(*every, include_text=True))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"time_unix_nano": TIME, "observed_time_unix_nano": TIME + 10**9}, TIME),
        (
            {"attributes": {"event.timestamp": "2025-11-13T02:13:21.000Z"}, "time_unix_nano": 0},
            TIME + 10**9,
        ),
        (
            {
                "attributes": {"event.timestamp": "yesterday"},
                "time_unix_nano": 0,
                "observed_time_unix_nano": TIME,
            },
            TIME,
        ),
        ({"attributes": {"event.timestamp": 5}, "time_unix_nano": 0}, RECEIVED),
        ({"time_unix_nano": 0}, RECEIVED),
        ({"time_unix_nano": 2**63 - 1}, 2**63 - 1),
    ],
)
def test_the_time_of_a_log_record_falls_back(fields: dict[str, Any], expected: int) -> None:
    row = rows(decoded(envelope(logs(log(fields.pop("attributes", {}), **fields)))))[0]
    assert int(row["timestamp"].timestamp()) == expected // 10**9
    assert row["created_at"] == moment(RECEIVED)
    observed = fields.get("observed_time_unix_nano")
    assert row["observed_timestamp"] == (moment(observed) if observed else None)


@pytest.mark.parametrize(
    ("record", "resource", "expected"),
    [
        ({"session.id": "a", "conversation.id": "b"}, {}, "a"),
        ({"session.id": "", "conversation.id": "b"}, {"session.id": "r"}, "b"),
        ({"gen_ai.conversation.id": "c"}, {"session.id": "r"}, "c"),
        ({}, {"gen_ai.conversation.id": "r"}, "r"),
        ({"session.id": 7}, {}, "7"),
        ({}, {}, None),
    ],
)
def test_the_session_is_the_first_that_is_named(
    record: dict[str, object], resource: dict[str, object], expected: str | None
) -> None:
    assert (
        rows(decoded(envelope(logs(log(record), resource=resource))))[0]["session_id"] == expected
    )


@pytest.mark.parametrize(
    ("header", "resource", "record", "expected"),
    [
        ("h", {"agent_analytics.developer_id": "g", "developer.id": "d"}, {}, "h"),
        ("", {"agent_analytics.developer_id": "g", "developer.id": "d"}, {}, "g"),
        ("", {"agent_analytics.developer_id": "unknown", "developer.id": "d"}, {}, "d"),
        ("", {"agent_analytics.developer_id": ""}, {"developer.id": "r"}, "r"),
        ("", {"developer.id": "d"}, {"developer.id": "r"}, "d"),
        ("", {"installation.id": "i"}, {"user.id": "u"}, "user.id:u"),
        ("", {"user.id": "u"}, {"installation.id": "i"}, "installation.id:i"),
        ("", {"user.id": "u"}, {}, "user.id:u"),
        ("", {}, {}, None),
    ],
)
def test_the_developer_is_the_surest_that_is_named(
    header: str, resource: dict[str, object], record: dict[str, object], expected: str | None
) -> None:
    request = envelope(logs(log(record), resource=resource), {"x-developer-id": header})
    assert rows(decoded(request))[0]["developer_id"] == expected


def test_names_and_severity_of_a_log_record() -> None:
    message = logs(
        log({"event.name": "a"}, event_name="b", severity_number=9),
        log(event_name="b", severity_text="warn", severity_number=9),
        log(severity_number=99),
    )
    found = rows(decoded(envelope(message)))
    assert [row["event_name"] for row in found] == ["a", "b", None]
    assert [row["severity"] for row in found] == ["INFO", "warn", None]


def test_points_of_every_kind() -> None:
    at = {"time_unix_nano": TIME}
    costs = metric(
        "s",
        "sum",
        {**at, "as_int": 3, "start_time_unix_nano": TIME - 10**9},
        {"start_time_unix_nano": TIME, "as_double": 0.0},
        {"flags": 1, "as_double": 4.0},
        {},
        aggregation_temporality=1,
        is_monotonic=True,
    )
    costs.unit = "USD"
    buckets = {"bucket_counts": [1, 2], "explicit_bounds": [2.0]}
    positive = {"offset": -2, "bucket_counts": [1]}
    message = metrics(
        costs,
        metric(
            "h",
            "histogram",
            {**at, "count": 3, "sum": 6.5, "max": 4, **buckets},
            {**at, "count": 1},
            aggregation_temporality=2,
        ),
        metric(
            "e",
            "exponential_histogram",
            {**at, "count": 2, "sum": 1.0, "scale": 3, "zero_count": 1, "positive": positive},
        ),
        metric(
            "q",
            "summary",
            {**at, "count": 2, "sum": 9.0, "quantile_values": [{"quantile": 0.5, "value": 4.0}]},
        ),
    )
    found = rows(decoded(envelope(message)), Signal.METRICS)
    assert [(row["metric_name"], row["metric_type"], row["metric_value"]) for row in found] == [
        ("s", "sum", 3.0),
        ("s", "sum", 0.0),
        ("s", "sum", None),
        ("s", "sum", None),
        ("h", "histogram", 6.5),
        ("h", "histogram", None),
        ("e", "exponential_histogram", 1.0),
        ("q", "summary", 9.0),
    ]
    first, second, *_, last = found
    assert first["start_timestamp"] == moment(TIME - 10**9)
    assert second["timestamp"] == moment(TIME)
    assert found[2]["timestamp"] == moment(RECEIVED)
    assert (first["unit"], first["temporality"], first["is_monotonic"]) == ("USD", "delta", True)
    assert (found[4]["temporality"], found[4]["is_monotonic"]) == ("cumulative", None)
    assert (last["temporality"], last["unit"]) == (None, None)
    assert [json.loads(row["histogram"] or "null") for row in found[4:]] == [
        {"count": 3, "sum": 6.5, "min": None, "max": 4.0, "bounds": [2.0], "counts": [1, 2]},
        {"count": 1, "sum": None, "min": None, "max": None, "bounds": [], "counts": []},
        {
            "count": 2,
            "sum": 1.0,
            "min": None,
            "max": None,
            "scale": 3,
            "zero_count": 1,
            "zero_threshold": 0.0,
            "positive": {"offset": -2, "counts": [1]},
            "negative": {"offset": 0, "counts": []},
        },
        {"count": 2, "sum": 9.0, "quantiles": [{"quantile": 0.5, "value": 4.0}]},
    ]


def test_a_span_with_all_it_can_have_and_one_with_nothing() -> None:
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    span = scope.spans.add(
        trace_id=b"\xab" * 16,
        span_id=b"\x01" * 8,
        name="chat",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=TIME,
        end_time_unix_nano=TIME + 10**9,
        status=Status(code=Status.STATUS_CODE_ERROR, message="it broke"),
    )
    span.attributes.append(attribute("tokens", 3))
    event = span.events.add(name="retry", time_unix_nano=TIME)
    event.attributes.append(attribute("attempt", 2))
    span.links.add(trace_id=b"\xcd" * 16, span_id=bytes(8))
    scope.spans.add(parent_span_id=bytes(8), status=Status(code=Status.STATUS_CODE_OK))
    full, bare = rows(decoded(envelope(message)), Signal.TRACES)
    assert full["trace_id"] == "ab" * 16
    assert (full["kind"], full["status"], full["name"]) == ("client", "error", "chat")
    assert (full["timestamp"], full["end_timestamp"]) == (moment(TIME), moment(TIME + 10**9))
    assert json.loads(full["attributes"]) == {
        "tokens": 3,
        "agent_analytics.otel.status_description.length": 8,
    }
    assert json.loads(full["events"]) == [
        {"name": "retry", "timestamp": "2025-11-13T02:13:20+00:00", "attributes": {"attempt": 2}}
    ]
    assert json.loads(full["links"]) == [{"trace_id": "cd" * 16, "span_id": None, "attributes": {}}]
    assert bare["timestamp"] == moment(RECEIVED)
    nothing = ("end_timestamp", "name", "kind", "trace_id", "parent_span_id", "events", "links")
    assert [bare[name] for name in nothing] == [None] * len(nothing)
    assert bare["status"] == "ok"


def test_an_undecodable_request_is_one_rejected_record_and_the_rest_is_loaded() -> None:
    broken = Envelope(Signal.METRICS, Encoding.JSON, b'{"resourceMetrics": "my secret"}', RECEIVED)
    batch = decoded(broken, envelope(logs(log())))
    assert (batch.records, batch.rejected) == (2, 1)
    table = batch.rejected_table()
    assert table is not None
    (row,) = table.to_pylist()
    assert row["signal"] == "metrics"
    assert "secret" not in str(row)
    assert json.loads(row["record"]) == {"bytes": len(broken.body)}


def nested(depth: int) -> AnyValue:
    value = AnyValue(string_value="deep")
    for _ in range(depth):
        value = array(value)
    return value


HOSTILE: dict[str, object] = {
    "nul": "a\0b",
    "nul\0name": 1,
    "": "empty name",
    "rtl": "\u202etxt.exe",
    "quote": "'; DROP TABLE raw_otel_logs; --",
    "json": '{"a": [1, "\\ud800"]}',
    "emoji": "🦆" * 200,
    "newlines": "a\r\nb\u2028c",
    "nan": float("nan"),
    "infinity": float("-inf"),
    "largest": 2**63 - 1,
    "smallest": -(2**63),
    "n" * 10_000: "long name",
    "deep": nested(25),
    "nothing": AnyValue(),
    "bytes": AnyValue(bytes_value=b"\x00\xff"),
    "large": "x" * 5_000_000,
}


def test_hostile_values_reach_duckdb_as_they_are() -> None:
    record = log(HOSTILE, body=AnyValue(string_value="body\0with\u202enul"))
    record.attributes.extend([attribute("twice", 1), attribute("twice", 2)])
    many = log({f"name{i}": i for i in range(5_000)})
    table = decoded(envelope(logs(record, many)), include_text=True).tables()["raw_otel_logs"]
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE raw (body VARCHAR, attributes JSON, record_key UUID, timestamp TIMESTAMPTZ)"
    )
    connection.register("new", table)
    connection.execute("INSERT INTO raw SELECT body, attributes, record_key, timestamp FROM new")
    valid = "SELECT bool_and(json_valid(attributes)), max(len(json_keys(attributes))) FROM raw"
    assert connection.execute(valid).fetchone() == (True, 5_000)
    first = connection.execute(
        "SELECT body, attributes->>'nul', attributes->>'rtl', length(attributes->>'large'),"
        " attributes->>'twice', attributes->>'nan', (attributes->>'largest')::BIGINT,"
        " attributes->>'bytes', typeof(record_key), list_contains(json_keys(attributes), '')"
        " FROM raw WHERE body IS NOT NULL"
    ).fetchone()
    assert first == (
        "body\0with\u202enul",
        "a\0b",
        "\u202etxt.exe",
        5_000_000,
        "2",
        None,
        2**63 - 1,
        "AP8=",
        "UUID",
        True,
    )


def test_of_hostile_values_the_policy_keeps_the_short_ones() -> None:
    batch = decoded(envelope(logs(log(HOSTILE))))
    kept = json.loads(rows(batch)[0]["attributes"])
    assert set(HOSTILE) - set(kept) == {"large"}
    assert batch.dropped_attributes == 1


def test_values_of_every_type() -> None:
    values: dict[str, AnyValue] = {
        "text": AnyValue(string_value=""),
        "zero": AnyValue(int_value=0),
        "false": AnyValue(bool_value=False),
        "half": AnyValue(double_value=0.5),
        "list": array(AnyValue(int_value=1), AnyValue()),
        "map": mapping("k", AnyValue(bool_value=True)),
    }
    record = log(values)
    assert json.loads(rows(decoded(envelope(logs(record))))[0]["attributes"]) == {
        "text": "",
        "zero": 0,
        "false": False,
        "half": 0.5,
        "list": [1, None],
        "map": {"k": True},
    }


def test_a_batch_without_records_has_no_tables() -> None:
    batch = decoded(envelope(logs()))
    assert batch.tables() == {}
    assert batch.rejected_table() is None
    assert batch.records == 0
