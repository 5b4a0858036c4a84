"""`agent-analytics report`: cost and usage as a table, JSON or CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial

import duckdb
import rich_click as click

from agent_analytics_cli.days import Days, is_time_zone, machine_time_zone
from agent_analytics_cli.fresh import FreshMarts, open_fresh_marts
from agent_analytics_cli.marts import open_marts
from agent_analytics_cli.output import Format, format_options, note
from agent_analytics_cli.reports.block_report import block_view
from agent_analytics_cli.reports.commit_report import commit_view
from agent_analytics_cli.reports.outcome_report import GROUPS, outcome_view
from agent_analytics_cli.reports.report_query import DIMENSIONS
from agent_analytics_cli.reports.report_view import View, notes_of, print_view
from agent_analytics_cli.reports.session_report import session_view
from agent_analytics_cli.reports.tool_report import tool_view
from agent_analytics_cli.reports.usage_report import usage_view
from agent_analytics_cli.tiers import tier_option
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings

Lister = Callable[
    [duckdb.DuckDBPyConnection | None, date | None, date | None, Days],
    View,
]
LISTINGS: dict[str, Lister] = {
    "session": session_view,
    "block": block_view,
    "tool": tool_view,
    "commit": commit_view,
}
"""What a key shows that stands alone; of these `session` goes with other keys too."""

OF_COMMITS = ("commit", *GROUPS)
"""Keys that show commits, so that `--tier` goes with them."""

_KEYS = tuple(dict.fromkeys((*DIMENSIONS, *LISTINGS, *GROUPS)))
_SPELLED = ", ".join(key.replace("_", "-") for key in _KEYS)


def _split_keys(
    ctx: click.Context, parameter: click.Parameter, values: Iterable[str]
) -> tuple[str, ...]:
    names = [name.strip() for value in values for name in value.split(",")]
    keys = tuple(dict.fromkeys(name.replace("-", "_") for name in names))
    for key, name in zip(keys, dict.fromkeys(names), strict=False):
        if key not in _KEYS:
            raise click.BadParameter(f"{name!r} is none of {_SPELLED}")
        if key not in DIMENSIONS and len(keys) > 1:
            what = "sums up commits" if key in GROUPS else f"lists single {key}s"
            raise click.BadParameter(f"`{name}` {what} and goes with no other key")
    return keys


def _check_time_zone(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> str | None:
    if value is not None and not is_time_zone(value):
        raise click.BadParameter(f"{value!r} is no IANA time zone; one is Europe/Berlin")
    return value


@click.command(name="report")
@click.option(
    "--by",
    multiple=True,
    default=("day,agent,model",),
    callback=_split_keys,
    metavar="KEY,…",
    help=f"Group by any of {_SPELLED}; block, tool and those of commits stand alone.  "
    "[default: day,agent,model]",
)
@click.option("--since", metavar="DAY", help="First day: 2026-03-14, today, yesterday, 7d or 2w.")
@click.option("--until", metavar="DAY", help="Last day, included.")
@click.option(
    "--tz",
    metavar="ZONE",
    callback=_check_time_zone,
    help="IANA time zone in which days are counted.  [default: the setting, then the machine's]",
)
@tier_option
@click.option("--demo", is_flag=True, help="Report the recorded demo instead of your data.")
@format_options
def command(
    by: tuple[str, ...],
    since: str | None,
    until: str | None,
    tz: str | None,
    tier: str | None,
    demo: bool,
    output_format: Format,
) -> None:
    """Show cost and usage by day, agent, model and more.

    Without --since: the last 30 days that have data. A dash is an unknown, never a zero: a model
    without a known price shows it for its cost, and `≥` marks a sum that leaves such costs out.
    The total is not in --csv, where it would be added up again. Tables show agents and models by
    the names that users know, --json and --csv by their ids.

    `--by session` lists sessions, the one last active first: usage in the days shown, beside the
    whole session's start, prompts and commits. `--by block` estimates five-hour blocks from
    requests, with the burn rate of the one that runs. `--by tool` counts calls, failures and
    durations. `--by worktree` is the folder in which a session began.

    `--by commit` lists commits, each with the agent that made it and how sure that is (its tier).
    Untracked means that there is no evidence, not that a human wrote it.

    `--by ticket`, `pull-request` and `commit-branch` sum up commits and their share of their
    sessions' cost, beside the coverage. `--by branch` is the session's branch and all its spend.
    With all of commits `--tier` counts only evidence as strong as that.

    \b
    Examples:
    $ agent-analytics report
    $ agent-analytics report --by model --since 7d
    $ agent-analytics report --by session --since today
    $ agent-analytics report --by branch,query-source
    $ agent-analytics report --by ticket --tier lines
    $ agent-analytics report --by month,project --since 2026-01-01 --json
    """
    if tier and by[0] not in OF_COMMITS:
        spelled = ", ".join(key.replace("_", "-") for key in OF_COMMITS)
        raise click.UsageError(f"--tier goes with --by {spelled}.")
    home = Home.from_environment()
    days = _days(home, tz)
    first, last = _parse_day(since, "--since", days), _parse_day(until, "--until", days)
    if first and last and first > last:
        raise click.UsageError(f"--since {first} is after --until {last}.")
    with _marts(home, demo=demo) as fresh:
        marts = fresh.connection
        listing = _listing(by[0], tier) if len(by) == 1 else None
        view = (
            listing(marts, first, last, days)
            if listing
            else usage_view(marts, by, first, last, days)
        )
        is_published = marts is not None
    print_view(view, output_format)
    if fresh.note:
        note(fresh.note)
    for sentence in notes_of(view, is_published=is_published, is_chosen=first is not None):
        note(sentence)


@contextmanager
def _marts(home: Home, *, demo: bool) -> Iterator[FreshMarts]:
    if demo:
        with open_marts(home.demo) as marts:
            yield FreshMarts(marts)
    else:
        with open_fresh_marts(home, load_settings(home).settings, note) as fresh:
            yield fresh


def _listing(key: str, tier: str | None) -> Lister | None:
    """What shows a key that stands alone; None for one of usage."""
    if key in GROUPS:
        return lambda marts, since, until, days: outcome_view(marts, key, since, until, days, tier)
    return partial(commit_view, tier=tier) if key == "commit" else LISTINGS.get(key)


def _days(home: Home, tz: str | None) -> Days:
    settings = load_settings(home).settings
    zone = tz or settings.time_zone or machine_time_zone()
    if zone is None:
        note("This machine's time zone has no name, so days are in UTC. Choose one with --tz.")
    return Days(zone or "UTC", settings.day_rollover_hour)


def _parse_day(text: str | None, option: str, days: Days) -> date | None:
    try:
        return days.parse(text) if text is not None else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None
