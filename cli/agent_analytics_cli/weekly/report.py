"""The weekly report put together from the published marts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import duckdb

from agent_analytics_cli.display_names import DisplayNames, read_display_names
from agent_analytics_cli.reports.report_query import fetch
from agent_analytics_cli.weekly.certainty import budgets, certainty, commits
from agent_analytics_cli.weekly.changes import avoidable, biggest_changes
from agent_analytics_cli.weekly.sections import Section, WeeklyReport
from agent_analytics_cli.weekly.spend import by_day, overview, read_measures
from agent_analytics_cli.weekly.week import Week


def recorded_days(marts: duckdb.DuckDBPyConnection) -> list[date]:
    """Every day that has spend, in order."""
    rows = fetch(marts, "select distinct usage_date from main.fct_agent_costs order by 1", {})
    return [row["usage_date"] for row in rows if row["usage_date"] is not None]


def weekly_report(
    marts: duckdb.DuckDBPyConnection, week: Week, published_at: datetime, *, is_demo: bool
) -> WeeklyReport:
    """The week's report. Marts of an older release may lack causes and budgets: then they are
    left out."""
    sections = _sections(marts, week, published_at, read_display_names(marts))
    told = tuple(each for each in sections if each.sentences or each.rows)
    return WeeklyReport(week, published_at, is_demo, told)


def _sections(
    marts: duckdb.DuckDBPyConnection, week: Week, published_at: datetime, names: DisplayNames
) -> Iterator[Section]:
    published = {row["name"] for row in fetch(
        marts, "select table_name as name from duckdb_tables()", {}
    )}  # fmt: skip
    has_causes = "fct_cost_causes" in published
    now, before = read_measures(marts, week), read_measures(marts, week.before)
    yield overview(now, before)
    yield by_day(marts, week, names)
    yield biggest_changes(marts, week, names, has_causes=has_causes)
    if has_causes:
        yield avoidable(marts, week)
    yield commits(marts, week, now)
    if "fct_budget_status" in published and (section := budgets(marts, week)):
        yield section
    yield certainty(marts, week, now, published_at)
