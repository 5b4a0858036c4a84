"""One absurd record never costs its neighbours: dbt builds whatever values agents may send."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from tests.dbt.agents import AGENTS, CASES, scenario_of, telemetry
from tests.dbt.records import Record, delivered, session_records
from tests.dbt.warehouse import Warehouse, recorded

pytestmark = pytest.mark.slow

TEXTS = ("", "abc", "-5", "1e30", "9" * 40, "NaN", "2026-13-45", "[1]", "x" * 300, "'; drop--")
NUMBERS = (0, -1, 2**62, -(2**63), 999_999_999_999)
TIMES = (0, 1, 10**18, 2**63 - 1)


def spoil(chance: random.Random, pair: KeyValue) -> None:
    """Another value, of another type or size, or another name."""
    kind = chance.randrange(6)
    if kind == 0:
        pair.value.string_value = chance.choice(TEXTS)
    elif kind == 1:
        pair.value.int_value = chance.choice(NUMBERS)
    elif kind == 2:
        pair.value.double_value = chance.choice((0.5, -1.5, 1e300, 1e18))
    elif kind == 3:
        pair.value.Clear()
    elif kind == 4:
        pair.value.array_value.values.add().string_value = "a"
    else:
        names = ("", "session.id", "model", "request_id", "conversation.id", "gen_ai.response.id")
        pair.key = chance.choice(names)


def spoiled(chance: random.Random, envelope: Envelope, share: float) -> Envelope:
    """The request with that share of its attributes, times and values replaced."""

    def hit() -> bool:
        return chance.random() < share

    message: ExportLogsServiceRequest | ExportMetricsServiceRequest | ExportTraceServiceRequest
    if envelope.signal is Signal.LOGS:
        message = ExportLogsServiceRequest.FromString(envelope.body)
        for record in (r for a in message.resource_logs for b in a.scope_logs
                       for r in b.log_records):  # fmt: skip
            for pair in filter(lambda _: hit(), record.attributes):
                spoil(chance, pair)
            if hit():
                record.time_unix_nano = chance.choice(TIMES)
    elif envelope.signal is Signal.TRACES:
        message = ExportTraceServiceRequest.FromString(envelope.body)
        for span in (s for a in message.resource_spans for b in a.scope_spans for s in b.spans):
            for pair in filter(lambda _: hit(), span.attributes):
                spoil(chance, pair)
            if hit():
                span.start_time_unix_nano = chance.choice(TIMES)
            if hit():
                span.end_time_unix_nano = chance.choice(TIMES)
            if hit():
                span.span_id, span.parent_span_id = b"", span.span_id
    else:
        message = ExportMetricsServiceRequest.FromString(envelope.body)
        for metric in (m for a in message.resource_metrics for b in a.scope_metrics
                       for m in b.metrics):  # fmt: skip
            if hit():
                metric.sum.aggregation_temporality = chance.choice((0, 1, 2))  # type: ignore[assignment]
            for point in metric.sum.data_points:
                for pair in filter(lambda _: hit(), point.attributes):
                    spoil(chance, pair)
                if hit():
                    point.as_double = chance.choice((-1.0, 1e300, -1e300, 1e28, 2e9, 5e11))
                    point.start_time_unix_nano = chance.choice(TIMES)
    headers = {} if hit() else envelope.headers
    body = message.SerializeToString()
    return Envelope(envelope.signal, Encoding.PROTOBUF, body, envelope.received_at_ns, headers)


def sendable(fixtures: Path) -> Iterator[Envelope]:
    for scenario in sorted(fixtures.glob("claude/*")):
        for envelope in recorded(scenario):
            if envelope.encoding is Encoding.PROTOBUF and envelope.signal is not Signal.TRACES:
                yield envelope


@pytest.mark.parametrize(("seed", "share"), [(5, 0.1), (7, 0.02), (24, 0.3)])
def test_dbt_builds_whatever_values_the_records_carry(
    tmp_path: Path, fixtures: Path, seed: int, share: float
) -> None:
    chance = random.Random(seed)
    warehouse = Warehouse(tmp_path / "home")
    warehouse.load(spoiled(chance, envelope, share) for envelope in sendable(fixtures))
    warehouse.build()
    (row,) = warehouse.rows("SELECT count(*) FROM marts.fct_agent_requests")
    assert row[0] > 20


def spoiled_record(chance: random.Random, record: Record, share: float) -> Record:
    """The record with that share of its own and its payload's values replaced."""
    odd = (*TEXTS, *NUMBERS, 1e300, True, [1], {"a": None}, None)
    payload = {
        name: chance.choice(odd) if chance.random() < share else value
        for name, value in record["payload"].items()
    }
    own = {
        "kind": ("request", "commit", "unheard_of"), "session_id": ("x", "user's"),
        "timestamp": ("1970-01-01T00:00:00Z", "2262-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"),
        "project_path": TEXTS, "git_branch": TEXTS, "repository": TEXTS,
    }  # fmt: skip
    changed = {k: chance.choice(v) for k, v in own.items() if chance.random() < share / 4}
    return record | {"payload": payload} | changed


@pytest.mark.parametrize(("seed", "share"), [(5, 0.1), (24, 0.3)])
def test_dbt_builds_whatever_session_files_hold(
    tmp_path: Path, fixtures: Path, seed: int, share: float
) -> None:
    """Beside telemetry and alone, some of it twice with other values."""
    chance = random.Random(seed)
    warehouse = Warehouse(tmp_path / "home")
    warehouse.load(sendable(fixtures))
    records = [r for s in sorted(fixtures.glob("claude/*")) for r in session_records(s)]
    for _ in range(2):
        some = [spoiled_record(chance, record, share) for record in records]
        warehouse.load([delivered(Signal.SESSION_RECORDS, some)])
    warehouse.build()
    (row,) = warehouse.rows("SELECT count(*) FROM marts.fct_agent_requests")
    assert row[0] > 60


@pytest.mark.parametrize(("seed", "share"), [(5, 0.1), (24, 0.3)])
def test_dbt_builds_whatever_other_agents_send_and_leave_on_disk(
    tmp_path: Path, seed: int, share: float
) -> None:
    """Codex, Gemini CLI and Copilot CLI, telemetry as protobuf, files twice with other values."""
    chance = random.Random(seed)
    warehouse = Warehouse(tmp_path / "home")
    warehouse.load(
        spoiled(chance, envelope, share)
        for envelope in telemetry()
        if envelope.encoding is Encoding.PROTOBUF
    )
    records = [
        record
        for name, scenario in CASES
        for record in AGENTS[name].session_records(scenario_of(name, scenario))
    ]
    for _ in range(2):
        some = [spoiled_record(chance, record, share) for record in records]
        warehouse.load([delivered(Signal.SESSION_RECORDS, some)])
    warehouse.build()
    rows = warehouse.rows("SELECT agent, count(*) FROM marts.fct_agent_requests GROUP BY 1")
    assert all(count >= 10 for _, count in rows)
    assert {agent for agent, _ in rows} == set(AGENTS)


def test_an_absurd_number_is_unknown_and_the_others_stay(tmp_path: Path, fixtures: Path) -> None:
    warehouse = Warehouse(tmp_path / "home")
    envelopes = [e for e in sendable(fixtures) if e.signal is Signal.LOGS]
    request = ExportLogsServiceRequest.FromString(envelopes[0].body)
    for record in request.resource_logs[0].scope_logs[0].log_records:
        for pair in record.attributes:
            if pair.key in ("cost_usd", "cost_usd_micros", "output_tokens"):
                pair.value.int_value = 2**62
    body = request.SerializeToString()
    spoilt = Envelope(Signal.LOGS, Encoding.PROTOBUF, body, envelopes[0].received_at_ns, {})
    warehouse.load([spoilt, *envelopes[1:]])
    warehouse.build()
    (row,) = warehouse.rows(
        "SELECT count(*), count(*) FILTER (WHERE output_tokens IS NULL), "
        "max(cost_usd) < 1 FROM marts.fct_agent_requests"
    )
    assert row[0] > 20
    assert row[1:] == (1, True)
