"""The rest of `/metrics`: counters of the receiver, and what other processes say in files.

Nothing here opens the DuckDB file; sizes are asked of the file system.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from agent_analytics_collector.access.expiry import expiring_keys
from agent_analytics_collector.api.intake import Intake
from agent_analytics_collector.edge.measurements import Measurements
from agent_analytics_collector.edge.rate import RequestLimit
from agent_analytics_collector.edge.serving import Ports
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.errors import KeysUnusable
from agent_analytics_collector.forward.backlog import bytes_after
from agent_analytics_collector.forward.progress import read_dropped, read_progress
from agent_analytics_collector.home import Home
from agent_analytics_collector.otlp.receiver import Receiver
from agent_analytics_collector.overview import dbt_state
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.reader import Waiting, count_waiting
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.state import LoaderState, read_housekeeping, read_loader

_PREFIX = "agent_analytics_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
COUNT_AGAIN_S = 10.0
"""What waits is counted by reading the spool, so not at each of many scrapes."""


class Metrics(Collector):
    """Everything that `/metrics` shows of one collector."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        version: str,
        receiver: Receiver,
        intake: Intake,
        ports: Ports,
        limit: RequestLimit,
        measurements: Measurements,
    ) -> None:
        self._home = home
        self._settings = settings
        self._version = version
        self._receiver = receiver
        self._intake = intake
        self._ports = ports
        self._limit = limit
        self._registry = measurements.registry
        self._waiting = Waiting(0, {}, 0)
        self._counted_at = float("-inf")
        measurements.registry.register(self)

    def text(self) -> bytes:
        """All of it in Prometheus' text format; reads files, so not for the event loop."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Nothing: asked at the registration, when there is nothing to read yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        loader = read_loader(self._home)
        yield InfoMetricFamily(
            "agent_analytics", "The running collector.", {"version": self._version}
        )
        yield from self._records()
        yield from self._edge()
        yield from self._spool(loader)
        yield from _loading(loader)
        yield from self._dbt(loader)
        yield from self._files()
        yield from self._forwarding()
        yield from self._keys()
        yield from self._housekeeping()

    def _records(self) -> Iterator[Metric]:
        receiver, intake = self._receiver, self._intake
        yield _counter("records_accepted", "Records that were made durable.", "signal", {
            signal.value: receiver.records[signal] for signal in Signal
        })  # fmt: skip
        yield _counter("records_rejected", "Records that could not be taken.", "signal", {
            signal.value: receiver.rejected[signal] + intake.rejected[signal] for signal in Signal
        })  # fmt: skip
        yield _counter(
            "records_duplicate",
            "Records of the API that were there before, as far as was known when they came.",
            "signal",
            {signal.value: intake.duplicates[signal] for signal in Signal},
        )
        yield _counter(
            "otlp_requests_refused", "OTLP requests that were refused, by gRPC status.", "status",
            dict(receiver.refused),
        )  # fmt: skip

    def _edge(self) -> Iterator[Metric]:
        yield _total("rate_limited", "Requests of the API over a sender's rate.",
                     self._limit.refused)  # fmt: skip
        opened = {name: each.total for name, each in self._ports.connections.items()}
        yield _gauge("connections", "Open HTTP connections.", "port", opened)
        cut = CounterMetricFamily(
            f"{_PREFIX}connections_cut", "HTTP connections ended before their time.",
            labels=("port", "reason"),
        )  # fmt: skip
        for name, each in self._ports.connections.items():
            for reason in ("too_slow", "crowded", "full"):
                cut.add_metric((name, reason), each.cut[reason])
        yield cut
        if self._ports.tls is not None:
            yield _one(
                "certificate_expiry_timestamp_seconds", "When the served certificate ends.",
                self._ports.tls.certificate.expires_at.timestamp(),
            )  # fmt: skip

    def _spool(self, loader: LoaderState) -> Iterator[Metric]:
        now = time.monotonic()
        if now - self._counted_at >= COUNT_AGAIN_S:
            self._counted_at = now
            position = Position(loader.segment, loader.offset)
            self._waiting = count_waiting(self._home.spool, position)
        waiting = self._waiting
        yield _one("spool_waiting_bytes", "Bytes that wait to be loaded.", waiting.bytes)
        yield _one("spool_waiting_records", "Records that wait to be loaded.",
                   waiting.total_records)  # fmt: skip
        age = 0.0 if waiting.oldest_at_ns is None else time.time() - waiting.oldest_at_ns / 1e9
        yield _one("spool_oldest_seconds", "Age of the oldest request that waits to be loaded.",
                   max(age, 0.0))  # fmt: skip
        yield _one("spool_limit_bytes", "Bytes that may wait.", self._settings.spool.max_bytes)

    def _dbt(self, loader: LoaderState) -> Iterator[Metric]:
        state = dbt_state(self._home, loader.last_dbt_run)
        yield _one("dbt_running", "Whether dbt runs now.", int(state["running"]))
        last = state["last"]
        if last is not None:
            yield _one("dbt_success", "Whether the last dbt run succeeded.",
                       int(last["status"] == "success"))  # fmt: skip
            yield _one("dbt_last_run_timestamp_seconds", "When the last dbt run ended.",
                       _seconds(last["finished_at"]))  # fmt: skip
            if last["duration_s"] is not None:
                yield _one("dbt_duration_seconds", "How long the last dbt run took.",
                           last["duration_s"])  # fmt: skip

    def _files(self) -> Iterator[Metric]:
        home = self._home
        wal = home.database.with_name(f"{home.database.name}.wal")
        yield _gauge("file_bytes", "Size on disk.", "file", {
            "database": _size(home.database),
            "wal": _size(wal),
            "spool": _size(home.spool),
            "published": _size(home.published),
            "backups": _size(home.root / self._settings.backup.folder),
        })  # fmt: skip

    def _forwarding(self) -> Iterator[Metric]:
        progress, dropped = read_progress(self._home), read_dropped(self._home)
        if not progress:
            return
        behind, blocked, refused, lost = {}, {}, {}, {}
        for key, each in progress.items():
            behind[key] = bytes_after(self._home.spool, each.position)
            blocked[key] = int(each.problem is not None)
            refused[key] = each.refused
            lost[key] = dropped[key].requests if key in dropped else 0
        yield _gauge("forward_waiting_bytes",
                     "Bytes of the spool that a destination has not had.", "destination",
                     behind)  # fmt: skip
        yield _gauge("forward_failing", "Whether nothing goes to a destination now.",
                     "destination", blocked)  # fmt: skip
        yield _counter("forward_refused", "Requests that a destination will never take.",
                       "destination", refused)  # fmt: skip
        yield _counter("forward_dropped", "Requests dropped before a destination took them.",
                       "destination", lost)  # fmt: skip

    def _keys(self) -> Iterator[Metric]:
        try:
            ending = len(expiring_keys(self._home))
        except KeysUnusable:
            return  # requests are refused for it, and counted
        yield _one("keys_expiring", "Keys that end within 30 days and were not replaced.", ending)

    def _housekeeping(self) -> Iterator[Metric]:
        steps = read_housekeeping(self._home)
        yield _gauge("housekeeping_last_run_timestamp_seconds", "When a daily step ran last.",
                     "step", {name: _seconds(step.at) for name, step in steps.items()})  # fmt: skip
        yield _gauge("housekeeping_success", "Whether a daily step went well the last time.",
                     "step",
                     {name: int(step.problem is None) for name, step in steps.items()})  # fmt: skip


def _loading(loader: LoaderState) -> Iterator[Metric]:
    if loader.last_load_at is not None:
        yield _one("load_last_timestamp_seconds", "When records were loaded last.",
                   _seconds(loader.last_load_at))  # fmt: skip
    yield _one("load_duration_seconds", "How long the last load had the file.",
               loader.last_load_s)  # fmt: skip
    yield _one("load_rows", "Rows of the last load.", loader.last_load_rows)
    yield _one("load_stopped", "Whether loading stands still for another reason than a lock.",
               int(loader.problem is not None))  # fmt: skip
    yield _gauge("rows", "Rows in the DuckDB file.", "signal", loader.records)
    yield _total("lock_waits", "Times that loading waited for the file.", loader.lock_waits)
    yield _total("lock_wait_seconds", "How long that was.", loader.lock_wait_s)
    since = loader.waiting_since
    yield _one("lock_waiting_seconds", "How long loading has been waiting now.",
               max(time.time() - _seconds(since), 0.0) if since else 0.0)  # fmt: skip


def _size(path: Path) -> int:
    """Bytes of a file or of all files under a folder; 0 where there is none."""
    try:
        if path.is_dir():
            return sum(_size(each) for each in path.iterdir() if not each.is_symlink())
        return path.stat().st_size
    except OSError:  # gone meanwhile
        return 0


def _seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def _one(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(_PREFIX + name, text, value=value)


def _total(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(_PREFIX + name, text, value=value)


def _gauge(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    return _labelled(GaugeMetricFamily(_PREFIX + name, text, labels=(label,)), values)


def _counter(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    return _labelled(CounterMetricFamily(_PREFIX + name, text, labels=(label,)), values)


def _labelled(
    family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[str, float]
) -> Metric:
    for label, value in values.items():
        family.add_metric((label,), value)
    return family
