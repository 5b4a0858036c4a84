"""Erasing a person from a DuckDB file: the rows, and the bytes that they were."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb

from agent_analytics_collector.privacy.rows import (
    arrived_at,
    is_about,
    tables,
    without_accounts,
)
from agent_analytics_collector.privacy.subject import Subject
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.warehouse.lease import lease_when_free
from agent_analytics_collector.warehouse.load import stored_position
from agent_analytics_collector.warehouse.rewrite import rewrite

LEASE_TIMEOUT_S = 120.0
_MADE = ("staging", "intermediate", "marts", "seeds")
"""Schemas of what dbt makes; another is the user's own."""
Finder = Callable[[duckdb.DuckDBPyConnection], Subject]
"""Finds a person in a file, and leaves the temporary tables that `rows.is_about` asks."""


def erase_database(
    database: Path, find: Finder, until: datetime | None = None
) -> tuple[Subject, dict[str, int], Position]:
    """Delete the person whom `find` tells from the file, and write it anew.

    Returns who it was, rows deleted by table, and the spool position where the file stands. What
    dbt made is left behind: it is made anew. `until` keeps what arrived later. Raises FileLocked,
    NotADatabase, NewerSchema.
    """
    with lease_when_free(database, LEASE_TIMEOUT_S) as connection:
        subject = find(connection)
        _drop_made(connection)
        deleted = _delete_rows(connection, until)
        position = stored_position(connection)
        rewrite(connection, database)
    return subject, deleted, position


def _delete_rows(
    connection: duckdb.DuckDBPyConnection, until: datetime | None = None
) -> dict[str, int]:
    """Delete the person's rows, in one transaction; rows by table."""
    deleted: dict[str, int] = {}
    connection.execute("BEGIN")
    try:
        for table in tables(connection):
            about = is_about(table)
            if about is None:
                continue
            arrived = arrived_at(table)
            parameters = [until] if until is not None and arrived is not None else []
            if parameters:
                about = f"{about} AND {arrived} <= ?"
            if "batch_id" in table.columns:
                _forget_rejected(connection, table.quoted, about, parameters)
            row = connection.execute(
                f"DELETE FROM {table.quoted} WHERE {about}", parameters
            ).fetchone()
            for is_theirs, change in without_accounts(table):
                connection.execute(
                    f"UPDATE {table.quoted} SET {change} WHERE {is_theirs}"
                    + (f" AND {arrived} <= ?" if parameters else ""),
                    parameters,
                )
            if row and row[0]:
                deleted[table.name] = deleted.get(table.name, 0) + int(row[0])
        connection.execute(
            "UPDATE raw_git_commits SET developer_id = NULL "
            "WHERE lower(trim(developer_id)) IN (FROM subject_names)"
            + (" AND created_at <= ?" if until else ""),
            [until] if until else [],
        )
        if overrides := _delete_overrides(connection):
            deleted["raw_user_overrides"] = overrides
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return deleted


def _forget_rejected(
    connection: duckdb.DuckDBPyConnection, table: str, about: str, parameters: list[datetime]
) -> None:
    """Rejected records name no developer: those that came with the person's lose their outline."""
    connection.execute(
        "UPDATE raw_rejected SET record = NULL WHERE record IS NOT NULL "
        f"AND batch_id IN (SELECT batch_id FROM {table} WHERE {about})",
        parameters,
    )


def _delete_overrides(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute(
        'DELETE FROM raw_user_overrides WHERE EXISTS (SELECT 1 FROM json_each("row") AS cell '
        "WHERE lower(trim(cell.value ->> '$')) IN (FROM subject_names))"
    ).fetchone()
    return int(row[0]) if row else 0


def _drop_made(connection: duckdb.DuckDBPyConnection) -> None:
    for schema in _MADE:
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
