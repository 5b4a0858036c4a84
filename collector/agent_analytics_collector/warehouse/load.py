"""Writing one batch of decoded requests into the DuckDB file, exactly once.

The rows and the spool position they came from are written in one transaction: after a crash at
any instant both are there or neither. A record that was stored before, however it came, is
recognised by its `record_key` and left out, also where only facts of it are left. What a vendor
says of a day, or blame of a commit, replaces what it said before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.warehouse.fact_archive import RAW

_IDS = {
    "raw_otel_metrics": "next_metric_id",
    "raw_otel_logs": "next_log_id",
    "raw_otel_spans": "next_span_id",
    "raw_git_commits": "next_commit_id",
    "raw_copilot_metrics": "next_copilot_metrics_id",
}
"""The counter in `loader_position` of the tables that have an `id`."""
_REPLACED_BY = {
    "raw_copilot_metrics": ("date", "developer_id"),
    "raw_vendor_usage": ("vendor", "usage_date", "actor", "model"),
    "raw_git_line_survival": ("commit_hash", "age_days"),
}
"""The key of the tables in which the newest delivery is the only row."""
_TIMES = {
    "raw_otel_metrics": "timestamp",
    "raw_otel_logs": "timestamp",
    "raw_otel_spans": "timestamp",
    "raw_git_commits": "commit_timestamp",
    "raw_git_commit_files": "commit_timestamp",
    "raw_agent_session_records": "timestamp",
    "raw_rate_limits": "observed_at",
}
"""The record's own time; a table without one is small, and all of it is looked at."""
_HOUR_US = 3_600_000_000
_MOST_SPANS = 24
"""A batch scattered over more separate spans of time than this is looked up in one piece."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Decoded requests between two spool positions.

    `tables` by raw table name, without `id` and `batch_id`; `rejected` as `raw_rejected` without
    `batch_id`; `records` counts all records including the rejected.
    """

    start: Position
    end: Position
    requests: int
    tables: dict[str, pa.Table]
    rejected: pa.Table | None
    records: int
    received_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stored:
    """What a batch became."""

    rows: int
    duplicates: int
    rejected: int


def stored_position(connection: duckdb.DuckDBPyConnection) -> Position:
    """The spool position up to which everything is in this file."""
    row = connection.execute('SELECT segment, "offset" FROM loader_position').fetchone()
    assert row is not None
    return Position(*row)


def store(connection: duckdb.DuckDBPyConnection, batch: Batch) -> Stored | None:
    """Write the batch; None when the file does not stand at the batch's start.

    That is so when the file was replaced or restored; the batch must then be read again from
    the file's own position.
    """
    connection.execute("BEGIN")
    try:
        if stored_position(connection) != batch.start:
            connection.execute("ROLLBACK")
            return None
        result = _write(connection, batch)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return result


def _write(connection: duckdb.DuckDBPyConnection, batch: Batch) -> Stored:
    row = connection.execute("SELECT next_batch_id FROM loader_position").fetchone()
    assert row is not None
    batch_id = row[0]
    rows, incoming = 0, 0
    for name, table in batch.tables.items():
        incoming += table.num_rows
        write = _replace if name in _REPLACED_BY else _insert
        rows += write(connection, name, table, batch_id)
    rejected = 0
    if batch.rejected is not None:
        rejected = batch.rejected.num_rows
        connection.register("incoming", batch.rejected)
        columns = ", ".join(batch.rejected.column_names)
        connection.execute(
            f"INSERT INTO raw_rejected (batch_id, {columns}) "
            f"SELECT {batch_id}, {columns} FROM incoming"
        )
        connection.unregister("incoming")
    connection.execute(
        "INSERT INTO ingest_batches VALUES (?, ?, ?, now(), ?, ?, ?)",
        [batch_id, _source(batch), batch.received_at, batch.records, incoming - rows, rejected],
    )
    connection.execute(
        'UPDATE loader_position SET segment = ?, "offset" = ?, next_batch_id = next_batch_id + 1',
        list(batch.end),
    )
    return Stored(rows, incoming - rows, rejected)


def _source(batch: Batch) -> str:
    """otlp, api, or both, where requests of both kinds were loaded together."""
    kinds = {"otlp" if name.startswith("raw_otel") else "api" for name in batch.tables}
    return "+".join(sorted(kinds, reverse=True)) or "otlp"


def _insert(
    connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table, batch_id: int
) -> int:
    """Rows of `table` that were not stored before, in order, with ids of their own."""
    table = _first_of_each_key(table)
    query, parameters = _stored_keys(name, table)
    table = _with_ids(connection, name, table)
    columns = ", ".join(f'"{column}"' for column in table.column_names)
    connection.register("incoming", table)
    inserted = connection.execute(
        f"INSERT INTO {name} (batch_id, {columns}) SELECT {batch_id}, {columns} "
        f"FROM incoming ANTI JOIN ({query}) AS stored USING (record_key)",
        parameters,
    ).fetchone()
    connection.unregister("incoming")
    return int(inserted[0]) if inserted else 0


def _replace(
    connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table, batch_id: int
) -> int:
    """The newest row of each key, in the place of older ones; one that is older is left out."""
    keys = _REPLACED_BY[name]
    same = " AND ".join(f"stored.{key} IS NOT DISTINCT FROM incoming.{key}" for key in keys)
    arrival = pa.array(range(table.num_rows), pa.int64())
    connection.register("incoming", table.append_column("arrival", arrival))
    newest = connection.execute(
        f"""
        SELECT * EXCLUDE (arrival) FROM incoming
        WHERE NOT EXISTS (
            FROM {name} AS stored WHERE {same} AND stored.created_at > incoming.created_at
        )
        QUALIFY row_number() OVER (
            PARTITION BY {", ".join(keys)} ORDER BY created_at DESC, arrival DESC
        ) = 1
        ORDER BY arrival
        """
    ).to_arrow_table()
    connection.unregister("incoming")
    newest = _with_ids(connection, name, newest)
    columns = ", ".join(newest.column_names)
    connection.register("incoming", newest)
    connection.execute(f"DELETE FROM {name} AS stored USING incoming WHERE {same}")
    connection.execute(
        f"INSERT INTO {name} (batch_id, {columns}) SELECT {batch_id}, {columns} FROM incoming"
    )
    connection.unregister("incoming")
    return int(newest.num_rows)


def _with_ids(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> pa.Table:
    """The table with the next free ids, where it has any; they are taken, used or not."""
    counter = _IDS.get(name)
    if counter is None:
        return table
    row = connection.execute(f"SELECT {counter} FROM loader_position").fetchone()
    assert row is not None
    connection.execute(f"UPDATE loader_position SET {counter} = {counter} + ?", [table.num_rows])
    ids = pa.array(range(row[0], row[0] + table.num_rows), pa.int64())
    return table.append_column("id", ids)


def _stored_keys(name: str, table: pa.Table) -> tuple[str, list[int]]:
    """The query for the keys among which copies of these rows may be, and its parameters.

    Only stored rows inside the batch's own time: 11 ms against 5 M keys, 207 ms without. A record
    without any time of its own was dated by its arrival, so those are looked up too.
    """
    time = _TIMES.get(name)
    if time is None:
        return f"SELECT record_key FROM {name}", []
    stored = [(name, time)]
    if name in RAW:  # its row may have gone and left its facts
        stored.append(("raw_fact_archive", "occurred_at"))
    spans = _spans_of_time(table[time])
    query = " UNION ALL ".join(
        f"SELECT record_key FROM {place} WHERE {condition}"
        for place, when in stored
        for condition in [f"{when} BETWEEN make_timestamptz(?) AND make_timestamptz(?)"]
        * len(spans)
        + [f"{when} = created_at"] * _has_undated(table, time)
    )
    return query, [moment for span in spans for moment in span] * len(stored)


def _first_of_each_key(table: pa.Table) -> pa.Table:
    keys = table["record_key"].combine_chunks().storage
    if pc.count_distinct(keys).as_py() == table.num_rows:
        return table
    arrival = pa.table({"key": keys, "arrival": pa.array(range(table.num_rows), pa.int64())})
    firsts = arrival.group_by("key").aggregate([("arrival", "min")])["arrival_min"]
    return table.take(firsts.combine_chunks().sort())


def _has_undated(table: pa.Table, time: str) -> bool:
    return bool(pc.any(pc.equal(table[time], table["created_at"])).as_py())


def _spans_of_time(column: pa.ChunkedArray) -> list[tuple[int, int]]:
    """(first, last) of the times; several where more than an hour lies between two.

    Microseconds since 1970.
    """
    times = pc.unique(column.drop_null()).cast(pa.int64())
    times = times.take(pc.sort_indices(times))
    gaps = pc.greater(pc.pairwise_diff(times), _HOUR_US)
    starts = pc.indices_nonzero(pc.fill_null(gaps, False)).to_pylist()[: _MOST_SPANS - 1]
    ends = [start - 1 for start in starts] + [len(times) - 1]
    return [
        (times[first].as_py(), times[last].as_py())
        for first, last in zip([0, *starts], ends, strict=True)
    ]
