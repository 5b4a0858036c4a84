"""What is too old goes, to the day, and leaves its facts; nothing else does."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import msgspec
import pytest

from agent_analytics_collector.access.keys import create_key
from agent_analytics_collector.access.principal import Role, Scope
from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.errors import FactsDiffer
from agent_analytics_collector.home import Home
from agent_analytics_collector.server_settings import RetentionSettings
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.state import TransformState, read_transform, write_state
from agent_analytics_collector.warehouse import fact_archive, retention
from agent_analytics_collector.warehouse.batch import RawBatch
from agent_analytics_collector.warehouse.columns import TABLES, to_table
from agent_analytics_collector.warehouse.fact_archive import RAW
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.load import Batch, Stored, store, stored_position
from agent_analytics_collector.warehouse.retention import Removed, apply_retention
from agent_analytics_collector.warehouse.retention_plan import TIMES, kept, look_ahead

pytestmark = pytest.mark.slow

BERLIN = ZoneInfo("Europe/Berlin")
DAY = datetime(2026, 3, 28, tzinfo=BERLIN)
"""The day before the clocks go forward."""
EVERY_TYPE = {
    "id": "BIGINT", "record_key": "UUID", "batch_id": "BIGINT", "session_id": "VARCHAR",
    "record_hash": "UHUGEINT", "cost": "DECIMAL(38, 9)", "seconds": "DOUBLE",
    "is_async": "BOOLEAN", "occurred_at": "TIMESTAMPTZ", "hashes": "VARCHAR[]",
    "request_id": "VARCHAR",
}  # fmt: skip
"""Columns of each model here; of every type that the real ones have."""


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_PAUSE_S", 0)


def settings(raw_days: int | None = 90, aggregate_days: int | None = None) -> Settings:
    return Settings(
        time_zone="Europe/Berlin", retention=RetentionSettings(raw_days, aggregate_days)
    )


def execute(home: Home, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    with lease(home.database) as connection:
        return connection.execute(sql, list(parameters)).fetchall()


def counted(home: Home, table: str) -> int:
    return int(execute(home, f"SELECT count(*) FROM {table}")[0][0])


def put_logs(home: Home, *moments: datetime, arrived_at: datetime | None = None) -> None:
    """A log record a moment, all of one batch."""
    rows = [
        [number, moment, arrived_at or moment] for number, moment in enumerate(moments, start=1)
    ]
    with lease(home.database) as connection:
        connection.executemany(
            "INSERT INTO raw_otel_logs (id, timestamp, session_id, created_at, record_key, "
            "batch_id) VALUES (?, ?, 's', ?, uuid(), 1)",
            rows,
        )


def loaded_and_read(home: Home) -> None:
    """Batch 1 was loaded, and then dbt ran; no row of it was of interest to any model."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    columns = ", ".join(map(" ".join, EVERY_TYPE.items()))
    with lease(home.database) as connection:
        connection.execute(
            "INSERT INTO ingest_batches VALUES (1, 'otlp', $at, $at, 1, 0, 0)", {"at": at}
        )
        connection.execute("CREATE SCHEMA IF NOT EXISTS staging")
        for raw in RAW.values():
            for model in raw.models:
                connection.execute(f"CREATE TABLE IF NOT EXISTS staging.{model} ({columns})")
        connection.execute(
            "INSERT INTO dbt_runs (run_id, started_at, status, has_read_raw) "
            "VALUES ('r', ?, 'success', true)",
            [at + timedelta(hours=1)],
        )


def test_a_day_is_kept_for_90_days_to_the_hour_of_the_zone_and_not_longer(home: Home) -> None:
    last_of_the_day_before = DAY - timedelta(microseconds=1)
    last_of_day = DAY.replace(hour=23, minute=59, second=59, microsecond=999999)
    put_logs(home, last_of_the_day_before, DAY, last_of_day)
    loaded_and_read(home)
    left = {}
    now = datetime(2026, 6, 25, 18, tzinfo=BERLIN)
    while now < datetime(2026, 6, 27, 6, tzinfo=BERLIN):
        apply_retention(home, settings(), now.astimezone(UTC))
        left[now.strftime("%m-%d %H")] = counted(home, "raw_otel_logs")
        now += timedelta(hours=6)
    assert left == {
        "06-25 18": 3, "06-26 00": 2, "06-26 06": 2, "06-26 12": 2, "06-26 18": 2,
        "06-27 00": 0,
    }  # fmt: skip


def test_a_day_begins_where_the_marts_have_it_begin(home: Home) -> None:
    put_logs(home, DAY.replace(hour=3, minute=59), DAY.replace(hour=4))
    loaded_and_read(home)
    late = msgspec.structs.replace(settings(), day_rollover_hour=4)
    [due, *_] = look_ahead(home, late, datetime(2026, 6, 26, 3, 59, tzinfo=BERLIN))
    assert (due.table, due.rows_due) == ("raw_otel_logs", 0)
    [due, *_] = look_ahead(home, late, datetime(2026, 6, 26, 4, tzinfo=BERLIN))
    assert (due.rows_due, due.next_on) == (1, datetime(2026, 6, 27).date())


def test_a_record_that_a_wrong_clock_dates_ahead_ages_by_its_arrival(home: Home) -> None:
    put_logs(home, datetime(2099, 1, 1, tzinfo=UTC), arrived_at=DAY)
    loaded_and_read(home)
    removed = apply_retention(home, settings(), DAY + timedelta(days=91))
    assert removed.rows == {"raw_otel_logs": 1}


def test_rows_stay_until_a_whole_run_of_dbt_that_began_after_them(home: Home) -> None:
    put_logs(home, DAY)
    now = DAY + timedelta(days=400)
    assert apply_retention(home, settings(), now) == Removed(unread=1)
    loaded_and_read(home)
    for column, value in (
        ("status", "'error'"), ("has_read_raw", "false"), ("has_read_raw", "NULL"),
        ("started_at", "TIMESTAMPTZ '2025-12-31 00:00:00+00'"),
    ):  # fmt: skip
        before = execute(home, f"SELECT {column} FROM dbt_runs")[0][0]
        execute(home, f"UPDATE dbt_runs SET {column} = {value}")
        assert apply_retention(home, settings(), now) == Removed(unread=1), (column, value)
        execute(home, f"UPDATE dbt_runs SET {column} = ?", before)
    execute(home, "DROP TABLE staging.stg_codex__events")
    assert apply_retention(home, settings(), now) == Removed(unread=1)
    loaded_and_read(home)
    assert apply_retention(home, settings(), now).rows == {"raw_otel_logs": 1}


def test_a_batch_that_came_after_the_run_began_stays(home: Home) -> None:
    put_logs(home, DAY)
    loaded_and_read(home)
    execute(home, "INSERT INTO ingest_batches VALUES (2, 'otlp', now(), now(), 1, 0, 0)")
    execute(home, "UPDATE raw_otel_logs SET batch_id = 2")
    removed = apply_retention(home, settings(), DAY + timedelta(days=91))
    assert removed == Removed(unread=1)


HOSTILE = [
    (7, "s1", 2**128 - 1, "12345678901234567890123456789.123456789", 0.1 + 0.2, True,
     ["a'b", 'c"d', "e, f", "", " g ", "[h]", "NULL", "\\", "ü\n"], "'; DROP TABLE x; --\n\"ü\0"),
    (8, "", 0, "-0.000000001", float("inf"), False, [], ""),
    (9, None, None, None, None, None, None, None),
]  # fmt: skip


def test_facts_are_archived_to_the_last_digit(home: Home) -> None:
    put_logs(home, *[DAY] * 10)
    loaded_and_read(home)
    with lease(home.database) as connection:
        for number, session, digest, cost, seconds, is_async, hashes, request in HOSTILE:
            connection.execute(
                "INSERT INTO staging.stg_codex__events VALUES "
                "(?, NULL, 1, ?, ?, ?, ?, ?, '2026-03-28 00:00:00.000001+00', ?, ?)",
                [number, session, digest, cost, seconds, is_async, hashes, request],
            )
    removed = apply_retention(home, settings(), DAY + timedelta(days=91))
    assert removed.rows == {"raw_otel_logs": 10}
    assert removed.facts == {"stg_codex__events": 3}
    shape = json.dumps(dict.fromkeys(EVERY_TYPE, "VARCHAR"))
    facts = f"SELECT json_transform(fact, '{shape}') AS f FROM raw_fact_archive"
    kinds = EVERY_TYPE | {"record_hash": "VARCHAR"}
    read = ", ".join(f"CAST(f.{name} AS {kind})" for name, kind in kinds.items())
    assert execute(home, f"SELECT {read} FROM ({facts}) ORDER BY 1") == execute(
        home,
        "SELECT * REPLACE (lpad(hex(record_hash), 32, '0') AS record_hash) "
        "FROM staging.stg_codex__events ORDER BY 1",
    )
    assert execute(home, "SELECT DISTINCT occurred_at, session_id FROM raw_fact_archive "
                         "WHERE session_id = 's1'") == [(DAY.astimezone(UTC), "s1")]  # fmt: skip


def test_rows_of_which_a_fact_would_be_another_stay(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_logs(home, DAY)
    loaded_and_read(home)
    cost = "1234567890.123456789"
    execute(home, "INSERT INTO staging.stg_gemini_cli__events BY NAME "
                  f"SELECT 1 AS id, {cost} AS cost")  # fmt: skip
    rounded = "to_json({'id': staged.id, 'cost': CAST(staged.cost AS FLOAT)})"
    monkeypatch.setattr(fact_archive, "_fact", lambda types: rounded)
    with pytest.raises(FactsDiffer, match="1 rows of stg_gemini_cli__events"):
        apply_retention(home, settings(), DAY + timedelta(days=91))
    assert (counted(home, "raw_otel_logs"), counted(home, "raw_fact_archive")) == (1, 0)


def test_many_rows_go_in_steps(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_AT_ONCE", 3)
    put_logs(home, *[DAY] * 4, *(DAY + timedelta(seconds=n) for n in range(1, 9)))
    loaded_and_read(home)
    execute(home, "INSERT INTO staging.stg_codex__events BY NAME "
                  "SELECT id, session_id FROM raw_otel_logs")  # fmt: skip
    removed = apply_retention(home, settings(), DAY + timedelta(days=91))
    assert removed == Removed({"raw_otel_logs": 12}, {"stg_codex__events": 12})  # type: ignore[arg-type]
    assert counted(home, "raw_fact_archive") == 12


@pytest.fixture
def load(home: Home) -> Callable[..., Stored]:
    """Load session records, as one batch."""

    def load_batch(*records: dict[str, Any]) -> Stored:
        raw = RawBatch()
        raw.add(Envelope(Signal.SESSION_RECORDS, Encoding.JSON, json.dumps(records).encode(), 1))
        assert raw.rejected == 0
        with lease(home.database) as connection:
            start = stored_position(connection)
            end = Position(start.segment, start.offset + 1)
            batch = Batch(start, end, 1, raw.tables(), None, raw.records, None)
            stored = store(connection, batch)
        assert stored is not None
        return stored

    return load_batch


def test_a_late_duplicate_of_what_has_gone_is_one(home: Home, load: Callable[..., Stored]) -> None:
    records = [
        {"agent": "codex", "session_id": "s", "kind": "prompt", "timestamp": f"2026-03-28T{hour}Z"}
        for hour in ("08:00:00", "09:00:00.000001", "22:00:00")
    ]
    load(*records)
    loaded_and_read(home)
    execute(home, "UPDATE ingest_batches SET loaded_at = '2026-01-01'")
    execute(
        home,
        "INSERT INTO staging.stg_codex__session_records BY NAME "
        "SELECT record_key, batch_id, session_id FROM raw_agent_session_records",
    )
    assert apply_retention(home, settings(), DAY + timedelta(days=91)).rows
    assert counted(home, "raw_agent_session_records") == 0
    new = records[0] | {"timestamp": "2026-03-28T08:30:00Z"}
    assert load(*reversed(records), new) == Stored(rows=1, duplicates=3, rejected=0)
    assert load(records[1]) == Stored(rows=0, duplicates=1, rejected=0)
    position = execute(home, 'SELECT "offset", next_batch_id FROM loader_position')
    assert position == [(3, 4)]


def test_a_late_duplicate_without_a_time_of_its_own_is_one(home: Home) -> None:
    put_logs(home, DAY)
    loaded_and_read(home)
    [(key,)] = execute(home, "SELECT record_key FROM raw_otel_logs")
    execute(home, "INSERT INTO staging.stg_codex__events BY NAME SELECT id FROM raw_otel_logs")
    apply_retention(home, settings(), DAY + timedelta(days=91))
    again = DAY + timedelta(days=92)
    own = {"timestamp": again, "created_at": again, "record_key": key.bytes}
    columns = TABLES["raw_otel_logs"]
    row = to_table(columns, [tuple(own.get(name) for name in columns.names)])
    with lease(home.database) as connection:
        start = stored_position(connection)
        batch = Batch(start, Position(9, 9), 1, {"raw_otel_logs": row}, None, 1, None)
        assert store(connection, batch) == Stored(rows=0, duplicates=1, rejected=0)


def put_of_every_table(home: Home, moment: datetime) -> None:
    """A row dated `moment` in every table of which rows go; the times of days are their dates."""
    with lease(home.database) as connection:
        for table, when in TIMES.items():
            columns = connection.execute(
                "SELECT column_name, data_type, is_nullable FROM duckdb_columns() "
                "WHERE table_name = $table AND schema_name = 'main'",
                {"table": table},
            ).fetchall()
            values: dict[str, object] = {}
            for name, kind, nullable in columns:
                if name in (when, "created_at") or not nullable:
                    values[name] = _something(kind, moment)
            names = ", ".join(f'"{name}"' for name in values)
            marks = ", ".join("?" * len(values))
            connection.execute(
                f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values())
            )


def _something(kind: str, moment: datetime) -> object:
    if "TIME" in kind:
        return moment
    if kind == "DATE":
        return moment.date()
    if kind == "UUID":
        return "00000000-0000-0000-0000-000000000001"
    return "{}" if kind == "JSON" else str(moment) if kind == "VARCHAR" else 1


def test_all_that_is_older_than_figures_are_kept_goes_from_every_table(home: Home) -> None:
    """And is asked to go from the marts; what is younger stays, and so do settings and prices."""
    put_of_every_table(home, DAY)
    put_of_every_table(home, DAY + timedelta(days=1))
    execute(home, "INSERT INTO raw_settings VALUES ('a', 'b', '2020-01-01')")
    write_state(home.transform_state, TransformState("then", shape="as it was"))
    of_two_years = settings(raw_days=0, aggregate_days=730)
    noon = datetime(2028, 3, 27, 12, tzinfo=BERLIN)
    assert apply_retention(home, of_two_years, noon) == Removed()
    removed = apply_retention(home, of_two_years, noon + timedelta(days=1))
    assert removed.rows == dict.fromkeys(TIMES, 1)
    assert removed.needs_transform
    state = read_transform(home)
    assert state is not None
    assert state.shape is None
    assert {table: counted(home, table) for table in TIMES} == dict.fromkeys(TIMES, 1)
    assert counted(home, "raw_settings") == 1
    assert not apply_retention(home, of_two_years, noon + timedelta(days=1)).rows


def test_what_was_found_out_of_a_commit_goes_with_it(home: Home) -> None:
    execute(home, "INSERT INTO raw_git_commits (id, commit_hash, commit_timestamp, created_at) "
                  "VALUES (1, 'old', '2026-03-01', '2026-03-01')")  # fmt: skip
    for commit in ("old", "other"):
        execute(home, "INSERT INTO raw_git_line_survival (commit_hash, measured_at, created_at) "
                      "VALUES (?, '2026-06-01', '2026-06-01')", commit)  # fmt: skip
    now = datetime(2026, 6, 5, tzinfo=UTC)
    apply_retention(home, settings(raw_days=0, aggregate_days=60), now)
    left = execute(home, "SELECT commit_hash FROM raw_git_line_survival")
    assert left == [("other",)]


def test_the_file_becomes_smaller_and_stays_its_owners(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_WORTH_A_REWRITE", 1024 * 1024)
    loaded_and_read(home)
    execute(
        home,
        "INSERT INTO raw_otel_logs (id, timestamp, created_at, record_key, batch_id, body) "
        "SELECT i, now() - to_days(100), now(), uuid(), 1, sha256(i::VARCHAR) || md5(i::VARCHAR) "
        "FROM range(200000) AS t(i)",
    )
    execute(home, "CREATE TABLE after_them AS SELECT uuid() AS x FROM range(50000)")
    execute(home, "CREATE VIEW staging.of_them AS SELECT count(*) AS n FROM main.after_them")
    before = home.database.stat().st_size
    removed = apply_retention(home, settings(), datetime.now(UTC))
    assert removed.rows == {"raw_otel_logs": 200_000}
    assert home.database.stat().st_size < before / 3
    assert stat.S_IMODE(home.database.stat().st_mode) == 0o600
    assert sorted(path.name for path in home.data.glob("*duckdb*")) == [home.database.name]
    assert execute(home, "FROM staging.of_them") == [(50_000,)]


def test_a_team_keeps_90_days_and_two_years_and_a_single_user_everything(home: Home) -> None:
    assert look_ahead(home, Settings(), datetime.now(UTC)) == []
    assert not home.database.exists()
    create_key(home, Settings(), developer_id="ada", organisation="acme",
               scopes=(Scope.INGEST,), role=Role.DEVELOPER, teams=(), days=1)  # fmt: skip
    team = kept(home, Settings())
    assert (team.raw_days, team.figure_days) == (90, 730)
    ever = kept(home, Settings(retention=RetentionSettings(0, 0)))
    assert (ever.raw_days, ever.figure_days) == (None, None)
    days = {due.table: due.kept_days for due in look_ahead(home, Settings(), datetime.now(UTC))}
    assert days == dict.fromkeys(TIMES, 730) | dict.fromkeys([*RAW, "raw_rejected"], 90)


def test_every_raw_table_goes_some_day_or_is_the_users_own(home: Home) -> None:
    with lease(home.database) as connection:
        tables = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, 'raw_')"
        ).fetchall()
    stay = {"raw_settings", "raw_user_overrides", "raw_price_epochs"}
    assert {name for (name,) in tables} == {name for name in TIMES if name[:4] == "raw_"} | stay


def test_others_get_the_file_between_two_steps(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader in the pause sees rows and facts of whole steps."""
    monkeypatch.setattr(retention, "_AT_ONCE", 2)
    put_logs(home, *(DAY + timedelta(seconds=n) for n in range(6)))
    loaded_and_read(home)
    execute(home, "INSERT INTO staging.stg_codex__events BY NAME SELECT id FROM raw_otel_logs")
    seen = []

    def look(_: float) -> None:
        with duckdb.connect(str(home.database), read_only=True) as connection:
            seen.append(connection.execute(
                "SELECT (SELECT count(*) FROM raw_otel_logs), "
                "(SELECT count(*) FROM raw_fact_archive)"
            ).fetchone())  # fmt: skip

    monkeypatch.setattr("time.sleep", look)
    apply_retention(home, settings(), DAY + timedelta(days=91))
    assert seen[:3] == [(4, 2), (2, 4), (0, 6)]
