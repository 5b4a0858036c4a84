"""`agent-analytics limits`: what agents say of their limits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import rich_click as click

from agent_analytics_cli.marts import open_marts
from agent_analytics_cli.output import Format, format_options, note, print_csv, print_json
from agent_analytics_cli.reports.limits_query import (
    FACTS,
    LimitWindows,
    for_people,
    for_programs,
    read_limits,
)
from agent_analytics_cli.tables import Column, Kind, print_table
from agent_analytics_collector.home import Home

_TABLE = (
    Column("agent", "agent"),
    Column("window", "window"),
    Column("used", "used %", Kind.COUNT),
    Column("pace", "pace"),
    Column("resets", "resets"),
    Column("runs_out", "runs out"),
    Column("cost_usd", "cost", Kind.USD, lower_bound_if="is_partial"),
    Column("list_usd_per_percent", "per %", Kind.USD, lower_bound_if="is_partial"),
    Column("read", "told"),
)


@click.command("limits")
@format_options
def command(output_format: Format) -> None:
    """Show the limit windows that agents report: used, pace, when they run out, dollars a percent.

    Codex tells of its limits in its session files, Claude Code on its status line (see
    `agent-analytics statusline --help`). A pace above 1 uses a window up before its reset. Costs
    are list prices of the requests in the window by the time it was told, where it is known which
    requests a limit counts. Where Claude Code tells nothing, the five-hour block of your last
    requests is shown, marked as estimated.

    \b
    Examples:
    $ agent-analytics limits
    $ agent-analytics limits --json
    """
    now = datetime.now(UTC)
    with open_marts(Home.from_environment()) as marts:
        limits = read_limits(marts, now)
    _print(limits, output_format, now)
    for sentence in _notes(limits, is_published=marts is not None):
        note(sentence)


def _print(limits: LimitWindows, output_format: Format, now: datetime) -> None:
    if output_format is Format.JSON:
        print_json({"limits": [for_programs(row) for row in limits.rows]})
    elif output_format is Format.CSV:
        print_csv([Column(name, name) for name in FACTS], map(for_programs, limits.rows))
    elif limits.rows:
        print_table(_TABLE, [for_people(row, now) for row in limits.rows])


def _notes(limits: LimitWindows, *, is_published: bool) -> Iterable[str]:
    if not is_published:
        yield (
            "No marts are published yet. `agent-analytics up` receives data and publishes it; "
            "`agent-analytics transform` publishes what was received already."
        )
    elif not limits.rows:
        yield (
            "No limits are known yet. Codex's come with its session files (`agent-analytics "
            "import`), Claude Code's through its status line (`agent-analytics init "
            "--status-line`)."
        )
    if limits.estimated and not limits.told:
        yield (
            "Estimated: a five-hour block of requests, since Claude Code has not told its limits. "
            "`agent-analytics init --status-line` has it tell them."
        )
    if limits.is_partial:
        yield "`≥` marks costs that leave out requests whose price is unknown."
