"""The way out: marts copied into one new file, `current` swung to it, views over it for BI tools.

A BI tool keeps `bi.duckdb` open for ever. It holds nothing but views on
`read_duckdb('…/current/marts.duckdb', …)`, so every query sees the newest run, and the marts of
one query come from one run. The folder is written whole and the symlink swung at once; the last
runs stay for queries that are still reading.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import structlog

from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.warehouse.today import write_today

log = structlog.get_logger()

KEPT_RUNS = 3


@dataclass(frozen=True, slots=True)
class Published:
    """A publish that took place."""

    run: str
    tables: int
    reconnect: bool
    """`bi.duckdb` was replaced: readers that keep it open should reconnect."""


def publish_new_runs(
    connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings
) -> Published | None:
    """Publish if a dbt run succeeded since the last publish; None when none did."""
    newest = connection.execute(
        "SELECT status, published_at FROM dbt_runs ORDER BY finished_at DESC LIMIT 1"
    ).fetchone()
    if newest is None or newest != ("success", None):
        return None  # after a failed run the marts may be half of it and half of the one before
    published = _publish(connection, home, settings)
    connection.execute(
        "UPDATE dbt_runs SET published_at = now() WHERE published_at IS NULL AND status = 'success'"
    )
    return published


def _publish(
    connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings
) -> Published | None:
    tables = _tables(connection, "marts")
    if settings.publish.raw:
        tables |= _tables(connection, "main", prefix="raw_")
    run = datetime.now(UTC).strftime("%Y%m%dT%H%M%S_%fZ")
    folder = home.published / run
    folder.mkdir(mode=0o700)
    try:
        _copy(connection, folder / "marts.duckdb", tables)
        write_today(connection, folder, settings)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _swing(home.published, run)
    reconnect = _write_views(home, tables)
    _remove_old_runs(home.published, keep=run)
    log.info("published", run=run, tables=len(tables), bi_replaced=reconnect)
    return Published(run, len(tables), reconnect)


Columns = tuple[tuple[str, str], ...]
"""((column, type), …)"""
Tables = dict[str, tuple[str, Columns]]
"""Published name → (qualified source, columns)."""


def _tables(connection: duckdb.DuckDBPyConnection, schema: str, prefix: str = "") -> Tables:
    rows = connection.execute(
        "SELECT table_name, list((column_name, data_type) ORDER BY column_index) "
        "FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = ? "
        "AND starts_with(table_name, ?) AND NOT ends_with(table_name, '__dbt_tmp') "
        "AND NOT ends_with(table_name, '__dbt_backup') GROUP BY table_name ORDER BY table_name",
        [schema, prefix],
    ).fetchall()
    return {name: (f'"{schema}"."{name}"', tuple(columns)) for name, columns in rows}


def _copy(connection: duckdb.DuckDBPyConnection, target: Path, tables: Tables) -> None:
    connection.execute(f"ATTACH '{_quoted(target)}' AS published (STORAGE_VERSION 'v1.5.0')")
    try:
        connection.execute("BEGIN")
        for name, (source, _) in tables.items():
            connection.execute(f'CREATE TABLE published.main."{name}" AS SELECT * FROM {source}')
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("DETACH published")
    target.chmod(0o600)
    _sync(target)


def _swing(published: Path, run: str) -> None:
    """Point `current` at the run; relative, so that the folder can be mounted elsewhere."""
    link = published / ".current.new"
    link.unlink(missing_ok=True)
    link.symlink_to(run)
    os.replace(link, published / "current")


def _write_views(home: Home, tables: Tables) -> bool:
    """Replace `bi.duckdb` when a mart was added, removed or changed its columns."""
    source = _quoted(home.published.absolute() / "current" / "marts.duckdb")
    existed = home.bi_database.exists()
    columns = {name: columns for name, (_, columns) in tables.items()}
    if existed and _viewed_columns(home.bi_database, source) == columns:
        return False
    new = home.bi_database.with_name(".bi.duckdb.new")
    new.unlink(missing_ok=True)
    bi = duckdb.connect(str(new), config={"storage_compatibility_version": "v1.5.0"})
    try:
        for name in tables:
            bi.execute(
                f'CREATE VIEW "{name}" AS SELECT * FROM '
                f"read_duckdb('{source}', table_name = '{name}')"
            )
    finally:
        bi.close()
    new.chmod(0o600)
    os.replace(new, home.bi_database)
    return existed


def _viewed_columns(bi_database: Path, source: str) -> dict[str, Columns] | None:
    """Columns by view, as they were when the views were made (DuckDB keeps them in the file).

    None when the file cannot be read or its views look elsewhere.
    """
    try:
        with duckdb.connect(str(bi_database), read_only=True) as bi:
            rows = bi.execute(
                "SELECT table_name, list((column_name, data_type) ORDER BY column_index) "
                "FROM duckdb_columns() WHERE NOT internal GROUP BY table_name"
            ).fetchall()
            definitions = bi.execute("SELECT sql FROM duckdb_views() WHERE NOT internal").fetchall()
    except duckdb.Error as error:
        log.warning("bi_unreadable", problem=str(error))
        return None
    if not all(f"'{source}'" in sql for (sql,) in definitions):
        return None
    return {name: tuple(columns) for name, columns in rows}


def _remove_old_runs(published: Path, keep: str) -> None:
    runs = sorted(path for path in published.iterdir() if path.is_dir() and not path.is_symlink())
    for path in runs[:-KEPT_RUNS]:
        if path.name != keep:
            shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
