"""`agent-analytics export`: the published marts as Parquet, CSV or JSON files."""

from __future__ import annotations

from pathlib import Path

import rich_click as click
from click.exceptions import Exit

from agent_analytics_cli.day_options import parse_range, range_options, user_days
from agent_analytics_cli.mart_export import (
    Exported,
    FileFormat,
    copy_mart,
    export_marts,
    read_marts,
)
from agent_analytics_cli.marts import open_marts
from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.reports.report_view import NOTHING_PUBLISHED
from agent_analytics_cli.tables import Column, Kind, print_table
from agent_analytics_collector.home import Home

_STDOUT = Path("-")
_COLUMNS = (Column("file", "file"), Column("rows", "rows", Kind.COUNT))


@click.command("export", short_help="Write the published marts as Parquet, CSV or JSON files.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice([each.value for each in FileFormat]),
    default=FileFormat.PARQUET.value,
    show_default=True,
    help="Of the files.",
)
@click.option("--mart", "marts", multiple=True, metavar="NAME", help="Only this mart; repeatable.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=True, dir_okay=True, allow_dash=True),
    default=Path("agent-analytics-export"),
    show_default=True,
    metavar="FOLDER",
    help="Where to; - is standard output, for one mart as CSV or JSON.",
)
@range_options
@click.option("--demo", is_flag=True, help="Export the recorded demo instead of your data.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(
    file_format: str,
    marts: tuple[str, ...],
    output: Path,
    since: str | None,
    until: str | None,
    demo: bool,
    as_json: bool,
) -> None:
    """Write the published marts as files for spreadsheets, notebooks and warehouses.

    One file a mart, all of the same published run; files of an earlier export are replaced. Costs
    are exact decimals, times are in UTC. `--since` and `--until` restrict marts whose rows have a
    day, and leave the others (dimensions, prices, quarter hours, limits) whole. Only you can read
    the files. In CSV, a text that a spreadsheet would run as a formula has a
    `'` in front.

    \b
    Examples:
    $ agent-analytics export
    $ agent-analytics export --format csv --mart fct_agent_costs --since 30d --output costs
    $ agent-analytics export --format csv --mart fct_git_commits --output - | head
    """
    home = Home.from_environment()
    first, last = parse_range(since, until, user_days(home))
    chosen = FileFormat(file_format)
    if output == _STDOUT and (len(marts) != 1 or chosen is FileFormat.PARQUET or as_json):
        raise click.UsageError("`--output -` goes with one --mart, as CSV or JSON.")
    with open_marts(home.demo if demo else home) as published:
        if published is None:
            note(NOTHING_PUBLISHED)
            raise Exit(1)
        wanted = read_marts(published, marts)
        if output == _STDOUT:
            copy_mart(published, wanted[0], chosen, Path("/dev/stdout"), first, last)
            return
        written = list(export_marts(published, wanted, chosen, output, first, last))
    rows = [_row(each) for each in written]
    if as_json:
        print_json({"folder": str(output), "format": file_format, "files": rows})
    else:
        print_table(_COLUMNS, rows)


def _row(exported: Exported) -> dict[str, object]:
    return {
        "mart": exported.mart.name,
        "file": str(exported.path),
        "rows": exported.rows,
        "day_column": exported.mart.day_column,
    }
