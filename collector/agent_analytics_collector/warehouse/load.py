"""Writing one batch of decoded requests into the DuckDB file, exactly once.

The rows and the spool position they came from are written in one transaction: after a crash at
any instant both are there or neither. A record that was stored before, however it came, is
recognised by its `record_key` and left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from agent_analytics_collector.spool.segments import Position

_IDS = {
    "raw_otel_metrics": "next_metric_id",
    "raw_otel_logs": "next_log_id",
    "raw_otel_spans": "next_span_id",
}
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
        rows += _insert(connection, name, table, batch_id)
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
        "INSERT INTO ingest_batches VALUES (?, 'otlp', ?, now(), ?, ?, ?)",
        [batch_id, batch.received_at, batch.records, incoming - rows, rejected],
    )
    connection.execute(
        'UPDATE loader_position SET segment = ?, "offset" = ?, next_batch_id = next_batch_id + 1',
        list(batch.end),
    )
    return Stored(rows, incoming - rows, rejected)


def _insert(
    connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table, batch_id: int
) -> int:
    """Rows of `table` that were not stored before, in order, with ids of their own."""
    table = _first_of_each_key(table)
    row = connection.execute(f"SELECT {_IDS[name]} FROM loader_position").fetchone()
    assert row is not None
    first_id: int = row[0]
    ids = pa.array(range(first_id, first_id + table.num_rows), pa.int64())
    columns = ", ".join(table.column_names)
    spans = _spans_of_time(table)
    # Only stored rows inside the batch's own time: 11 ms against 5 M keys, 207 ms without.
    # A record without any time of its own was dated by its arrival, so those are looked up too.
    stored = " UNION ALL ".join(
        [
            f"SELECT record_key FROM {name} "
            "WHERE timestamp BETWEEN make_timestamptz(?) AND make_timestamptz(?)"
        ]
        * len(spans)
        + [f"SELECT record_key FROM {name} WHERE timestamp = created_at"] * _has_undated(table)
    )
    connection.register("incoming", table.append_column("id", ids))
    inserted = connection.execute(
        f"INSERT INTO {name} (id, batch_id, {columns}) SELECT id, {batch_id}, {columns} "
        f"FROM incoming ANTI JOIN ({stored}) AS stored USING (record_key)",
        [moment for span in spans for moment in span],
    ).fetchone()
    connection.unregister("incoming")
    connection.execute(
        f"UPDATE loader_position SET {_IDS[name]} = {_IDS[name]} + ?", [table.num_rows]
    )
    return int(inserted[0]) if inserted else 0


def _first_of_each_key(table: pa.Table) -> pa.Table:
    keys = table["record_key"].combine_chunks().storage
    if pc.count_distinct(keys).as_py() == table.num_rows:
        return table
    arrival = pa.table({"key": keys, "arrival": pa.array(range(table.num_rows), pa.int64())})
    firsts = arrival.group_by("key").aggregate([("arrival", "min")])["arrival_min"]
    return table.take(firsts.combine_chunks().sort())


def _has_undated(table: pa.Table) -> bool:
    return bool(pc.any(pc.equal(table["timestamp"], table["created_at"])).as_py())


def _spans_of_time(table: pa.Table) -> list[tuple[int, int]]:
    """(first, last) of the timestamps; several where more than an hour lies between two.

    Microseconds since 1970.
    """
    times = pc.unique(table["timestamp"]).cast(pa.int64())
    times = times.take(pc.sort_indices(times))
    gaps = pc.greater(pc.pairwise_diff(times), _HOUR_US)
    starts = pc.indices_nonzero(pc.fill_null(gaps, False)).to_pylist()[: _MOST_SPANS - 1]
    ends = [start - 1 for start in starts] + [len(times) - 1]
    return [
        (times[first].as_py(), times[last].as_py())
        for first, last in zip([0, *starts], ends, strict=True)
    ]
