"""What dbt needs to know of the user's settings and CSV files, as rows it can read.

So a plain `dbt build` from a shell needs no variables. A row that did not change keeps its
`changed_at`. Prices are never taken back: each change of that file is written as a whole new
version beside the old ones, because a changed price must not move the past.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import duckdb
import structlog
import tzlocal

from agent_analytics_collector.home import Home
from agent_analytics_collector.privacy.email_identities import identity_rows, is_recent
from agent_analytics_collector.scrub.text import without_home
from agent_analytics_collector.settings import Settings

log = structlog.get_logger()

PRICES = "model_price_overrides"
IDENTITIES = "developer_identities"
OVERRIDES = (
    "model_aliases", IDENTITIES, "plans", "subscriptions", "budgets", "invoices",
    "teams",
)  # fmt: skip
"""With PRICES, the names of the CSV files a user may put into `seeds/` of the home."""

Row = tuple[str, str]


def write_user_input(connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings) -> None:
    """Bring `raw_settings` and `raw_user_overrides` to what is set now."""
    settings_stored = _stored(connection, "SELECT name, value FROM raw_settings")
    wanted = _setting_rows(settings) | _ticket_pattern(connection, settings)
    _change(connection, "raw_settings", settings_stored, wanted)
    for kind in OVERRIDES:
        rows = _file_rows(home.seeds, kind)
        if rows is not None:
            stored = _stored(connection, f"{_OVERRIDES} WHERE kind = '{kind}'")
            if kind == IDENTITIES:
                stored = {row for row in stored if not is_recent(row[1])}
                rows |= identity_rows(home)
            _change(connection, "raw_user_overrides", stored, rows)
    newest = _stored(
        connection,
        f"{_OVERRIDES} WHERE kind = '{PRICES}' AND changed_at = (SELECT max(changed_at) "
        f"FROM raw_user_overrides WHERE kind = '{PRICES}')",
    )
    prices = _file_rows(home.seeds, PRICES)
    if prices is None:
        return
    prices |= _removed(newest, prices)
    if prices != newest:
        _change(connection, "raw_user_overrides", set(), prices)


_OVERRIDES = 'SELECT kind, "row" FROM raw_user_overrides'


def machine_time_zone() -> str:
    """IANA name of the machine's zone; UTC where it cannot be told."""
    try:
        return tzlocal.get_localzone_name() or "UTC"
    except (LookupError, ValueError, OSError):  # a TZ or /etc/localtime that names no zone
        return "UTC"


def _setting_rows(settings: Settings) -> set[Row]:
    rows = {
        "time_zone": settings.time_zone or machine_time_zone(),
        "day_rollover_hour": str(settings.day_rollover_hour),
        "git.correlation_window": str(settings.git.correlation_window),
    }
    rows |= {
        name: str(value)
        for name, value in (
            ("roi.hourly_rate_usd", settings.roi.hourly_rate_usd),
            ("roi.hours_saved_low", settings.roi.hours_saved_low),
            ("roi.hours_saved_high", settings.roi.hours_saved_high),
        )
        if value is not None
    }
    if settings.project_id:
        rows["project_id"] = without_home(settings.project_id)
    return set(rows.items())


def _ticket_pattern(connection: duckdb.DuckDBPyConnection, settings: Settings) -> set[Row]:
    """The setting, if dbt can use it; a pattern of Python's own kind would fail every build."""
    name, pattern = "git.ticket_pattern", settings.git.ticket_pattern
    quoted = pattern.replace("'", "''")  # a parameter would not be looked at
    try:
        connection.execute(f"SELECT regexp_matches('', '{quoted}')").fetchall()
    except duckdb.Error as error:
        log.error("setting_unusable", setting=name, problem=str(error).splitlines()[0])
        return set()
    return {(name, pattern)}


def _file_rows(seeds: Path, kind: str) -> set[Row] | None:
    """(kind, JSON) of each row of `<kind>.csv`; none of it when there is no such file.

    Rows that are alike are one: a row is known by nothing else. `invoice list` names them.
    None when the file cannot be read: what was read before then counts.
    """
    path = seeds / f"{kind}.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {
                (
                    kind,
                    _json(
                        {
                            name.strip(): without_home(text)  # as projects are stored
                            for name, text in row.items()
                            if name and text
                        }
                    ),
                )
                for row in csv.DictReader(file)
            }
    except FileNotFoundError:
        return set()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        log.error("seed_unreadable", file=str(path), problem=str(error))
        return None


def _removed(newest: set[Row], prices: set[Row]) -> set[Row]:
    """A row for each model and service tier of the newest version that the file has no more."""
    kept = {_priced(row) for row in prices}
    return {
        (PRICES, _json({"model": model, "service_tier": tier, "is_removed": "true"}))
        for model, tier in {_priced(row) for row in newest} - kept
    }


def _priced(row: Row) -> tuple[str, str]:
    content = json.loads(row[1])
    return content.get("model", ""), content.get("service_tier", "standard")


def _stored(connection: duckdb.DuckDBPyConnection, query: str) -> set[Row]:
    return {(key, value) for key, value in connection.execute(query).fetchall()}


def _change(
    connection: duckdb.DuckDBPyConnection, table: str, stored: set[Row], wanted: set[Row]
) -> None:
    """Delete what is stored and not wanted, add what is wanted and not stored, with one time."""
    if stored == wanted:
        return
    key, value = ("name", "value") if table == "raw_settings" else ("kind", '"row"')
    connection.execute("BEGIN")
    for row in stored - wanted:
        connection.execute(f"DELETE FROM {table} WHERE {key} = ? AND {value} = ?", list(row))
    for row in sorted(wanted - stored):
        connection.execute(f"INSERT INTO {table} VALUES (?, ?, now())", list(row))
    connection.execute("COMMIT")


def _json(content: dict[str, str]) -> str:
    return json.dumps(content, sort_keys=True)
