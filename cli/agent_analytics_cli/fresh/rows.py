"""A warehouse in memory that holds the raw rows of a few sessions whole.

Its database is called `agent_analytics`, as compiled SQL names it. The rows come from the DuckDB
file, attached as `live`, and from what no loader has stored yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import orjson

from agent_analytics_cli.fresh.news import SESSION_COLUMNS
from agent_analytics_collector.warehouse.migrations import migrate

if TYPE_CHECKING:
    import pyarrow as pa

DATABASE = "agent_analytics"
LIVE = "live"
PUBLISHED = "published"
_OF_SESSIONS = (
    "raw_agent_session_records",
    "raw_otel_logs",
    "raw_otel_metrics",
    "raw_otel_spans",
)
"""The raw tables whose rows say of which session they are."""
_SESSION_ROW = orjson.dumps(
    dict.fromkeys(SESSION_COLUMNS, "VARCHAR")
    | {"record_key": "UUID", "timestamp": "TIMESTAMPTZ", "created_at": "TIMESTAMPTZ"}
).decode()
_AT_ONCE = 20_000
"""Rows that are added at a time."""
_TELLS_OF_OTHERS = ("forked_from", "thread_id", "source_session_id")
"""Fields of a session record that name another session, whose copy it may be."""
_REQUEST_KEY = "agent || ':' || coalesce(nullif(told->>'request_id', ''), told->>'message_id')"
"""Of a session record, as marts have it where an agent names its requests."""
_ARCHIVE = "raw_fact_archive"
"""Facts of rows that retention has taken."""
_SESSION_RECORDS = f"""(
    SELECT session_id, agent, kind, payload AS told FROM raw_agent_session_records
    UNION ALL
    SELECT
        session_id, regexp_extract(kind, '^stg_(.+)__session_records$', 1), fact->>'kind', fact
    FROM {_ARCHIVE}
    WHERE kind LIKE '%session_records'
)"""

Connection = duckdb.DuckDBPyConnection


def open_memory(live: Path | None) -> Connection:
    """An empty warehouse in memory; the DuckDB file is attached read-only.

    Raises duckdb.IOException when another process has the file.
    """
    connection = duckdb.connect(":memory:")
    try:
        connection.execute("SET TimeZone = 'UTC'")  # as dbt's profile
        connection.execute("SET preserve_insertion_order = false")
        # A query is over so few rows that two threads take a quarter longer than one.
        connection.execute("SET threads = 1")
        if live is not None:
            connection.execute(f"ATTACH '{quoted(live)}' AS {LIVE} (READ_ONLY)")
        connection.execute(f"ATTACH ':memory:' AS {DATABASE}")
        connection.execute(f"USE {DATABASE}")
        connection.execute("CREATE TEMP TABLE touched (session_id VARCHAR)")
    except BaseException:
        connection.close()
        raise
    return connection


def attach_published(connection: Connection, published: Path) -> None:
    """Attach the published marts, read-only. Raises duckdb.Error where they cannot be read."""
    connection.execute(f"ATTACH '{quoted(published)}' AS {PUBLISHED} (READ_ONLY)")


def take_others(connection: Connection, tables: Collection[str]) -> None:
    """Create `tables`, with all rows of those that are not of sessions, as the DuckDB file has."""
    for table in tables:
        condition = "false" if table in (*_OF_SESSIONS, _ARCHIVE) else "true"
        connection.execute(f"CREATE TABLE {table} AS FROM {LIVE}.{table} WHERE {condition}")


def take_all(connection: Connection) -> None:
    """Create all raw tables, with all rows of the DuckDB file if there is one."""
    migrate(connection, Path(DATABASE))
    if is_attached(connection, LIVE):
        for (table,) in connection.execute(
            f"SELECT table_name FROM duckdb_tables() WHERE database_name = '{LIVE}' "
            "AND schema_name = 'main' AND starts_with(table_name, 'raw_')"
        ).fetchall():
            connection.execute(f"INSERT INTO {table} BY NAME FROM {LIVE}.{table}")


def add_session_rows(connection: Connection, rows: Iterable[dict[str, object]]) -> None:
    """Add rows of session records, as `News.session_rows` has them."""
    rows = iter(rows)
    while part := list(islice(rows, _AT_ONCE)):
        # One text of JSON: to bind 400 rows one by one takes 0.2 s, to import Arrow 0.05 s.
        read = f"SELECT unnest(from_json($1, '[{_SESSION_ROW}]'), recursive := true)"
        connection.execute(f"CREATE TEMP TABLE incoming AS {read}", [orjson.dumps(part).decode()])
        _add_incoming(connection, "raw_agent_session_records")
        connection.execute("DROP TABLE incoming")


def add_table(connection: Connection, table: str, rows: pa.Table) -> None:
    """Add rows of a raw table in a loader's columns, if the table is one of sessions."""
    if table in _OF_SESSIONS:
        connection.register("incoming", rows)
        _add_incoming(connection, table)
        connection.unregister("incoming")


def _add_incoming(connection: Connection, table: str) -> None:
    more = "0 AS batch_id" if table == "raw_agent_session_records" else "0 AS batch_id, 0 AS id"
    connection.execute(
        f"""
        INSERT INTO {table} BY NAME
        SELECT DISTINCT ON (record_key) *, {more} FROM incoming
        WHERE record_key NOT IN (SELECT record_key FROM {table})
        """
    )


def newer_batches(connection: Connection) -> list[int]:
    """The batches of rows that came into the DuckDB file after the published run began."""
    rows = connection.execute(
        f"""
        SELECT batch_id FROM {LIVE}.ingest_batches WHERE loaded_at >= (
            SELECT max(started_at) FROM {LIVE}.dbt_runs
            WHERE status = 'success' AND published_at IS NOT NULL
        )
        """
    ).fetchall()
    return [batch_id for (batch_id,) in rows]


def touch(connection: Connection, tables: Collection[str], newer: Collection[int]) -> int:
    """Touch the sessions of the rows that are here and of the `newer` batches; how many."""
    of_sessions = [table for table in tables if table in _OF_SESSIONS]
    sources = [f"SELECT session_id FROM {table}" for table in of_sessions]
    if newer:
        batches = ", ".join(map(str, newer))
        sources += [
            f"SELECT session_id FROM {LIVE}.{table} WHERE batch_id IN ({batches})"
            for table in of_sessions
        ]
    connection.execute(
        f"INSERT INTO touched SELECT DISTINCT session_id FROM ({' UNION ALL '.join(sources)}) "
        "WHERE session_id <> ''"
    )
    return _count(connection, "touched")


def is_empty(connection: Connection) -> bool:
    """Whether there are no rows of sessions in the DuckDB file, or there is no file."""
    return not is_attached(connection, LIVE) or not any(
        _count(connection, f"{LIVE}.{table}") for table in _OF_SESSIONS
    )


def take_touched(connection: Connection, tables: Collection[str]) -> None:
    """All rows of the touched sessions, and of the sessions that theirs were copied from."""
    # An event without a session is in the session of its request, which a file may tell.
    nameless = "coalesce(session_id, '') = ''"
    if "raw_otel_logs" in tables:
        _take(connection, "raw_otel_logs", nameless)
    _take(connection, _ARCHIVE, f"kind LIKE '%events' AND {nameless}")
    connection.execute("CREATE TEMP TABLE pending AS FROM touched")
    pending = "session_id IN (SELECT session_id FROM pending)"
    named = ", ".join(f"told->>'{field}'" for field in _TELLS_OF_OTHERS)
    while connection.execute("FROM pending LIMIT 1").fetchone():
        for table in filter(tables.__contains__, _OF_SESSIONS):
            if table == "raw_otel_spans":
                # Of a trace, some spans name their session and some only their parents.
                of_traces = f"SELECT trace_id FROM {LIVE}.{table} WHERE {pending}"
                _take(connection, table, f"({pending} OR trace_id IN ({of_traces}))")
            else:
                _take(connection, table, pending)
        of_traces = f"SELECT fact->>'trace_id' FROM {LIVE}.{_ARCHIVE} WHERE {pending}"
        _take(connection, _ARCHIVE, f"({pending} OR (fact->>'trace_id') IN ({of_traces}))")
        # Not every copy says of what it is one: the requests in it are known by their keys.
        connection.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE pending AS
            SELECT DISTINCT session_id FROM (
                SELECT unnest([{named}]) AS session_id FROM {_SESSION_RECORDS}
                UNION ALL
                SELECT session_id FROM {PUBLISHED}.fct_agent_requests
                WHERE request_key IN (
                    SELECT {_REQUEST_KEY} FROM {_SESSION_RECORDS}
                    WHERE kind = 'request' AND {pending}
                )
            )
            WHERE session_id <> '' AND session_id NOT IN (SELECT session_id FROM touched)
            """
        )
        connection.execute("INSERT INTO touched FROM pending")
    for table in filter(tables.__contains__, _OF_SESSIONS):
        archived = f"SELECT record_key FROM {_ARCHIVE}"
        connection.execute(f"DELETE FROM {table} WHERE record_key IN ({archived})")


def _take(connection: Connection, table: str, condition: str) -> None:
    """Copy rows from the DuckDB file; of rows that are here too, those of the file count."""
    rows = f"FROM {LIVE}.{table} WHERE {condition}"
    if _count(connection, table):
        connection.execute(f"DELETE FROM {table} WHERE record_key IN (SELECT record_key {rows})")
    connection.execute(f"INSERT INTO {table} {rows}")


def is_attached(connection: Connection, name: str) -> bool:
    """Whether the connection has a database of that name."""
    return _count(connection, f"duckdb_databases() WHERE database_name = '{name}'") > 0


def _count(connection: Connection, rows: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {rows}").fetchone()
    assert found is not None
    return int(found[0])


def quoted(path: Path) -> str:
    """A path for a string in SQL."""
    return str(path).replace("'", "''")
