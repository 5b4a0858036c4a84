"""What becomes too old, by the settings, goes: raw rows first, their facts and all figures later.

Raw rows leave what dbt made of them in the archive, so no mart changes when they go, not even in a
full refresh. A day is kept whole: what is kept for 90 days goes when the 91st day after its own
begins, in the time zone of the settings.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import duckdb
import structlog

from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.transform import alone, ask_for_full_refresh
from agent_analytics_collector.warehouse.fact_archive import (
    OLD,
    RAW,
    SEEN,
    archive,
    last_batch_read,
)
from agent_analytics_collector.warehouse.lease import lease_when_free
from agent_analytics_collector.warehouse.recovery_state import add_retired
from agent_analytics_collector.warehouse.retention_plan import (
    COMMITS,
    LEASE_TIMEOUT_S,
    OF_COMMITS,
    TIMES,
    Kept,
    boundary,
    kept,
    look_ahead,
    moment_of,
)
from agent_analytics_collector.warehouse.rewrite import rewrite

log = structlog.get_logger()

_AT_ONCE = 50_000
"""Raw rows of a step; the file is let go of between two."""
_PAUSE_S = 0.3
_NO_FIGURES = ("raw_rejected", "ingest_batches")
"""Tables of which nothing is in the marts."""
_WORTH_A_REWRITE = 64 * 1024 * 1024
"""Free bytes in the file; less is used up by what comes."""


@dataclass(slots=True)
class Removed:
    """What went."""

    rows: Counter[str] = field(default_factory=Counter)
    """By table."""
    facts: Counter[str] = field(default_factory=Counter)
    """What was archived, by staging model."""
    unread: int = 0
    """Raw rows that are old enough and stay until a run of dbt has read them."""
    needs_transform: bool = False
    """Whether figures go with the next `transform`, which makes everything anew."""


def apply_retention(home: Home, settings: Settings, now: datetime) -> Removed:
    """Remove what is too old at `now`; the file is leased for a step at a time.

    A step is whole or not at all, so what is stopped goes on next time. Raises FileLocked,
    NotADatabase, FactsDiffer.
    """
    removed = Removed()
    try:
        _remove(home, settings, now, removed)
    finally:
        removed.rows, removed.facts = +removed.rows, +removed.facts  # without zeros
        if removed.rows:
            add_retired(home, removed.rows)
    if removed.rows:
        _give_back(home)
        log.info("retention", rows=dict(removed.rows), facts=dict(removed.facts))
    return removed


def _remove(home: Home, settings: Settings, now: datetime, removed: Removed) -> None:
    keeps = kept(home, settings)
    tables = [due.table for due in look_ahead(home, settings, now) if due.rows_due]
    if tables and keeps.figure_days is not None:
        _remove_figures(home, keeps, now, removed)
    if tables and keeps.raw_days is not None:
        since = keeps.since(keeps.raw_days, now)
        for table in filter(RAW.__contains__, tables):
            _remove_raw(home, table, since, now, removed)
        if "raw_rejected" in tables:
            with _step(home) as connection:
                removed.rows["raw_rejected"] += _delete(
                    connection, "raw_rejected", "created_at < $since", {"since": since}
                )


@contextmanager
def _step(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """A transaction on the file, with no `transform` of this home under way."""
    with alone(home), lease_when_free(home.database, LEASE_TIMEOUT_S) as connection:
        connection.execute("BEGIN")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    time.sleep(_PAUSE_S)


def _remove_raw(home: Home, table: str, since: datetime, now: datetime, removed: Removed) -> None:
    while True:
        with _step(home) as connection:
            seen = last_batch_read(connection) or 0
            row = connection.execute(
                f"""
                SELECT max(moment), count(*) FROM (
                    SELECT least(raw.timestamp, raw.created_at) AS moment
                    FROM {table} AS raw WHERE {OLD} AND {SEEN}
                    ORDER BY moment LIMIT {_AT_ONCE}
                )
                """,
                {"until": since, "seen": seen},
            ).fetchone()
            assert row is not None
            newest, found = row
            if newest is not None:
                until = min(newest + timedelta(microseconds=1), since)
                removed.facts.update(archive(connection, table, until, seen, now))
                removed.rows[table] += _delete(
                    connection, table, f"{OLD} AND {SEEN}", {"until": until, "seen": seen}
                )
            if found < _AT_ONCE:
                rest = f"SELECT count(*) FROM {table} AS raw WHERE {OLD}"
                left = connection.execute(rest, {"until": since}).fetchone()
                removed.unread += left[0] if left else 0
                return


def _remove_figures(home: Home, keeps: Kept, now: datetime, removed: Removed) -> None:
    """All that is older goes from every table, and is asked to go from the marts."""
    assert keeps.figure_days is not None
    with _step(home) as connection:
        gone: Counter[str] = Counter()
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE gone AS SELECT commit_hash FROM {COMMITS} "
            f"WHERE {moment_of(connection, COMMITS)} < $since",
            {"since": keeps.since(keeps.figure_days, now)},
        )
        for table in TIMES:
            old = f"{moment_of(connection, table)} < $since"
            if table in OF_COMMITS:
                old += f" OR {OF_COMMITS[table][1]} IN (SELECT commit_hash FROM gone)"
            since = boundary(table, keeps.figure_days, keeps, now)
            gone[table] = _delete(connection, table, old, {"since": since})
        connection.execute("DROP TABLE gone")
        removed.rows.update(gone)
        if any(count for table, count in gone.items() if table not in _NO_FIGURES):
            ask_for_full_refresh(home)
            removed.needs_transform = True


def _delete(
    connection: duckdb.DuckDBPyConnection, table: str, condition: str, parameters: dict[str, object]
) -> int:
    row = connection.execute(f"DELETE FROM {table} AS raw WHERE {condition}", parameters).fetchone()
    return int(row[0]) if row else 0


def _give_back(home: Home) -> None:
    """Make the file smaller, where enough of it is free to be worth writing it anew."""
    with lease_when_free(home.database, LEASE_TIMEOUT_S) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute(
            "SELECT block_size * free_blocks, block_size * total_blocks "
            "FROM pragma_database_size() WHERE database_name = current_database()"
        ).fetchone()
        assert row is not None
        free, size = row
        if free < max(_WORTH_A_REWRITE, size / 3):
            return
        try:
            rewrite(connection, home.database)
        except (duckdb.IOException, OSError) as error:  # no room: the space is used again anyway
            log.warning("not_rewritten", free_bytes=free, problem=str(error).splitlines()[0])
