"""What is stored about a person, or about everybody, and who else was given it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import duckdb

from agent_analytics_collector.home import Home
from agent_analytics_collector.privacy.rows import arrived_at, is_about, tables
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.reader import count_waiting
from agent_analytics_collector.spool.segments import Position


@dataclass(frozen=True, slots=True)
class Stored:
    """Rows of one table."""

    table: str
    rows: int
    first_at: datetime | None
    """When the oldest arrived; None where the table does not say."""
    last_at: datetime | None


def stored(
    connection: duckdb.DuckDBPyConnection, *, of_subject: bool, schema: str = "main"
) -> list[Stored]:
    """Tables with rows, of all persons or of the one that `subject.find_subject` found."""
    found = []
    for table in tables(connection, schema=schema):
        about = is_about(table)
        if about is None:
            continue
        arrived = arrived_at(table)
        times = f"min({arrived}), max({arrived})" if arrived else "NULL, NULL"
        condition = about if of_subject else "true"
        row = connection.execute(
            f"SELECT count(*), {times} FROM {table.quoted} WHERE {condition}"
        ).fetchone()
        assert row is not None
        if row[0]:
            found.append(Stored(table.name, int(row[0]), _utc(row[1]), _utc(row[2])))
    return found


@dataclass(frozen=True, slots=True)
class Given:
    """A place outside of this home that data goes to, or that is asked."""

    what: str
    where: str


def given_away(settings: Settings) -> list[Given]:
    """Where the settings have this installation send data, or ask for it; no secrets, no paths."""
    found = [
        Given(f"telemetry ({', '.join(forward.signals)})", _host(forward.endpoint))
        for forward in settings.forward
    ]
    found += [
        Given("commits and session records", _host(forward.api))
        for forward in settings.forward
        if forward.api
    ]
    if settings.backend_url:
        found.append(Given("commits and session records", _host(settings.backend_url)))
    if settings.telemetry.endpoint:
        found.append(
            Given("telemetry, by the agents themselves", _host(settings.telemetry.endpoint))
        )
    vendors = settings.vendors
    found += [
        Given("asked for what it reports; it is sent a key and dates", _host(vendor.api_url))
        for vendor in (vendors.github, vendors.claude, vendors.cursor)
        if vendor.token or vendor.token_file
    ]
    return found


def spool_bytes(home: Home) -> int:
    """Bytes of received requests that the spool still holds, of everybody."""
    return count_waiting(home.spool, Position()).bytes


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}" + (f":{parts.port}" if parts.port else "")


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
