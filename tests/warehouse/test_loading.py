"""From the spool into DuckDB: exactly once, politely, whatever happens."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.errors import FileLocked, NewerSchema, NotADatabase
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings, SpoolSettings, load_settings
from agent_analytics_collector.spool.segments import list_segments, segment_path
from agent_analytics_collector.spool.writer import Spool
from agent_analytics_collector.state import read_loader
from agent_analytics_collector.warehouse import loader as loader_module
from agent_analytics_collector.warehouse.flush import flush
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.loader import Loader
from agent_analytics_collector.warehouse.lock import lock_holder
from agent_analytics_collector.warehouse.migrations import known_migrations
from agent_analytics_collector.warehouse.publish import publish_new_runs
from agent_analytics_collector.warehouse.user_input import write_user_input


def recorded(fixtures: Path, scenario: str = "*/*") -> list[Envelope]:
    """Every recorded request as the receiver would spool it."""
    found = []
    for path in sorted(fixtures.glob(f"{scenario}/requests.json")):
        for request in json.loads(path.read_text()):
            encoding = Encoding.JSON if request["transport"] == "http/json" else Encoding.PROTOBUF
            body = (path.parent / request["file"]).read_bytes()
            found.append(
                Envelope(
                    Signal(request["signal"]), encoding, body, time.time_ns(),
                    {"x-developer-id": "dev_abc"},
                )
            )  # fmt: skip
    return found


def spool(home: Home, envelopes: list[Envelope]) -> None:
    async def put_all() -> None:
        writer = Spool(home.spool, SpoolSettings())
        await asyncio.gather(*(writer.put(envelope, 1) for envelope in envelopes))
        writer.close()

    asyncio.run(put_all())


def load(home: Home) -> None:
    flush(home, load_settings(home).settings, 60)


def query(home: Home, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(home.database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def keys(home: Home) -> dict[str, list[object]]:
    return {
        table: [row[0] for row in query(home, f"SELECT record_key FROM {table} ORDER BY 1")]
        for table in ("raw_otel_logs", "raw_otel_metrics", "raw_otel_spans")
    }


def split(envelope: Envelope) -> Iterator[Envelope]:
    """One request with each log record in a request of its own, as a Collector may send them."""
    request = ExportLogsServiceRequest.FromString(envelope.body)
    for resource in request.resource_logs:
        resource.resource.attributes.add(key="host.name").value.string_value = "collector-1"
        resource.resource.attributes.add(key="k8s.pod.name").value.string_value = "otel-0"
        for scope in resource.scope_logs:
            for record in scope.log_records:
                alone = ExportLogsServiceRequest()
                copy = alone.resource_logs.add(resource=resource.resource)
                copy.scope_logs.add(scope=scope.scope).log_records.append(record)
                yield Envelope(
                    Signal.LOGS, Encoding.PROTOBUF, alone.SerializeToString(), time.time_ns(), {}
                )


def test_every_recorded_record_is_stored_once_with_ids_in_order(home: Home, fixtures: Path) -> None:
    spool(home, recorded(fixtures))
    load(home)
    stored = keys(home)
    assert all(len(found) == len(set(found)) > 50 for found in stored.values())
    assert query(home, "SELECT count(*) FROM raw_rejected") == [(0,)]
    ids = [int(str(row[0])) for row in query(home, "SELECT id FROM raw_otel_logs")]
    assert ids == sorted(ids)
    assert len(ids) == len(set(ids))
    state = read_loader(home)
    assert {signal: count for signal, count in state.records.items() if count} == {
        "logs": len(stored["raw_otel_logs"]),
        "metrics": len(stored["raw_otel_metrics"]),
        "traces": len(stored["raw_otel_spans"]),
    }


def test_the_same_records_again_shuffled_split_and_through_a_collector_change_nothing(
    home: Home, fixtures: Path
) -> None:
    envelopes = recorded(fixtures)
    spool(home, envelopes)
    load(home)
    before = keys(home)
    again = envelopes * 2
    again += [
        piece
        for envelope in envelopes
        if envelope.signal is Signal.LOGS and envelope.encoding is Encoding.PROTOBUF
        for piece in split(envelope)
    ]
    random.Random(7).shuffle(again)
    spool(home, again)
    load(home)
    assert keys(home) == before
    (row,) = query(home, "SELECT sum(duplicates) > 0, sum(records) FROM ingest_batches")
    assert row[0]


def test_records_days_apart_in_one_batch_are_still_recognised(home: Home) -> None:
    def request(times: list[int]) -> Envelope:
        message = ExportLogsServiceRequest()
        records = message.resource_logs.add().scope_logs.add().log_records
        for moment in times:
            records.add(time_unix_nano=moment).body.string_value = "x"
        return Envelope(Signal.LOGS, Encoding.PROTOBUF, message.SerializeToString(), 1, {})

    day = 86_400 * 10**9
    times = [10**18 + number * day for number in range(40)]
    spool(home, [request(times), request(times[::-1])])
    load(home)
    undated = Envelope(Signal.LOGS, Encoding.PROTOBUF, request([0]).body, time.time_ns(), {})
    spool(home, [undated])
    load(home)
    later = Envelope(Signal.LOGS, Encoding.PROTOBUF, undated.body, time.time_ns() + day, {})
    spool(home, [later, request(times[5:6])])
    load(home)
    assert query(home, "SELECT count(*) FROM raw_otel_logs") == [(41,)]


def test_a_lost_database_is_rebuilt_from_the_spool(home: Home, fixtures: Path) -> None:
    spool(home, recorded(fixtures, "claude/*"))
    load(home)
    before = keys(home)
    home.database.unlink()
    load(home)
    assert keys(home) == before


def test_a_file_replaced_behind_the_loader_is_read_for_from_its_own_position(
    home: Home, fixtures: Path
) -> None:
    loader = Loader(home, Settings())
    spool(home, recorded(fixtures, "claude/a-simple"))
    for _ in range(2):
        loader.prepare()
        loader.use_file()
    before = keys(home)
    spool(home, recorded(fixtures, "claude/b-tools"))
    loader.prepare()  # a batch that starts where the old file stands
    home.database.unlink()
    loader.use_file()
    while loader.has_work:
        loader.prepare()
        loader.use_file()
    assert set(before["raw_otel_logs"]) < set(keys(home)["raw_otel_logs"])


def test_a_damaged_entry_is_reported_and_its_neighbours_are_loaded(
    home: Home, fixtures: Path
) -> None:
    envelopes = recorded(fixtures, "claude/a-simple") + recorded(fixtures, "claude/c-commit")
    spool(home, envelopes)
    path = segment_path(home.spool, list_segments(home.spool)[0])
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(data)
    load(home)
    (row,) = query(home, "SELECT signal, reason FROM raw_rejected")
    assert row[0] == "spool"
    assert "damaged bytes" in str(row[1])
    assert query(home, "SELECT count(*) > 0 FROM raw_otel_metrics") == [(True,)]


def test_a_request_that_duckdb_refuses_is_set_aside_and_its_neighbours_are_kept(
    home: Home,
) -> None:
    load(home)
    ddl = known_migrations()[0][2]
    table = "CREATE TABLE raw_otel_logs" + ddl.split("CREATE TABLE raw_otel_logs")[1].split(";")[0]
    with duckdb.connect(str(home.database)) as connection:
        connection.execute("DROP TABLE raw_otel_logs")
        connection.execute(
            table.replace("body VARCHAR", "body VARCHAR CHECK (body IS DISTINCT FROM 'xi')")
        )

    def request(number: int) -> Envelope:
        message = ExportLogsServiceRequest()
        record = message.resource_logs.add().scope_logs.add().log_records.add()
        record.time_unix_nano = 10**18 + number
        record.body.string_value = "x" + "abcdefghijklmnopqrst"[number]
        return Envelope(Signal.LOGS, Encoding.PROTOBUF, message.SerializeToString(), 1, {})

    spool(home, [request(number) for number in range(20)])
    load(home)
    assert query(home, "SELECT count(*) FROM raw_otel_logs") == [(19,)]
    ((signal, reason),) = query(home, "SELECT signal, reason FROM raw_rejected")
    assert signal == "request"
    assert "ConstraintException" in str(reason)


def hold(home: Home) -> subprocess.Popen[str]:
    """Another process with the file open, as a DuckDB shell would have it."""
    script = (
        "import duckdb, sys, time\n"
        f"connection = duckdb.connect({str(home.database)!r})\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def test_loading_waits_while_somebody_has_the_file_and_says_who(home: Home, fixtures: Path) -> None:
    load(home)
    other = hold(home)
    try:
        spool(home, recorded(fixtures, "claude/a-simple"))
        assert f"process {other.pid}" in str(lock_holder(home.database))
        with pytest.raises(FileLocked, match=f"process {other.pid}"):
            flush(home, Settings(), 1)
        assert f"process {other.pid}" in str(read_loader(home).waiting_for)
    finally:
        other.communicate("")
    assert lock_holder(home.database) is None
    load(home)
    state = read_loader(home)
    assert state.waiting_for is None
    assert state.lock_waits == 1
    assert 0 < state.lock_wait_s < 120
    assert state.last_load_s > 0
    assert query(home, "SELECT count(*) > 0 FROM raw_otel_logs") == [(True,)]


def test_the_loader_stays_away_as_long_as_it_had_the_file(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    clock = SimpleNamespace(time=time.time, monotonic=lambda: now[0])

    @contextmanager
    def slow_lease(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        with lease(database) as connection:
            yield connection
        now[0] += 5

    loader = Loader(home, Settings())
    monkeypatch.setattr(loader_module, "time", clock)
    loader.use_file()
    assert loader.pause_s() == pytest.approx(loader_module.LEAST_PAUSE_S)
    with monkeypatch.context() as patch:
        patch.setattr(loader_module, "lease", slow_lease)
        loader.use_file()
    now[0] += 1
    assert loader.pause_s() == pytest.approx(4)
    loader.use_file()
    home.want.touch()
    clock.time = lambda: home.want.stat().st_mtime + 1
    assert loader.pause_s() == pytest.approx(loader_module.WANT_PAUSE_S - 1)
    clock.time = lambda: home.want.stat().st_mtime + 60
    assert loader.pause_s() == pytest.approx(loader_module.LEAST_PAUSE_S)


def test_a_file_that_is_no_database_is_named_and_set_aside(home: Home, fixtures: Path) -> None:
    home.database.write_bytes(b"my shopping list" * 1000)
    with pytest.raises(NotADatabase, match="no DuckDB database"), lease(home.database):
        pass
    spool(home, recorded(fixtures, "claude/a-simple"))
    loader = Loader(home, Settings())
    assert loader.use_file() is False
    assert read_loader(home).problem is None
    (aside,) = home.data.glob("*.corrupt.*")
    assert aside.read_bytes().startswith(b"my shopping list")
    load(home)
    assert keys(home)["raw_otel_logs"]


@pytest.mark.parametrize("rubbish", [b"\xde\xad\xbe\xef" * 500, b""])
def test_a_damaged_write_ahead_log_costs_nothing_that_the_spool_holds(
    home: Home, fixtures: Path, rubbish: bytes
) -> None:
    spool(home, recorded(fixtures, "claude/a-simple"))
    load(home)
    before = keys(home)
    wal = home.database.with_name(home.database.name + ".wal")
    wal.write_bytes(rubbish)
    spool(home, recorded(fixtures, "claude/a-simple"))
    load(home)
    assert keys(home) == before


def test_a_csv_file_that_cannot_be_read_changes_nothing(home: Home) -> None:
    prices = home.seeds / "model_price_overrides.csv"
    prices.write_text("model,input,output\nhouse-model,1,2\n")
    load(home)
    before = query(home, "SELECT * FROM raw_user_overrides")
    prices.write_bytes("model,input,output\nhäuschen,1,2\n".encode("latin-1"))
    with lease(home.database) as connection:
        write_user_input(connection, home, Settings())
    assert query(home, "SELECT * FROM raw_user_overrides") == before


def test_times_that_python_cannot_say_are_loaded_and_recognised(home: Home) -> None:
    message = ExportLogsServiceRequest()
    records = message.resource_logs.add().scope_logs.add().log_records
    for text in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-22T00:00:00Z"):
        pair = records.add(observed_time_unix_nano=10**18).attributes.add(key="event.timestamp")
        pair.value.string_value = text
    records.add(time_unix_nano=2**63 - 1)
    odd = Envelope(Signal.LOGS, Encoding.PROTOBUF, message.SerializeToString(), 1, {})
    for _ in range(2):
        spool(home, [odd])
        load(home)
    assert query(home, "SELECT count(*), max(year(timestamp)) FROM raw_otel_logs") == [(4, 2262)]


def test_a_publish_that_fails_neither_holds_up_loading_nor_leaves_a_folder(
    home: Home, fixtures: Path
) -> None:
    load(home)
    with lease(home.database) as connection:
        connection.execute("CREATE SCHEMA marts")
        connection.execute("CREATE VIEW marts.broken AS SELECT error('broken') AS x")
        connection.execute(
            "INSERT INTO dbt_runs VALUES ('r', now(), now(), 'success', 1, 0, NULL, true)"
        )
    spool(home, recorded(fixtures, "claude/a-simple"))
    load(home)
    assert query(home, "SELECT count(*) > 0 FROM raw_otel_logs") == [(True,)]
    assert "publishing failed" in str(read_loader(home).problem)
    assert list(home.published.iterdir()) == []


def test_a_failed_run_after_a_good_one_is_not_published(home: Home) -> None:
    load(home)
    with lease(home.database) as connection:
        connection.execute("CREATE SCHEMA marts")
        connection.execute("CREATE TABLE marts.fct_x AS SELECT 1 AS x")
        insert = (
            "INSERT INTO dbt_runs VALUES (?, now(), now() + to_seconds(?), ?, 1, 0, NULL, true)"
        )
        connection.execute(insert, ["good", 0, "success"])
        connection.execute(insert, ["bad", 60, "error"])
        assert publish_new_runs(connection, home, Settings()) is None
        connection.execute(insert, ["new", 120, "success"])
        assert publish_new_runs(connection, home, Settings()) is not None
        published = connection.execute(
            "SELECT run_id FROM dbt_runs WHERE published_at IS NOT NULL ORDER BY 1"
        ).fetchall()
    assert published == [("good",), ("new",)]


def test_a_file_of_a_newer_version_is_left_alone(home: Home) -> None:
    load(home)
    with duckdb.connect(str(home.database)) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (9999, 'future', now())")
    with pytest.raises(NewerSchema, match="9999"), lease(home.database):
        pass


def test_migrations_are_recorded_once(home: Home) -> None:
    load(home)
    first = query(home, "SELECT version, applied_at FROM schema_migrations ORDER BY 1")
    with lease(home.database):
        pass
    assert query(home, "SELECT version, applied_at FROM schema_migrations ORDER BY 1") == first
    assert [row[0] for row in first] == list(range(1, len(first) + 1))


def test_settings_and_csv_files_reach_dbt_and_keep_their_time(home: Home) -> None:
    (home.seeds / "model_aliases.csv").write_text("alias,model,source\nfast-one,gpt-5.5,me\n")
    load(home)
    first = query(home, "SELECT * FROM raw_user_overrides")
    assert json.loads(str(first[0][1])) == {"alias": "fast-one", "model": "gpt-5.5", "source": "me"}
    assert query(home, "SELECT value FROM raw_settings WHERE name = 'time_zone'") == [("UTC",)]
    with (home.seeds / "model_aliases.csv").open("a") as file:
        file.write("slow-one,gpt-5.5,me\n")
    with lease(home.database) as connection:
        write_user_input(connection, home, Settings(time_zone="Europe/Berlin"))
    after = query(home, "SELECT * FROM raw_user_overrides ORDER BY changed_at")
    assert after[0] == first[0]
    assert len(after) == 2
    rows = query(home, "SELECT value FROM raw_settings WHERE name = 'time_zone'")
    assert rows == [("Europe/Berlin",)]


def test_every_change_of_the_users_prices_is_a_version_beside_the_old_ones(home: Home) -> None:
    prices = home.seeds / "model_price_overrides.csv"

    def write(*rows: str) -> list[tuple[object, ...]]:
        prices.write_text("\n".join(["model,service_tier,input,output", *rows]) + "\n")
        with lease(home.database) as connection:
            write_user_input(connection, home, Settings())
            write_user_input(connection, home, Settings())
        return query(
            home,
            """SELECT "row"->>'model', "row"->>'input', "row"->>'is_removed',
            dense_rank() OVER (ORDER BY changed_at) FROM raw_user_overrides ORDER BY 4, 1""",
        )

    first = [("a", "1", None, 1), ("b", "2", None, 1)]
    assert write("a,,1,1", "b,,2,2") == first
    second = [("a", "3", None, 2), ("b", "2", None, 2)]
    assert write("a,,3,1", "b,,2,2") == first + second
    third = [("a", "3", None, 3), ("b", None, "true", 3)]
    assert write("a,,3,1") == first + second + third
    prices.unlink()
    with lease(home.database) as connection:
        write_user_input(connection, home, Settings())
    assert query(home, "SELECT count(*) FROM raw_user_overrides") == [(8,)]


def test_nothing_in_our_processes_opens_the_live_file_beside_duckdb(home: Home) -> None:
    """Closing any descriptor of the file drops the process's lock: DuckDB's own stays the only."""
    load(home)
    with lease(home.database):
        descriptors = [
            link
            for link in Path("/proc/self/fd").iterdir()
            if link.exists() and link.resolve() == home.database.resolve()
        ]
        script = f"import duckdb; duckdb.connect({str(home.database)!r})"
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert "Conflicting lock" in other.stderr
    assert len(descriptors) == 1
