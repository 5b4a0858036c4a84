"""Who was erased, as keyed hashes, so that an older copy of the data is erased again.

A hash tells nothing without the home's secret; with it a name that stands in an old copy is known
again. What arrived after the erasure is not touched: a person may come back.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import duckdb
import msgspec

from agent_analytics_collector.home import Home
from agent_analytics_collector.home_secrets import secret_key
from agent_analytics_collector.privacy.database import erase_database
from agent_analytics_collector.privacy.pseudonyms import Pseudonyms
from agent_analytics_collector.privacy.rows import name_columns, tables
from agent_analytics_collector.privacy.subject import Subject, find_subject
from agent_analytics_collector.state import write_bytes


class Erasure(msgspec.Struct, frozen=True):
    """One person's erasure."""

    at: str
    """UTC, ISO 8601."""
    names: tuple[str, ...]
    """Hashes of all names."""


def read_erasures(home: Home) -> tuple[Erasure, ...]:
    """All erasures of this home, oldest first."""
    try:
        return msgspec.json.decode(home.erasures.read_bytes(), type=tuple[Erasure, ...])
    except FileNotFoundError:
        return ()


def remember_erasure(home: Home, subject: Subject, at: datetime) -> None:
    """Keep the hashes of the person's names, durably. Raises HomeUnusable."""
    key = secret_key(home, home.pepper)
    erasure = Erasure(
        at.isoformat(), tuple(sorted(_tombstone(key, name) for name in subject.names))
    )
    content = msgspec.json.format(msgspec.json.encode([*read_erasures(home), erasure]))
    write_bytes(home.erasures, content + b"\n", durable=True)


def reapply_erasures(database: Path, home: Home) -> int:
    """Erase from a restored file whoever was erased after it was made; rows deleted.

    Raises FileLocked, NotADatabase, HomeUnusable.
    """
    deleted = 0
    for erasure in read_erasures(home):
        key = secret_key(home, home.pepper, make=False)
        finder = _Finder(frozenset(erasure.names), key)
        if finder.names_in(database):
            at = datetime.fromisoformat(erasure.at)
            deleted += sum(erase_database(database, finder, at)[1].values())
    return deleted


class _Finder:
    """Finds the person whose hashes these are."""

    def __init__(self, tombstones: frozenset[str], key: bytes) -> None:
        self._tombstones, self._key = tombstones, key

    def __call__(self, connection: duckdb.DuckDBPyConnection) -> Subject:
        return find_subject(connection, self._among(all_names(connection)), Pseudonyms(self._key))

    def names_in(self, database: Path) -> set[str]:
        with duckdb.connect(str(database), read_only=True) as connection:
            return self._among(all_names(connection))

    def _among(self, names: Iterable[str]) -> set[str]:
        return {name for name in names if _tombstone(self._key, name) in self._tombstones}


def all_names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """All names of persons in the raw tables, in lower case."""
    queries = [
        f"SELECT DISTINCT lower(trim({value})) FROM {table.quoted}"
        for table in tables(connection, schema="main")
        for value in name_columns(table)
    ]
    queries.append(
        "SELECT DISTINCT lower(trim(cell.value ->> '$')) FROM raw_user_overrides, "
        "json_each(\"row\") AS cell WHERE cell.key IN ('identity', 'developer_id', 'name')"
    )
    rows = connection.execute(" UNION ".join(queries)).fetchall()
    return {row[0] for row in rows if row[0]}


def _tombstone(key: bytes, name: str) -> str:
    return hmac.digest(key, b"erased\0" + name.strip().lower().encode(), sha256).hex()
