"""From a vendor's API to our own: which days, with which secret, in batches that it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec

from agent_analytics_cli.outbound.api_client import ApiClient
from agent_analytics_cli.outbound.delivery import Body, deliver
from agent_analytics_collector.connectors import (
    claude_analytics,
    claude_costs,
    cursor,
    github_copilot,
)
from agent_analytics_collector.connectors.records import Record
from agent_analytics_collector.connectors.token_file import (
    TokenUnusable,
    check_mode,
    checked_token,
    read_token_file,
)
from agent_analytics_collector.errors import BadSetting
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Loaded, environment_name

BATCH_RECORDS = 500
BATCH_BYTES = 4_000_000
TIMEOUT_S = 30.0
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Source:
    """A vendor's API, ready to be asked."""

    title: str
    path: str
    """Of our own API, which takes its records."""
    trailing_days: int
    """Days that are fetched again each time, for the vendor corrects them."""
    last_day: date
    """The newest day that the vendor can know, in UTC."""
    fetch: Callable[[date, date], Iterator[Sequence[Record]]]


class Summary(msgspec.Struct):
    """What a sync has done."""

    vendor: str
    since: date
    until: date
    days: int = 0
    """Days with data."""
    records: int = 0
    accepted: int = 0
    rejected: int = 0
    problems: list[str] = []
    """Reasons of the first rejected records."""


def copilot_source(loaded: Loaded, home: Home) -> Source:
    """GitHub Copilot's metrics. Raises BadSetting, TokenUnusable."""
    settings = loaded.settings.vendors.github
    name = settings.organisation or settings.enterprise
    if not name:
        setting = "vendors.github.organisation"
        problem = "name the organisation whose Copilot metrics are read (or `enterprise` beside it)"
        raise BadSetting(setting, loaded.origins[setting], problem)
    scope = github_copilot.Scope(name, is_enterprise=not settings.organisation)
    token = _token(loaded, home, "github", "GitHub")

    def fetch(since: date, until: date) -> Iterator[Sequence[Record]]:
        with github_copilot.open_api(token, settings.api_url) as api:
            yield from github_copilot.fetch(api, scope, since, until)

    return Source(
        "GitHub Copilot", "/v1/copilot-metrics",
        github_copilot.TRAILING_DAYS, github_copilot.last_day(), fetch,
    )  # fmt: skip


def claude_source(loaded: Loaded, home: Home) -> Source:
    """Claude Code Analytics, then the organisation's cost report. Raises TokenUnusable."""
    url = loaded.settings.vendors.claude.api_url
    token = _token(loaded, home, "claude", "Anthropic")

    def fetch(since: date, until: date) -> Iterator[Sequence[Record]]:
        with claude_analytics.open_api(token, url) as api:
            yield from claude_analytics.fetch(api, since, until)
            yield from claude_costs.fetch(api, since, until)

    return Source(
        "Anthropic", "/v1/vendor-usage",
        claude_analytics.TRAILING_DAYS, claude_analytics.last_day(), fetch,
    )  # fmt: skip


def cursor_source(loaded: Loaded, home: Home) -> Source:
    """Cursor's daily usage and usage events. Raises TokenUnusable."""
    url = loaded.settings.vendors.cursor.api_url
    token = _token(loaded, home, "cursor", "Cursor")

    def fetch(since: date, until: date) -> Iterator[Sequence[Record]]:
        with cursor.open_api(token, url) as api:
            yield from cursor.fetch(api, since, until)

    return Source(
        "Cursor", "/v1/vendor-usage", cursor.TRAILING_DAYS, cursor.last_day(), fetch
    )  # fmt: skip


SOURCES: dict[str, Callable[[Loaded, Home], Source]] = {
    "copilot": copilot_source,
    "claude": claude_source,
    "cursor": cursor_source,
}


def sync(source: Source, since: date, api: ApiClient | None) -> Summary:
    """Fetch the days from `since` on and deliver them; None delivers nothing.

    What was delivered before an error stays: each day is delivered whole. Raises VendorError,
    ApiUnreachable, ApiRefused.
    """
    summary = Summary(source.title, since, source.last_day)
    days: set[date] = set()
    for records in source.fetch(since, source.last_day):
        days.update(record.day for record in records)
        summary.days = len(days)
        summary.records += len(records)
        if api is not None:
            for batch in _batches(records):
                _deliver(api, source.path, batch, summary)
    return summary


def first_day(source: Source, days: int | None) -> date:
    """The first of so many days, by default of those that the vendor may have corrected."""
    return source.last_day - timedelta(days=(days or source.trailing_days) - 1)


def _deliver(api: ApiClient, path: str, batch: list[Body], summary: Summary) -> None:
    delivered = deliver(api, path, batch)
    summary.accepted += delivered.accepted + delivered.duplicate
    summary.rejected += len(delivered.refused)
    for _, reason in delivered.refused[: _MOST_PROBLEMS - len(summary.problems)]:
        summary.problems.append(reason)


def _batches(records: Sequence[Record]) -> Iterator[list[Body]]:
    batch: list[Any] = []
    size = 0
    for record in records:
        length = len(msgspec.json.encode(record))
        if batch and (len(batch) == BATCH_RECORDS or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(msgspec.to_builtins(record))
        size += length
    if batch:
        yield batch


def _token(loaded: Loaded, home: Home, vendor: str, title: str) -> str:
    settings = getattr(loaded.settings.vendors, vendor)
    name = f"vendors.{vendor}.token"
    if settings.token:
        if loaded.origins[name] == str(home.config_file):
            check_mode(home.config_file, f"{name} in {home.config_file}")
        return checked_token(settings.token, f"{name} ({loaded.origins[name]})")
    if settings.token_file:
        return read_token_file(home.root / Path(settings.token_file).expanduser())
    raise TokenUnusable(
        f"There is no token for {title}",
        f"put it into a file that you alone may read (`chmod 600`) and name that in "
        f"vendors.{vendor}.token_file, or set {environment_name(name)}.",
    )
