"""kill -9 at any instant: every acknowledged record is in DuckDB exactly once."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from uuid import UUID

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.otlp.grpc import SERVICES
from agent_analytics_collector.warehouse.batch import RawBatch
from agent_analytics_collector.warehouse.lock import lock_holder

from .conftest import Collector, StartUp, cli, free_port, query, wait_for

pytestmark = pytest.mark.slow

KILLS = 20
WHILE_OPEN = "while the file is open"
TABLES = {Signal.LOGS: "raw_otel_logs", Signal.METRICS: "raw_otel_metrics"}


@dataclass
class Traffic:
    """Requests of several clients: made, sent, acknowledged, and sent again after a kill."""

    random: random.Random
    acknowledged: dict[int, tuple[Signal, bytes]] = field(default_factory=dict)
    unanswered: deque[tuple[int, Signal, bytes]] = field(default_factory=deque)
    """Sent when the collector died, or sent once too often: to be sent again."""
    made: int = 0
    """Records."""
    resent_acknowledged: int = 0
    _numbers: count[int] = field(default_factory=count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, *, only_again: bool) -> tuple[int, Signal, bytes] | None:
        """A request to be sent; None when only those sent before are wanted and none is left."""
        with self._lock:
            if self.unanswered:
                return self.unanswered.popleft()
            if only_again:
                return None
            number, size = next(self._numbers), self.random.randint(1, 150)
            self.made += size
            signal = Signal.METRICS if number % 3 == 0 else Signal.LOGS
        return number, signal, (points if signal is Signal.METRICS else logs)(number, size)

    def was_answered(self, number: int, signal: Signal, body: bytes) -> None:
        with self._lock:
            self.acknowledged[number] = signal, body

    def was_not(self, number: int, signal: Signal, body: bytes) -> None:
        with self._lock:
            self.unanswered.append((number, signal, body))

    def send_some_again(self) -> None:
        """As a client does that never saw the answer: at least once means sometimes twice."""
        for number in self.random.sample(sorted(self.acknowledged), k=len(self.acknowledged) // 20):
            self.unanswered.append((number, *self.acknowledged[number]))
            self.resent_acknowledged += 1


def logs(number: int, size: int) -> bytes:
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "kill-test"
    records = resource.scope_logs.add().log_records
    now = time.time_ns()
    for index in range(size):
        record = records.add(time_unix_nano=now, observed_time_unix_nano=now)
        record.body.string_value = "claude_code.tool_result"
        record.attributes.add(key="test.record").value.string_value = f"{number}/{index}"
        record.attributes.add(key="session.id").value.string_value = f"session-{number % 7}"
    return request.SerializeToString()


def points(number: int, size: int) -> bytes:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="tokens")
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    now = time.time_ns()
    for index in range(size):
        point = metric.sum.data_points.add(time_unix_nano=now, as_int=index)
        point.attributes.add(key="test.record").value.string_value = f"{number}/{index}"
    return request.SerializeToString()


def send_over_grpc(address: str, traffic: Traffic, end: threading.Event, again: bool) -> None:
    with grpc.insecure_channel(address) as channel:
        methods = {
            signal: channel.unary_unary(f"/{SERVICES[signal]}/Export", bytes, bytes)
            for signal in TABLES
        }
        while not end.is_set() and (request := traffic.next(only_again=again)):
            number, signal, body = request
            try:
                methods[signal](body, timeout=60)
            except grpc.RpcError:
                traffic.was_not(number, signal, body)
                return
            traffic.was_answered(number, signal, body)


def send_over_http(address: str, traffic: Traffic, end: threading.Event, again: bool) -> None:
    headers = {"Content-Type": "application/x-protobuf"}
    with httpx.Client(base_url=f"http://{address}", headers=headers, timeout=60) as client:
        while not end.is_set() and (request := traffic.next(only_again=again)):
            number, signal, body = request
            try:
                answer = client.post(f"/v1/{signal.value}", content=body)
            except httpx.HTTPError:
                traffic.was_not(number, signal, body)
                return
            assert answer.status_code == 200
            traffic.was_answered(number, signal, body)


class Clients:
    """Three exporters over gRPC and two over HTTP, as fast as they may."""

    def __init__(self, collector: Collector, traffic: Traffic, *, only_again: bool = False) -> None:
        self._end = threading.Event()
        wanted = [(send_over_grpc, collector.grpc)] * 3 + [(send_over_http, collector.http)] * 2
        self._threads = [
            threading.Thread(target=send, args=(address, traffic, self._end, only_again))
            for send, address in wanted
        ]
        for thread in self._threads:
            thread.start()

    def join(self, *, at_once: bool = False) -> None:
        if at_once:
            self._end.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive()


def wait_for_the_instant(kind: str, home: Home, chance: random.Random) -> None:
    if kind == "at the start of load":
        time.sleep(chance.uniform(0, 0.1))
    elif kind == WHILE_OPEN:
        time.sleep(chance.uniform(0.2, 1.5))  # so that there is something to be written
        wait_for("a lease", lambda: open_for_a_while(home, chance))
    else:
        time.sleep(chance.uniform(0.1, 2.5))


def open_for_a_while(home: Home, chance: random.Random) -> bool:
    """Whether a lease began lately and still goes on: the kill comes at once after it."""
    if lock_holder(home.database) is None:
        return False
    time.sleep(chance.uniform(0, 0.03))
    return lock_holder(home.database) is not None


def keys_of(requests: dict[int, tuple[Signal, bytes]], signal: Signal) -> list[UUID]:
    """Keys of all records in the requests, by the loader's own decoder."""
    batch = RawBatch()
    for kind, body in requests.values():
        if kind is signal:
            batch.add(Envelope(signal, Encoding.PROTOBUF, body, time.time_ns(), {}))
    keys: list[UUID] = batch.tables()[TABLES[signal]]["record_key"].to_pylist()
    return keys


def test_kill_minus_nine_at_twenty_instants_loses_and_doubles_nothing(
    home: Home, up: StartUp
) -> None:
    chance = random.Random(20)
    kinds = ["at the start of load"] * 6 + [WHILE_OPEN] * 7 + ["any time"] * 7
    assert len(kinds) == KILLS
    chance.shuffle(kinds)
    traffic = Traffic(random.Random(21))
    # The same ports after each restart, as real clients know them.
    ports = {name: free_port() for name in ("grpc_port", "http_port", "api_port")}
    with_file_open, torn = 0, 0
    for kind in kinds:
        collector = up(**ports)
        torn += "half-written" in collector.err
        clients = Clients(collector, traffic)
        wait_for_the_instant(kind, home, chance)
        with_file_open += kind == WHILE_OPEN or lock_holder(home.database) is not None
        collector.kill()
        clients.join(at_once=True)
        if chance.random() < 0.5:
            traffic.send_some_again()
    unanswered = len(traffic.unanswered)
    last = Clients(up(**ports), traffic, only_again=True)
    last.join()
    flushed = cli("flush", "--timeout", "120")
    assert flushed.returncode == 0, flushed.stderr

    assert not traffic.unanswered
    expected = {signal: keys_of(traffic.acknowledged, signal) for signal in TABLES}
    assert sum(map(len, expected.values())) == traffic.made > 10_000
    for signal, table in TABLES.items():
        stored = [row[0] for row in query(home.database, f"SELECT record_key FROM {table}")]
        assert len(stored) == len(set(stored)), "some record is there twice"
        assert set(stored) == set(expected[signal])
        ids = query(home.database, f"SELECT count(*) - count(DISTINCT id) FROM {table}")
        assert ids == [(0,)]
    assert query(home.database, "SELECT count(*) FROM raw_rejected") == [(0,)]
    ((duplicates,),) = query(home.database, "SELECT sum(duplicates) FROM ingest_batches")
    print(
        f"{KILLS} kills, {with_file_open} of them with the DuckDB file open, {torn} torn tails; "
        f"{traffic.made:,} records in {len(traffic.acknowledged):,} requests; "
        f"{unanswered + traffic.resent_acknowledged} requests sent again "
        f"({traffic.resent_acknowledged} of them acknowledged before), "
        f"{duplicates:,} records recognised as duplicates"
    )
