"""What is to be done once a day: `python -m agent_analytics_collector.housekeeping`.

The service starts it each hour; a step that was done today is not done again. A backup comes first,
so that what the others take away is in it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import msgspec
import structlog

from agent_analytics_collector.access.expiry import log_expiring_keys
from agent_analytics_collector.backup.make import DamagedDatabase, make_backup
from agent_analytics_collector.backup.swap import set_aside
from agent_analytics_collector.errors import AgentAnalyticsError, NotADatabase
from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.privacy.emails import hash_old_emails
from agent_analytics_collector.settings import Settings, load_settings
from agent_analytics_collector.state import Step, Steps, read_housekeeping, write_bytes
from agent_analytics_collector.warehouse.recovery import recover
from agent_analytics_collector.warehouse.retention import apply_retention
from agent_analytics_collector.warehouse.user_input import machine_time_zone

log = structlog.get_logger()

SET_ASIDE_KEPT = timedelta(days=30)
"""How long a damaged or replaced DuckDB file stays beside the one that took its place."""


def keep_house(home: Home, settings: Settings, now: datetime) -> Steps:
    """Do the steps that were not done today; one that fails does not keep others from it."""
    done = read_housekeeping(home)
    for name, step in _STEPS.items():
        if name in done and not _is_due(done[name], settings, now):
            continue
        began = time.monotonic()
        problem = None
        try:
            step(home, settings, now)
        except (AgentAnalyticsError, duckdb.Error, OSError) as error:
            problem = str(error)
        except Exception as error:
            log.exception("housekeeping_bug", step=name)
            problem = f"a bug ({type(error).__name__}); {home.logs} has the details"
        if problem:
            log.error("housekeeping_failed", step=name, problem=problem)
        seconds = round(time.monotonic() - began, 3)
        done[name] = Step(now.isoformat(timespec="milliseconds"), seconds, problem)
        write_bytes(home.housekeeping_state, msgspec.json.encode(done))
    return done


def _is_due(last: Step, settings: Settings, now: datetime) -> bool:
    """Whether a new day began since, as the user counts days."""
    zone = ZoneInfo(settings.time_zone or machine_time_zone())
    rollover = timedelta(hours=settings.day_rollover_hour)
    before = datetime.fromisoformat(last.at)
    days = [(moment.astimezone(zone) - rollover).date() for moment in (before, now)]
    return last.problem is not None or days[0] != days[1]


def _back_up(home: Home, settings: Settings, now: datetime) -> None:
    """Also the daily look at the whole file, where loading touches only what it needs."""
    if not (settings.backup.enabled and home.database.exists()):
        return
    try:
        make_backup(home, settings, now)
    except (DamagedDatabase, NotADatabase) as error:
        if recover(home, settings, str(error)) is None:
            raise


def _remove_set_aside(home: Home, settings: Settings, now: datetime) -> None:
    for path in set_aside(home, now - SET_ASIDE_KEPT):
        path.unlink(missing_ok=True)
        log.info("set_aside_removed", file=path.name)


_STEPS: dict[str, Callable[[Home, Settings, datetime], object]] = {
    "backup": _back_up,
    "emails": hash_old_emails,
    "retention": apply_retention,
    "set_aside": _remove_set_aside,
    "key_expiry": lambda home, _, now: log_expiring_keys(home, now.timestamp()),
}


def main() -> None:
    """Do what is due, then end; exit code 1 when the settings cannot be read."""
    home = Home.from_environment()
    configure_logging(home, "housekeeping")
    try:
        settings = load_settings(home).settings
    except AgentAnalyticsError as error:
        log.error("housekeeping_failed", step="settings", problem=str(error))
        sys.exit(1)
    keep_house(home, settings, datetime.now(UTC))


if __name__ == "__main__":
    main()
