"""`report --by KEY,…`: usage by any keys, ready to print."""

from __future__ import annotations

from datetime import date

import duckdb

from agent_analytics_cli.days import Days
from agent_analytics_cli.display_names import read_display_names
from agent_analytics_cli.reports.report_query import MEASURES, read_report
from agent_analytics_cli.reports.report_view import View, cost_notes
from agent_analytics_cli.tables import Column, Kind

MEASURE_COLUMNS = (
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
_HEADINGS = {"week": "week of", "query_source": "query source", "subagent": "sub-agent"}


def usage_view(
    marts: duckdb.DuckDBPyConnection | None,
    by: tuple[str, ...],
    since: date | None,
    until: date | None,
    days: Days,
) -> View:
    """Usage grouped by the DIMENSIONS in `by`."""
    report = read_report(marts, by, since, until, days)
    names = read_display_names(marts)
    labels = dict(zip(by, ["total", *[""] * len(by)], strict=False))
    return View(
        by,
        report.since,
        report.until,
        report.time_zone,
        report.rows,
        (*by, *MEASURES),
        [*(Column(key, _HEADINGS.get(key, key)) for key in by), *MEASURE_COLUMNS],
        [names.shown(row) for row in report.rows],
        {**labels, **report.total},
        {"total": report.total},
        report.recorded,
        notes=list(cost_notes(report.total)),
    )
