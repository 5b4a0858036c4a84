"""Bringing a DuckDB file to the current schema: numbered SQL files, forward only, recorded."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb

from agent_analytics_collector.errors import NewerSchema


@cache
def known_migrations() -> tuple[tuple[int, str, str], ...]:
    """(version, name, SQL) of `schema/NNNN_name.sql`, in order."""
    found = []
    for file in files("agent_analytics_collector.warehouse").joinpath("schema").iterdir():
        number, _, name = file.name.removesuffix(".sql").partition("_")
        if number.isdigit():
            found.append((int(number), name, file.read_text(encoding="utf-8")))
    return tuple(sorted(found))


def migrate(connection: duckdb.DuckDBPyConnection, database: Path) -> None:
    """Apply what is missing, each in a transaction of its own. Raises NewerSchema."""
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations "
        "(version BIGINT NOT NULL, name VARCHAR NOT NULL, applied_at TIMESTAMPTZ NOT NULL)"
    )
    row = connection.execute("SELECT coalesce(max(version), 0) FROM schema_migrations").fetchone()
    applied: int = row[0] if row else 0
    newest = known_migrations()[-1][0]
    if applied > newest:
        raise NewerSchema(database, applied, newest)
    for version, name, sql in known_migrations():
        if version <= applied:
            continue
        connection.execute("BEGIN")
        connection.execute(sql)
        connection.execute(
            "INSERT INTO schema_migrations VALUES (?, ?, now())", [version, name]
        )  # fmt: skip
        connection.execute("COMMIT")
    if applied < newest:
        # Replaying DDL from a write-ahead log is where DuckDB's recovery bugs gather.
        connection.execute("CHECKPOINT")
