"""`dbt build` from another shell, the service's own dbt, and loading share one DuckDB file."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import duckdb
import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.home import Home

from .conftest import Collector, StartUp, cli, query, spool_up, start_dbt_build, status, wait_for

pytestmark = pytest.mark.slow

PROTOBUF = {"Content-Type": "application/x-protobuf"}
BACKLOG_REQUESTS = 10_000
RECORDS_A_REQUEST = 200
BEGAN_NS = 1_790_000_000 * 10**9
"""Of the first record of the backlog; each further one is a microsecond later."""
MODEL = "claude-opus-4-8"

Attributes = Mapping[str, str | int | float]


def event(name: str, moment_ns: int, attributes: Attributes) -> LogRecord:
    """An event as Claude Code 2.1.330 sends it."""
    record = LogRecord(time_unix_nano=moment_ns, observed_time_unix_nano=moment_ns)
    record.body.string_value = f"claude_code.{name}"
    for key, value in {"event.name": name, **attributes}.items():
        pair = record.attributes.add(key=key).value
        if isinstance(value, str):
            pair.string_value = value
        elif isinstance(value, int):
            pair.int_value = value
        else:
            pair.double_value = value
    return record


def api_request(number: int, moment_ns: int) -> LogRecord:
    attributes: Attributes = {
        "session.id": f"session-{number % 50}", "request_id": f"req-{moment_ns}", "model": MODEL,
        "input_tokens": 100, "output_tokens": 10, "cache_read_tokens": 1000,
        "cache_creation_tokens": 0, "cost_usd": 0.005, "duration_ms": 900,
    }  # fmt: skip
    return event("api_request", moment_ns, attributes)


def request_of(records: list[LogRecord]) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "claude-code"
    scope = resource.scope_logs.add(log_records=records)
    scope.scope.name, scope.scope.version = "com.anthropic.claude_code.events", "2.1.330"
    return request


def backlog() -> Iterator[tuple[Envelope, int]]:
    """Requests of 199 hook events and one model request each, no record like another."""
    records = [
        event("hook_execution_complete", 1, {"hook_event": "PreToolUse", "num_hooks": 1})
        for _ in range(RECORDS_A_REQUEST - 1)
    ]
    moment = BEGAN_NS
    for number in range(BACKLOG_REQUESTS):
        for record in records:
            record.time_unix_nano = record.observed_time_unix_nano = moment
            moment += 1000
        body = request_of([*records, api_request(number, moment)]).SerializeToString()
        moment += 1000
        yield Envelope(Signal.LOGS, Encoding.PROTOBUF, body, time.time_ns()), RECORDS_A_REQUEST


class LiveTraffic:
    """A model request every 20 ms, from now on, until it is left."""

    def __init__(self, collector: Collector) -> None:
        self._url = f"http://{collector.http}/v1/logs"
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self.acknowledged: list[str] = []
        self.slowest_s = 0.0

    def __enter__(self) -> LiveTraffic:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._end.set()
        self._thread.join()

    def goes_on(self) -> bool:
        return len(self.acknowledged) > 10

    def _send(self) -> None:
        with httpx.Client(headers=PROTOBUF, timeout=60) as client:
            while not self._end.wait(0.02):
                now = time.time_ns()
                body = request_of([api_request(0, now)]).SerializeToString()
                began = time.monotonic()
                assert client.post(self._url, content=body).status_code == 200
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                self.acknowledged.append(f"req-{now}")


def published_run(home: Home) -> str | None:
    current = home.published / "current"
    return current.readlink().name if current.is_symlink() else None


def published_after(home: Home, run: str | None) -> bool:
    return published_run(home) != run


def marts(home: Home, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.current_marts.resolve()), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def has_requests(home: Home, count: int) -> bool:
    """Whether the published marts hold so many model requests."""
    if published_run(home) is None:
        return False
    return marts(home, "SELECT count(*) FROM fct_agent_requests") == [(count,)]


def test_three_dbt_builds_succeed_while_millions_of_rows_are_loaded(
    home: Home, up: StartUp
) -> None:
    assert cli("flush").returncode == 0
    first = cli("transform")  # an empty database, and marts, so that `up` runs no dbt at its start
    assert first.returncode == 0, first.stderr
    total = spool_up(home, backlog())
    assert total >= 2_000_000
    collector = up()
    began = time.monotonic()
    waits, report = list[float](), list[str]()
    with LiveTraffic(collector) as live:
        wait_for("loading", lambda: status()["records"]["logs"] > 0)
        for number in range(3):
            before = published_run(home)
            build_began = time.monotonic()
            build = start_dbt_build()
            said, _ = build.communicate(timeout=240)
            build_s = time.monotonic() - build_began
            assert build.returncode == 0, said[-3000:]
            ended = time.monotonic()
            wait_for("the publish", partial(published_after, home, before))
            waits.append(time.monotonic() - ended)
            waiting = sum(status()["waiting"]["records"].values())
            assert waiting > 0, "the backlog was too small to last for three builds"
            report.append(
                f"build {number + 1}: {build_s:.0f} s, published {waits[-1]:.1f} s later, "
                f"{waiting:,} records still waiting"
            )
        flushed = cli("flush", "--timeout", "300")
    assert flushed.returncode == 0, flushed.stderr
    loaded_s = time.monotonic() - began
    assert cli("flush", "--timeout", "60").returncode == 0
    print(
        *report, f"{total:,} records loaded in {loaded_s:.0f} s beside three builds; "
        f"{len(live.acknowledged):,} live ones, slowest answer {live.slowest_s * 1000:.0f} ms",
        sep="\n",
    )  # fmt: skip

    ((stored, keys, times, first_us, last_us),) = query(
        home.database,
        "SELECT count(*), count(DISTINCT record_key), count(DISTINCT epoch_us(timestamp)), "
        "min(epoch_us(timestamp)), max(epoch_us(timestamp)) FROM raw_otel_logs "
        f"WHERE epoch_us(timestamp) < {BEGAN_NS // 1000 + total}",
    )
    assert stored == keys == times == total
    assert (first_us, last_us) == (BEGAN_NS // 1000, BEGAN_NS // 1000 + total - 1)
    rows = query(
        home.database,
        "SELECT attributes->>'request_id' FROM raw_otel_logs "
        f"WHERE epoch_us(timestamp) >= {BEGAN_NS // 1000 + total}",
    )
    assert sorted(row[0] for row in rows) == sorted(live.acknowledged)
    assert max(waits) < 10
    runs = query(home.database, "SELECT count(*), count(published_at) FROM dbt_runs")
    assert runs == [(4, 4)]
    last = cli("transform")
    assert last.returncode == 0, last.stderr
    ((requests,),) = marts(home, "SELECT count(*) FROM fct_agent_requests")
    assert requests == BACKLOG_REQUESTS + len(live.acknowledged)


def test_marts_follow_new_data_by_themselves_and_a_failing_dbt_shows_in_status(
    home: Home, up: StartUp
) -> None:
    collector = up(transform_enabled=True, transform_interval_s=1)
    assert status()["dbt"] == {"running": False, "last": None}
    with LiveTraffic(collector) as live:
        wait_for("a live record", live.goes_on)
    came = time.monotonic()
    wait_for("marts", lambda: published_run(home))
    took_s = time.monotonic() - came
    ((requests, cost),) = marts(home, "SELECT count(*), sum(cost_usd) FROM fct_agent_requests")
    assert requests == len(live.acknowledged)
    assert float(cost) == pytest.approx(0.005 * requests)
    wait_for("the outcome", lambda: (status()["dbt"]["last"] or {}).get("status") == "success")
    wait_for("the number of models", lambda: status()["dbt"]["last"]["models"] > 10)
    print(f"marts published by itself {took_s:.0f} s after the data")

    # A table that somebody dropped: dbt cannot run, and says which and what to do.
    def rename(old: str, new: str) -> bool:
        try:
            with duckdb.connect(str(home.database)) as connection:
                connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
        except duckdb.IOException:  # the loader or dbt has the file
            return False
        return True

    wait_for("a free file", lambda: rename("raw_copilot_metrics", "kept"))
    with LiveTraffic(collector) as more:
        wait_for("a live record", more.goes_on)
    wait_for("the failure", lambda: status()["dbt"]["last"]["status"] == "error")
    last = status()["dbt"]["last"]
    assert "dbt failed: " in last["problem"]
    assert "raw_copilot_metrics" in last["problem"]
    assert str(home.logs / "transform.log") in last["problem"]
    assert "raw_copilot_metrics" in cli("status").stdout
    assert has_requests(home, len(live.acknowledged))  # what was published stays

    wait_for("a free file", lambda: rename("kept", "raw_copilot_metrics"))
    wait_for("a success", lambda: status()["dbt"]["last"]["status"] == "success")
    total = len(live.acknowledged) + len(more.acknowledged)
    wait_for("marts with everything", partial(has_requests, home, total), 180)


def test_kill_minus_nine_while_dbt_runs_leaves_a_file_that_the_next_run_builds(
    home: Home, up: StartUp
) -> None:
    collector = up(transform_enabled=True, transform_interval_s=1)
    with LiveTraffic(collector) as live:
        wait_for("a live record", live.goes_on)
    acknowledged = list(live.acknowledged)
    for delay_s in (1.0, 4.0):  # importing dbt, building
        wait_for("dbt", collector.runs_dbt)
        time.sleep(delay_s)
        collector.kill()
        assert status()["dbt"]["running"] is False
        collector = up(transform_enabled=True, transform_interval_s=1)
        with LiveTraffic(collector) as live:
            wait_for("a live record", live.goes_on)
        acknowledged += live.acknowledged
    wait_for("marts with everything", partial(has_requests, home, len(acknowledged)), 180)
    rows = query(home.database, "SELECT attributes->>'request_id' FROM raw_otel_logs ORDER BY 1")
    assert [row[0] for row in rows] == sorted(acknowledged)
