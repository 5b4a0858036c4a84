"""`agent-analytics report`: cost and usage as a table, JSON or CSV."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import rich_click as click

from agent_analytics_cli.commit_report import (
    FACTS,
    TABLE,
    CommitReport,
    coverage_notes,
    for_people,
    read_commits,
)
from agent_analytics_cli.days import Days, is_time_zone, machine_time_zone
from agent_analytics_cli.marts import open_marts
from agent_analytics_cli.output import (
    Format,
    format_options,
    note,
    print_csv,
    print_json,
)
from agent_analytics_cli.report_query import DIMENSIONS, MEASURES, Report, read_report
from agent_analytics_cli.tables import Column, Kind, print_table
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings

_HEADINGS = {"week": "week of"}
_COMMIT = "commit"
_MEASURES = (
    Column("requests", "requests", Kind.COUNT),
    Column("input_tokens", "input", Kind.COUNT),
    Column("cache_read_tokens", "cache\nread", Kind.COUNT),
    Column("cache_write_5m_tokens", "cache\nwrite\n5m", Kind.COUNT),
    Column("cache_write_1h_tokens", "cache\nwrite\n1h", Kind.COUNT, only_if_any=True),
    Column("output_tokens", "output", Kind.COUNT),
    Column("reasoning_tokens", "reasoning", Kind.COUNT, only_if_any=True),
    Column("cost_usd", "cost", Kind.USD, lower_bound_if="cost_is_partial"),
    Column("unpriced_requests", "unpriced\nrequests", Kind.COUNT, only_if_any=True),
)


_NOTHING_PUBLISHED = (
    "No marts are published yet. `agent-analytics up` receives data and publishes it; "
    "`agent-analytics transform` publishes what was received already."
)


def _split_dimensions(
    ctx: click.Context, parameter: click.Parameter, values: Iterable[str]
) -> tuple[str, ...]:
    names = [name.strip() for value in values for name in value.split(",")]
    for name in names:
        if name not in (*DIMENSIONS, _COMMIT):
            raise click.BadParameter(f"{name!r} is none of {', '.join((*DIMENSIONS, _COMMIT))}")
    keys = tuple(dict.fromkeys(names))
    if _COMMIT in keys and len(keys) > 1:
        raise click.BadParameter("`commit` lists single commits and goes with no other key")
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
    callback=_split_dimensions,
    metavar="KEY,…",
    help=f"Group by any of {', '.join(DIMENSIONS)}; or commit alone, to list commits.  "
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
@click.option("--demo", is_flag=True, help="Report the recorded demo instead of your data.")
@format_options
def command(
    by: tuple[str, ...],
    since: str | None,
    until: str | None,
    tz: str | None,
    demo: bool,
    output_format: Format,
) -> None:
    """Show cost and usage by day, agent, model and more.

    Without --since: the last 30 days that have data. A dash is an unknown, never a zero: a model
    without a known price shows it for its cost, and `≥` marks a sum that leaves such costs out.
    The total is not in --csv, where it would be added up again.

    `--by commit` lists commits, each with the agent that made it and how sure that is (its tier).
    Untracked means that there is no evidence, not that a human wrote it.

    \b
    Examples:
    $ agent-analytics report
    $ agent-analytics report --by model --since 7d
    $ agent-analytics report --by commit --since 7d
    $ agent-analytics report --by month,project --since 2026-01-01 --json
    """
    home = Home.from_environment()
    days = _days(home, tz)
    first, last = _parse_day(since, "--since", days), _parse_day(until, "--until", days)
    if first and last and first > last:
        raise click.UsageError(f"--since {first} is after --until {last}.")
    sentences: Iterable[str]
    with open_marts(home.demo if demo else home) as marts:
        about = {"is_published": marts is not None, "chosen": first is not None}
        if by == (_COMMIT,):
            commits = read_commits(marts, first, last, days)
            _print_commits(commits, output_format)
            sentences = _commit_notes(commits, **about)
        else:
            report = read_report(marts, by, first, last, days)
            _print(report, output_format)
            sentences = _notes(report, **about)
    for sentence in sentences:
        note(sentence)


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


def _print(report: Report, output_format: Format) -> None:
    keys = [Column(key, _HEADINGS.get(key, key)) for key in report.by]
    if output_format is Format.JSON:
        print_json({**_range(report, report.by), "rows": report.rows, "total": report.total})
    elif output_format is Format.CSV:
        print_csv([*keys, *(Column(name, name) for name in MEASURES)], report.rows)
    elif report.rows:
        labels = dict(zip(report.by, ["total", *[""] * len(report.by)], strict=False))
        print_table([*keys, *_MEASURES], report.rows, {**labels, **report.total})


def _print_commits(report: CommitReport, output_format: Format) -> None:
    if output_format is Format.TABLE:
        if report.rows:
            print_table(TABLE, for_people(report.rows))
        return
    if output_format is Format.CSV:
        print_csv([Column(name, name) for name in FACTS], report.rows)
        return
    rows = [{name: row[name] for name in FACTS} for row in report.rows]
    print_json({**_range(report, (_COMMIT,)), "rows": rows, "coverage": report.coverage()})


def _range(report: Report | CommitReport, by: tuple[str, ...]) -> dict[str, Any]:
    return {
        "by": by,
        "since": report.since,
        "until": report.until,
        "time_zone": report.time_zone,
    }


def _notes(report: Report, *, is_published: bool, chosen: bool) -> Iterable[str]:
    """What to know about the result, in whole sentences."""
    if not is_published:
        yield _NOTHING_PUBLISHED
    elif not report.recorded:
        yield (
            "No usage is recorded yet. Point an agent's telemetry at the collector that "
            "`agent-analytics up` starts; what it has received shows in `agent-analytics status`."
        )
    else:
        yield from _range_notes(report, "is no usage", chosen=chosen)
    unpriced = report.total["unpriced_requests"]
    if unpriced or report.total["cost_is_partial"]:
        what = f"{unpriced:,} request{'s'[: unpriced != 1]}" if unpriced else "some usage"
        yield (
            f"The cost of {what} is unknown: `—` where no cost is known, `≥` where a sum leaves "
            "unknown ones out."
        )


def _commit_notes(report: CommitReport, *, is_published: bool, chosen: bool) -> Iterable[str]:
    if not is_published:
        yield _NOTHING_PUBLISHED
    elif not report.recorded:
        yield (
            "No commits are recorded yet. `agent-analytics hooks install` in a repository has "
            "its commits noted from then on."
        )
    else:
        yield from _range_notes(report, "are no commits", chosen=chosen)
        if report.rows:
            yield from coverage_notes(report)


def _range_notes(report: Report | CommitReport, missing: str, *, chosen: bool) -> Iterable[str]:
    """Which days are shown, or which could be; `missing` reads on after "There"."""
    if not report.rows:
        asked = f"from {report.since} to" if report.since else "up to"
        are = missing.partition(" ")[0]
        yield (
            f"There {missing} {asked} {report.until} ({report.time_zone}); "
            f"there {are} from {report.recorded[0]} to {report.recorded[-1]}."
        )
    elif not chosen and report.since and report.until:
        count = sum(report.since <= day <= report.until for day in report.recorded)
        yield (
            f"{report.since} to {report.until} ({report.time_zone}) has the last {count} days "
            "with data; --since chooses others."
            if count > 1
            else f"{report.since} ({report.time_zone}) is the last day with data; "
            "--since chooses others."
        )
