"""How long after its acknowledgement a record can be read from the DuckDB file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.otlp.grpc import SERVICES
from agent_analytics_collector.state import read_loader
from benchmarks.figures import Aim, Figure, Measurement, Size, percentile
from benchmarks.processes import Collector, Failed, collector, scratch_home, wait_for
from benchmarks.warehouse import bulk_insert, load_without_pauses, rows_of
from benchmarks.workload import DEVELOPER, Requests, fill_spool

RECORDS = 20
INTERVAL_S = 0.5
AIM = Aim(2.0, of="subject")
_ASLEEP_S = 60.0
_ARRIVES_S = 60.0

Send = Callable[[int], float]


@dataclass(frozen=True, slots=True)
class Plan:
    """`requests` a round; `asleep`: how often the loader is awaited to have left."""

    rounds: int
    requests: int
    asleep: int


PLANS = {Size.FULL: Plan(3, 60, 3), Size.QUICK: Plan(2, 20, 1), Size.TINY: Plan(1, 3, 0)}


def measure(size: Size) -> Measurement:
    """Send a request now and then, and see when its records are stored."""
    plan = PLANS[size]
    leases: list[list[float]] = []
    delays: list[list[float]] = []
    woken: list[float] = []
    with scratch_home() as scratch, collector(TRANSFORM_ENABLED="false") as service:
        send = _sender(service)
        sent = 0
        for _ in range(plan.rounds):
            leases.append(_lease_seconds(scratch, plan.requests))
            delays.append(_delays(service.home, send, sent, plan.requests))
            sent += plan.requests
        for _ in range(plan.asleep):
            wait_for(lambda: service.loader() is None, _ASLEEP_S, "the loader's leaving")
            woken += _delays(service.home, send, sent, 1)
            sent += 1
    figures = [
        Figure(
            f"p{percent}",
            "s",
            [percentile(values, percent) for values in delays],
            [percentile(values, percent) for values in leases],
            AIM if percent == 95 else None,
        )
        for percent in (50, 95)
    ]
    if woken:
        figures.append(Figure("first after the loader had left", "s", woken))
    return Measurement(
        f"delay: acknowledgement → row in DuckDB, {RECORDS} records every {INTERVAL_S} s",
        f"one lease that inserts {RECORDS} rows: open, insert, close",
        figures,
    )


def _sender(service: Collector) -> Send:
    """Sends request `number`; the time (since 1970) when it was acknowledged."""
    requests = Requests(RECORDS)
    channel = grpc.insecure_channel(service.state.grpc)
    call = channel.unary_unary(f"/{SERVICES[Signal.LOGS]}/Export", None, None)

    def send(number: int) -> float:
        call(requests.body(number), metadata=(("x-developer-id", DEVELOPER),))
        return time.time()

    return send


def _delays(home: Home, send: Send, first: int, count: int) -> list[float]:
    """Seconds from acknowledgement to arrival of `count` requests, from number `first` on.

    All requests before `first` have arrived. The live file is not opened: that would hold up the
    loader. It says in `run/loader.json` how many rows it has stored, right after letting go.
    """
    acknowledged: list[float] = []
    delays: list[float] = []
    began = time.monotonic()
    while len(delays) < count:
        due = began + len(acknowledged) * INTERVAL_S
        if len(acknowledged) < count and time.monotonic() >= due:
            acknowledged.append(send(first + len(acknowledged)))
        stored, stored_at = _stored_requests(home)
        while len(delays) < min(stored - first, len(acknowledged)):
            delays.append(stored_at - acknowledged[len(delays)])
        if time.monotonic() > began + count * INTERVAL_S + _ARRIVES_S:
            raise Failed(f"{count - len(delays)} acknowledged requests did not arrive")
        time.sleep(0.005)
    return delays


def _stored_requests(home: Home) -> tuple[int, float]:
    """How many requests are stored, and when (since 1970) that was so."""
    try:
        changed_at = home.loader_state.stat().st_mtime_ns / 1e9
    except FileNotFoundError:
        return 0, 0.0
    return read_loader(home).records.get("logs", 0) // RECORDS, changed_at


def _lease_seconds(scratch: Home, count: int) -> list[float]:
    if not scratch.database.exists():
        fill_spool(scratch, Requests(RECORDS), 1)
        load_without_pauses(scratch)
    rows = rows_of(scratch.database).slice(0, RECORDS)
    return [bulk_insert(scratch.database, rows) for _ in range(count)]
