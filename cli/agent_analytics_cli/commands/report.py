"""`agent-analytics report`: cost and usage as a table, JSON or CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial

import duckdb
import rich_click as click
from click.core import ParameterSource

from agent_analytics_cli.day_options import parse_range, range_options, user_days
from agent_analytics_cli.days import Days, is_time_zone
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
from agent_analytics_cli.views.view_commands import VIEWS, view_command
from agent_analytics_cli.weekly.command import weekly
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


@click.group(name="report", invoke_without_command=True)
@click.option(
    "--by",
    multiple=True,
    default=("day,agent,model",),
    callback=_split_keys,
    metavar="KEY,…",
    help=f"Group by any of {_SPELLED}; block, tool and those of commits stand alone.  "
    "[default: day,agent,model]",
)
@range_options
@click.option(
    "--tz",
    metavar="ZONE",
    callback=_check_time_zone,
    help="IANA time zone in which days are counted.  [default: the setting, then the machine's]",
)
@tier_option
@click.option("--demo", is_flag=True, help="Report the recorded demo instead of your data.")
@format_options
@click.pass_context
def command(
    ctx: click.Context,
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

    The views `cost`, `roi`, `agents`, `team` and `git` answer the questions of the dashboards,
    and `weekly` writes a week's report as Markdown or HTML.

    \b
    Examples:
    $ agent-analytics report
    $ agent-analytics report --by model --since 7d
    $ agent-analytics report --by session --since today
    $ agent-analytics report --by branch,query-source
    $ agent-analytics report --by ticket --tier lines
    $ agent-analytics report --by month,project --since 2026-01-01 --json
    $ agent-analytics report cost --since 7d
    """
    if ctx.invoked_subcommand is not None:
        _check_nothing_was_given(ctx, ctx.invoked_subcommand)
        return
    if tier and by[0] not in OF_COMMITS:
        spelled = ", ".join(key.replace("_", "-") for key in OF_COMMITS)
        raise click.UsageError(f"--tier goes with --by {spelled}.")
    home = Home.from_environment()
    days = user_days(home, tz)
    first, last = parse_range(since, until, days)
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


def _check_nothing_was_given(ctx: click.Context, sub: str) -> None:
    """Options before a view's name would be lost without a word."""
    for parameter in ctx.command.params:
        if ctx.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[0]} goes after `{sub}`, if it takes it.")


for _name in VIEWS:
    command.add_command(view_command(_name))
command.add_command(weekly)
