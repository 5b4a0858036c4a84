"""`--since` and `--until` of commands: days as the user counts them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeVar

import rich_click as click

from agent_analytics_cli.days import Days, machine_time_zone
from agent_analytics_cli.output import note
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings

R = TypeVar("R")


def range_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command `--since` and `--until`, as it was typed; `parse_range` makes days of them."""
    until = click.option("--until", metavar="DAY", help="Last day, included.")
    since = click.option(
        "--since", metavar="DAY", help="First day: 2026-03-14, today, yesterday, 7d or 2w."
    )
    return since(until(command))


def user_days(home: Home, time_zone: str | None = None) -> Days:
    """How days are counted: in that zone, else as set, else in the machine's."""
    settings = load_settings(home).settings
    zone = time_zone or settings.time_zone or machine_time_zone()
    if zone is None:
        note("This machine's time zone has no name, so days are in UTC. Choose one with --tz.")
    return Days(zone or "UTC", settings.day_rollover_hour)


def parse_range(
    since: str | None, until: str | None, days: Days
) -> tuple[date | None, date | None]:
    """The first and the last day; None was not given. Raises click's errors for wrong ones."""
    first, last = parse_day(since, "--since", days), parse_day(until, "--until", days)
    if first and last and first > last:
        raise click.UsageError(f"--since {first} is after --until {last}.")
    return first, last


def parse_day(text: str | None, option: str, days: Days) -> date | None:
    """The day; None was not given. Raises click.BadParameter naming the option."""
    try:
        return days.parse(text) if text is not None else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None
