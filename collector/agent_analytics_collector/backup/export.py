"""The raw tables as Parquet, by month: what outlives any version of DuckDB."""

from __future__ import annotations

from pathlib import Path

import duckdb

from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.warehouse.lease import lease_when_free

LEASE_TIMEOUT_S = 60.0
_TIMES = ("timestamp", "commit_timestamp", "observed_at", "measured_at", "occurred_at",
          "loaded_at", "started_at", "created_at")  # fmt: skip
"""By which of its columns a table is cut into months: the first of these that it has."""


class ExportFailed(AgentAnalyticsError):
    """A file could not be written."""

    def __init__(self, folder: Path, problem: str) -> None:
        super().__init__(f"{folder} cannot be written: {problem}. Choose another folder with --to.")


def export_tables(home: Home, folder: Path) -> list[tuple[Path, int]]:
    """Write `<folder>/<table>/<YYYY-MM>.parquet`, 0600; (file, rows) of each.

    A table without a time of its own is one file, `all.parquet`. The DuckDB file is leased a table
    at a time. Raises ExportFailed, FileLocked, NotADatabase.
    """
    with lease_when_free(home.database, LEASE_TIMEOUT_S) as connection:
        tables = connection.execute(
            "SELECT table_name, list(column_name) FROM duckdb_columns() "
            "WHERE schema_name = 'main' AND database_name = current_database() "
            "AND NOT internal GROUP BY table_name ORDER BY table_name"
        ).fetchall()
    written: list[tuple[Path, int]] = []
    try:
        for table, columns in tables:
            time = next((name for name in _TIMES if name in columns), None)
            with lease_when_free(home.database, LEASE_TIMEOUT_S) as connection:
                written += _export(connection, table, time, folder / table)
    except (OSError, duckdb.IOException) as error:
        raise ExportFailed(folder, str(error).splitlines()[0]) from error
    return written


def _export(
    connection: duckdb.DuckDBPyConnection, table: str, time: str | None, folder: Path
) -> list[tuple[Path, int]]:
    month = f"coalesce(strftime(\"{time}\", '%Y-%m'), 'unknown')" if time else "'all'"
    months = connection.execute(
        f'SELECT {month} AS month, count(*) FROM "{table}" GROUP BY 1 ORDER BY 1'
    ).fetchall()
    if months:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = []
    for name, rows in months:
        path = folder / f"{name}.parquet"
        new = path.with_suffix(".new")
        new.touch(mode=0o600)
        target = str(new).replace("'", "''")
        connection.execute(
            f"COPY (SELECT * FROM \"{table}\" WHERE {month} = '{name}') TO '{target}' "
            "(FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)"
        )
        new.replace(path)
        written.append((path, rows))
    return written
