"""Whether a backup is what it says: every file's digest, every table readable to its last row."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb

from agent_analytics_collector.backup.folder import DATABASE, Backup

_READ_STEP = 1024 * 1024


def problems_of(backup: Backup) -> list[str]:
    """What is wrong with a backup; empty when a restore can trust it."""
    found = []
    for name, digest in backup.manifest.digests.items():
        path = backup.path / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif digest_of(path) != digest:
            found.append(f"{name} is not what was written: its SHA-256 differs")
    if found:
        return found
    problem = damage_of(backup.database)
    if problem:
        return [f"{DATABASE} cannot be read: {problem}"]
    with duckdb.connect(str(backup.database), read_only=True) as connection:
        rows = table_rows(connection)
    return [
        f"{name} has {rows.get(name, 0):,} rows, not {count:,}"
        for name, count in backup.manifest.rows.items()
        if rows.get(name) != count
    ]


def damage_of(database: Path) -> str | None:
    """What fails when every value of a DuckDB file is read; None when nothing does."""
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            tables = connection.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() "
                "WHERE database_name = current_database()"
            ).fetchall()
            for schema, table in tables:
                connection.execute(
                    f'SELECT bit_xor(hash(t)) FROM "{schema}"."{table}" AS t'
                ).fetchone()
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    return None


def table_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of each table of schema `main`."""
    names = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' AND NOT temporary "
        "AND database_name = current_database() ORDER BY table_name"
    ).fetchall()
    rows = {}
    for (name,) in names:
        counted = connection.execute(f'SELECT count(*) FROM main."{name}"').fetchone()
        rows[name] = int(counted[0]) if counted else 0
    return rows


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_READ_STEP):
            digest.update(part)
    return digest.hexdigest()
