"""How long what is kept, by the settings, and what of it is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

import duckdb

from agent_analytics_collector.access.key_file import has_keys
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.warehouse.fact_archive import RAW
from agent_analytics_collector.warehouse.lease import lease_when_free
from agent_analytics_collector.warehouse.user_input import machine_time_zone

LEASE_TIMEOUT_S = 60.0
RAW_DAYS, FIGURE_DAYS = 90, 730
"""Of a team, where the settings say nothing."""
COMMITS = "raw_git_commits"
OF_COMMITS = {
    "raw_git_commit_files": ("commit_timestamp", "commit_hash"),
    "raw_git_rewrites": ("created_at", "new_hash"),
    "raw_git_line_survival": ("measured_at", "commit_hash"),
    "raw_git_attributions": ("created_at", "commit_hash"),
}
"""Tables of which rows go with their commit: their time, and the commit's hash."""
TIMES = {
    **dict.fromkeys(RAW, "timestamp"),
    "raw_rejected": "created_at",
    "raw_fact_archive": "occurred_at",
    COMMITS: "commit_timestamp",
    **{table: when for table, (when, _) in OF_COMMITS.items()},
    "raw_rate_limits": "observed_at",
    "raw_copilot_metrics": "date",
    "raw_vendor_usage": "usage_date",
    "raw_surveys": "period_end",
    "ingest_batches": "loaded_at",
}
"""What goes with its figures at the latest, by its own time. The user's own files, settings and
prices are no data of anybody's, and stay."""
_DAYS = ("date", "usage_date", "period_end")
"""Which of these are days."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Days that data is kept, None for ever, and where its days begin."""

    raw_days: int | None
    figure_days: int | None
    zone: ZoneInfo
    rollover_hour: int

    def since(self, days: int, now: datetime) -> datetime:
        """The first moment of what is kept."""
        today = self.day_of(now)
        return datetime.combine(
            today - timedelta(days), time_of_day(self.rollover_hour), self.zone
        ).astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        """The day that a moment belongs to, as in the marts."""
        local = moment.astimezone(self.zone).replace(tzinfo=None)
        return (local - timedelta(hours=self.rollover_hour)).date()


@dataclass(frozen=True, slots=True)
class Due:
    """What a table has, and what of it goes."""

    table: str
    kept_days: int
    is_archived: bool
    """Whether the facts in its rows stay."""
    rows: int
    oldest_on: date | None
    """The day of the oldest row."""
    rows_due: int
    """Rows that would go now, if dbt has read them."""
    next_on: date | None
    """The day on which the next rows go after those; None when there are none."""


def kept(home: Home, settings: Settings) -> Kept:
    """How long data is kept; a team's for 90 days and 2 years, a single user's for ever."""
    is_team = has_keys(home)
    raw, figures = settings.retention.raw_days, settings.retention.aggregate_days
    return Kept(
        (RAW_DAYS if raw is None and is_team else raw) or None,
        (FIGURE_DAYS if figures is None and is_team else figures) or None,
        ZoneInfo(settings.time_zone or machine_time_zone()),
        settings.day_rollover_hour,
    )


def look_ahead(home: Home, settings: Settings, now: datetime) -> list[Due]:
    """What would go now, and when the next goes, by table; empty when all is kept for ever.

    Raises FileLocked, NotADatabase.
    """
    keeps = kept(home, settings)
    due: list[Due] = []
    if keeps.raw_days is None and keeps.figure_days is None:
        return due
    with lease_when_free(home.database, LEASE_TIMEOUT_S) as connection:
        for table in TIMES:
            is_raw = keeps.raw_days is not None and (table in RAW or table == "raw_rejected")
            days = [
                days for days in (keeps.figure_days, keeps.raw_days if is_raw else None) if days
            ]
            if days:
                archives = table in RAW and is_raw and keeps.raw_days == min(days)
                due.append(_due(connection, table, min(days), keeps, now, archives))
    return due


def _due(
    connection: duckdb.DuckDBPyConnection,
    table: str, days: int, keeps: Kept, now: datetime, is_archived: bool,
) -> Due:  # fmt: skip
    moment = moment_of(connection, table)
    row = connection.execute(
        f"SELECT count(*), min({moment}), count(*) FILTER ({moment} < $since), "
        f"min({moment}) FILTER ({moment} >= $since) FROM {table}",
        {"since": boundary(table, days, keeps, now)},
    ).fetchone()
    assert row is not None
    rows, oldest, rows_due, next_one = row
    day_of = datetime.date if TIMES[table] in _DAYS else keeps.day_of
    return Due(
        table,
        days,
        is_archived,
        rows,
        day_of(oldest) if oldest else None,
        rows_due,
        day_of(next_one) + timedelta(days + 1) if next_one else None,
    )


def moment_of(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """SQL of the time by which a row ages: its own, or its arrival where that was earlier.

    Days are UTC midnights, which is what they are compared with.
    """
    when = TIMES[table]
    if when in _DAYS:
        return f'CAST("{when}" AS TIMESTAMPTZ)'
    has_arrival = connection.execute(
        "SELECT count(*) FROM duckdb_columns() WHERE schema_name = 'main' "
        "AND table_name = $table AND column_name = 'created_at'",
        {"table": table},
    ).fetchone()
    return when if has_arrival == (0,) else f"least({when}, created_at)"


def boundary(table: str, days: int, keeps: Kept, now: datetime) -> datetime:
    """The first moment that is kept of a table; of one with days, the UTC midnight of the day."""
    since = keeps.since(days, now)
    if TIMES[table] in _DAYS:
        return datetime.combine(keeps.day_of(since), time_of_day(), UTC)
    return since
