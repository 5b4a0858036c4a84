"""Keyed hashes in the place of e-mail addresses that are old.

In the rows of the raw tables and of the archive, wherever in a text an address stands. Rows of
`developer_identities` say which hashes are which developer, so one person stays one: for addresses
that the user's own files or keys name, always, and for others while younger rows still have them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime, timedelta

import duckdb
import pyarrow as pa

from agent_analytics_collector.access.key_file import has_keys
from agent_analytics_collector.home import Home
from agent_analytics_collector.privacy.email_addresses import (
    EMAIL,
    is_email,
    is_file,
    is_login,
    is_of_a_program,
)
from agent_analytics_collector.privacy.email_identities import (
    RECENT,
    configured_emails,
    identity_row,
    is_recent,
)
from agent_analytics_collector.privacy.pseudonyms import PREFIX, Pseudonyms, pseudonyms
from agent_analytics_collector.privacy.rows import Table, arrived_at, name_columns, tables
from agent_analytics_collector.scrub.columns import JSON_COLUMNS, NAME_COLUMNS, TEXT_COLUMNS
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.transform import alone, ask_for_full_refresh
from agent_analytics_collector.warehouse.lease import lease_when_free
from agent_analytics_collector.warehouse.rewrite import rewrite

DAYS_OF_A_TEAM = 30
LEASE_TIMEOUT_S = 60.0
_COLUMNS = JSON_COLUMNS | TEXT_COLUMNS | NAME_COLUMNS | {"fact"}
_NOT_HASHED = frozenset(("raw_user_overrides", "raw_settings"))
"""What the user wrote stays as it is."""
_EMAIL = re.compile(EMAIL)


def hashed_after_days(home: Home, settings: Settings) -> int | None:
    """Days after which addresses are hashed; None: never."""
    days = settings.privacy.hash_emails_after_days
    if days is None and has_keys(home):
        return DAYS_OF_A_TEAM
    return days or None


def hash_old_emails(home: Home, settings: Settings, now: datetime) -> dict[str, int]:
    """Hash the addresses in rows that arrived longer ago than the settings keep them.

    Returns values changed by table. The next `transform` makes everything anew then. Raises
    FileLocked, NotADatabase, HomeUnusable.
    """
    days = hashed_after_days(home, settings)
    if days is None or not home.database.exists():
        return {}
    hashes = pseudonyms(home)
    changed: Counter[str] = Counter()
    with alone(home), lease_when_free(home.database, LEASE_TIMEOUT_S) as connection:
        for table in tables(connection, schema="main"):
            arrived = arrived_at(table)
            if arrived is not None and table.name not in _NOT_HASHED:
                changed[table.name] += _hash(
                    connection, table, arrived, now - timedelta(days), hashes
                )
        _note_recent(connection, hashes, configured_emails(home))
        if changed.total():
            ask_for_full_refresh(home)
            rewrite(connection, home.database)  # the addresses would else stay in free blocks
    return {table: count for table, count in changed.items() if count}


def _hash(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    arrived: str,
    before: datetime,
    hashes: Pseudonyms,
) -> int:
    count = 0
    connection.execute("BEGIN")
    for column in table.columns:
        if column not in _COLUMNS:
            continue
        rows = connection.execute(
            f'SELECT rowid, CAST("{column}" AS VARCHAR) FROM {table.quoted} '
            f'WHERE {arrived} < ? AND regexp_matches(CAST("{column}" AS VARCHAR), ?)',
            [before, EMAIL],
        ).fetchall()
        new = [
            (rowid, _EMAIL.sub(lambda found: _hashed(found, hashes), text)) for rowid, text in rows
        ]
        new = [row for row, old in zip(new, rows, strict=True) if row != old]
        if not new:
            continue
        ids, texts = zip(*new, strict=True)
        connection.register("hashed", pa.table({"id": pa.array(ids, pa.int64()), "new": texts}))
        connection.execute(
            f'UPDATE {table.quoted} SET "{column}" = hashed.new FROM hashed '
            f"WHERE {table.quoted}.rowid = hashed.id"
        )
        connection.unregister("hashed")
        count += len(new)
    connection.execute("COMMIT")
    return count


def _hashed(found: re.Match[str], hashes: Pseudonyms) -> str:
    email = found[0]
    if is_of_a_program(email) or is_file(email):
        return email
    if is_login(found):  # the server's name says which repository it is
        return f"git@{email.partition('@')[2]}"
    return hashes.of(email)


def _note_recent(
    connection: duckdb.DuckDBPyConnection, hashes: Pseudonyms, configured: dict[str, str]
) -> None:
    """Say which hashes are which address, of those that younger rows still have in the clear."""
    names = _names(connection)
    hashed = {name for name in names if name.startswith(PREFIX)}
    wanted = {
        identity_row({"identity": hashes.of(name), "developer_id": name, "origin": RECENT})[1]
        for name in sorted(names, reverse=True)
        if is_email(name) and name.lower() not in configured and hashes.of(name) in hashed
    }
    one_each = {json.loads(row)["identity"]: row for row in sorted(wanted, reverse=True)}
    found = connection.execute(
        "SELECT \"row\" FROM raw_user_overrides WHERE kind = 'developer_identities'"
    ).fetchall()
    there = {row for (row,) in found if is_recent(row)}
    for row in there - set(one_each.values()):
        connection.execute('DELETE FROM raw_user_overrides WHERE "row" = ?', [row])
    for row in sorted(set(one_each.values()) - there):
        connection.execute(
            "INSERT INTO raw_user_overrides VALUES ('developer_identities', ?, now())", [row]
        )


def _names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Names of persons in the raw tables, as they are written."""
    queries = [
        f"SELECT DISTINCT trim({value}) FROM {table.quoted}"
        for table in tables(connection, schema="main")
        for value in name_columns(table)
    ]
    rows = connection.execute(" UNION ".join(queries)).fetchall()
    return {row[0] for row in rows if row[0]}
