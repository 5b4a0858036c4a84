"""`report --by tool`: how often agents called each tool, how it went and how long it took.

Tokens and cost belong to requests, of which one may call several tools: they are not split by tool.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb

from agent_analytics_cli.days import Days
from agent_analytics_cli.display_names import read_display_names
from agent_analytics_cli.reports.report_query import choose_range, days_with, fetch
from agent_analytics_cli.reports.report_view import View
from agent_analytics_cli.tables import Column, Kind

FACTS = (
    "tool", "agent", "calls", "failures", "failure_share", "rejections", "sessions",
    "median_duration_ms", "lines_added", "lines_removed",
)  # fmt: skip
"""Keys of a tool, in order. A call that was rejected or whose result is unknown did not fail;
`failure_share` is of the calls whose result is known, None without one."""

_NOTHING = (
    "No tool call is recorded yet. `agent-analytics agents status` shows which agents report, "
    "`agent-analytics import` reads the sessions they keep."
)
_TABLE = (
    Column("tool", "tool"),
    Column("agent", "agent"),
    Column("calls", "calls", Kind.COUNT),
    Column("failures", "failed", Kind.COUNT),
    Column("failure_share", "failed\nof known", Kind.SHARE),
    Column("rejections", "rejected", Kind.COUNT, only_if_any=True),
    Column("sessions", "sessions", Kind.COUNT),
    Column("median_duration_ms", "median\nduration", Kind.MS),
    Column("lines_added", "+lines", Kind.COUNT, only_if_any=True),
    Column("lines_removed", "-lines", Kind.COUNT, only_if_any=True),
)
_CALLS = """
with dated as (
    select
        *, cast(timezone($time_zone, called_at) - to_hours($rollover_hour) as date) as day
    from main.fct_tool_calls
)
"""
_MEASURES = """
    count(*) as calls,
    count(*) filter (where not success) as failures,
    cast(
        count(*) filter (where not success) / nullif(count(success), 0) as decimal(9, 4)
    ) as failure_share,
    count(*) filter (where decision = 'reject') as rejections,
    count(distinct (agent, session_id)) filter (where session_id is not null) as sessions,
    cast(round(median(duration_ms)) as bigint) as median_duration_ms,
    sum(lines_added) filter (where is_edit and success) as lines_added,
    sum(lines_removed) filter (where is_edit and success) as lines_removed
"""


def tool_view(
    marts: duckdb.DuckDBPyConnection | None, since: date | None, until: date | None, days: Days
) -> View:
    """Tools by agent, the one called most first."""
    rows: list[dict[str, Any]] = []
    recorded: list[date] = []
    total: dict[str, Any] = {}
    if marts is not None:
        recorded = days_with(marts, "select called_at as moment from main.fct_tool_calls", days)
        since, until = choose_range(recorded, since, until, days)
        scope = {**days.parameters(), "since": since, "until": until}
        in_range = f"{_MEASURES} from dated where day between $since and $until"
        rows = fetch(
            marts,
            f"{_CALLS} select tool_name as tool, agent, {in_range} "
            "group by tool_name, agent order by calls desc, tool_name, agent",
            scope,
        )
        total = fetch(marts, f"{_CALLS} select {in_range}", scope)[0]
    names = read_display_names(marts)
    return View(
        ("tool",),
        since,
        until,
        days.time_zone,
        rows,
        FACTS,
        _TABLE,
        [names.shown(row) for row in rows],
        {"tool": "total", "agent": "", **total},
        {"total": total or None},
        recorded,
        missing="are no tool calls",
        nothing=_NOTHING,
        notes=["Tokens and cost belong to requests and are not split by tool."] if rows else [],
    )
