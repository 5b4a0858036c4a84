"""`agent-analytics report weekly`: a week beside the one before."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from agent_analytics_cli.day_options import parse_day, user_days
from agent_analytics_cli.marts import open_marts, published_at
from agent_analytics_cli.output import note
from agent_analytics_cli.reports.report_view import NOTHING_PUBLISHED
from agent_analytics_cli.weekly.html import to_html
from agent_analytics_cli.weekly.markdown import to_markdown
from agent_analytics_cli.weekly.report import recorded_days, weekly_report
from agent_analytics_cli.weekly.week import Week
from agent_analytics_collector.home import Home

_FORMATS = {"md": to_markdown, "html": to_html}


@click.command(name="weekly")
@click.option(
    "--week",
    metavar="DAY",
    help="Any day of the week: 2026-03-14, today, 7d.  [default: the last whole week with data]",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(tuple(_FORMATS)),
    help="Markdown or a single HTML file.  [default: as the output's name ends, else md]",
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of stdout."
)
@click.option("--demo", is_flag=True, help="Report the recorded demo, not your data.")
@click.pass_context
def weekly(
    ctx: click.Context, week: str | None, kind: str | None, output: Path | None, demo: bool
) -> None:
    """Write the report of a week: what it cost beside the week before, what changed most and why.

    It also says what could have cost less, what was committed, how full budgets are, and how sure
    all of that is: coverage, requests without a price, freshness. Without --week: the last whole
    week; if that has no data, the week with the last data, up to today.

    The HTML file needs no other file and no network, and reads without JavaScript too.

    \b
    Examples:
    $ agent-analytics report weekly
    $ agent-analytics report weekly --week 2026-03-14 --output week.html
    """
    home = Home.from_environment()
    home = home.demo if demo else home
    days = user_days(home)
    asked = parse_day(week, "--week", days)
    with open_marts(home) as marts:
        published = published_at(marts)
        if marts is None or published is None:
            note(NOTHING_PUBLISHED)
            ctx.exit(1)
        try:
            chosen = (
                Week.of(asked, days.today())
                if asked
                else Week.latest(recorded_days(marts), days.today())
            )
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--week") from None
        report = weekly_report(marts, chosen, published, is_demo=demo)
    text = _FORMATS[kind or _named(output)](report)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(output), error.strerror or str(error)) from None
    note(f"Wrote {output}.")


def _named(output: Path | None) -> str:
    return "html" if output and output.suffix.lower() in (".html", ".htm") else "md"
