"""`agent-analytics outcomes`: what agents' work came to, by month and repository."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import rich_click as click

from agent_analytics_cli.output import Format, format_options, note, print_csv, print_json
from agent_analytics_cli.tiers import tier_option
from agent_analytics_cli.value_types import parse_month
from agent_analytics_collector.home import Home

if TYPE_CHECKING:
    import duckdb

_NOTHING_PUBLISHED = (
    "No marts are published yet. `agent-analytics import-git` reads the history of repositories, "
    "`agent-analytics transform` publishes what was received."
)
_NOTHING = (
    "No commits and no sessions are recorded yet. `agent-analytics import-git` reads the history "
    "of repositories, `agent-analytics import` the session files of this machine."
)


@click.command(name="outcomes")
@click.option("--month", metavar="MONTH", callback=parse_month, help="Only this month: 2026-03.")
@click.option("--repository", metavar="NAME", help="Only this one: its URL, path or last names.")
@tier_option
@format_options
def command(
    month: date | None, repository: str | None, tier: str | None, output_format: Format
) -> None:
    """Show what agents' work came to: shares of code, what stands, and what it cost.

    By month and repository. Every share stands beside its coverage, the share of lines for which
    there is any evidence. Landed: lines that sessions wrote and that were committed. Linked cost is
    that of the commits' own sessions; loaded is all spend, abandoned work included. A dash is an
    unknown, never a zero.

    \b
    Examples:
    $ agent-analytics outcomes
    $ agent-analytics outcomes --month 2026-03 --repository acme/widgets --json
    """
    from agent_analytics_cli.marts import open_marts
    from agent_analytics_cli.reports.outcome_query import FACTS, read_outcomes
    from agent_analytics_cli.reports.outcome_tables import outcome_notes
    from agent_analytics_cli.tables import Column

    with open_marts(Home.from_environment()) as marts:
        rows = [] if marts is None else read_outcomes(marts, month, repository, tier)
        reason = "" if rows else _why_empty(marts)
    if output_format is Format.JSON:
        print_json({"tier": tier, "rows": rows})
    elif output_format is Format.CSV:
        print_csv([Column(name, name) for name in FACTS], rows)
    else:
        _print(rows)
    if reason:
        note(reason)
        return
    for sentence in outcome_notes(rows, tier):
        note(sentence)


def _print(rows: Sequence[dict[str, Any]]) -> None:
    from agent_analytics_cli.reports.outcome_tables import TABLES, for_people, has_content
    from agent_analytics_cli.tables import print_table

    shown = for_people(rows)
    is_first = True
    for heading, columns in TABLES:
        if has_content(columns, shown):
            click.echo(heading if is_first else f"\n{heading}")
            print_table(columns, shown)
            is_first = False


def _why_empty(marts: duckdb.DuckDBPyConnection | None) -> str:
    """Why there is no row."""
    from agent_analytics_cli.reports.outcome_query import read_outcomes

    if marts is None:
        return _NOTHING_PUBLISHED
    known = read_outcomes(marts)
    if not known:
        return _NOTHING
    months = sorted({row["month"] for row in known})
    names = sorted({row["repository"] for row in known if row["repository"]})
    return (
        f"There is nothing of that. There are months from {months[0]} to {months[-1]} and "
        f"repositories {', '.join(names) or 'without a name'}."
    )
