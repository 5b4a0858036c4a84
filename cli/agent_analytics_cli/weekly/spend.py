"""What the week cost and how that differs from the week before, from the published marts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb

from agent_analytics_cli.display_names import DisplayNames
from agent_analytics_cli.reports.report_query import fetch
from agent_analytics_cli.shares import usd
from agent_analytics_cli.views.dashboard_cells import text_of
from agent_analytics_cli.weekly.sections import Section
from agent_analytics_cli.weekly.week import Week
from agent_analytics_collector.dashboards import Chart, Unit

Measures = dict[str, Any]

_MEASURES: tuple[tuple[str, str, Unit | None], ...] = (
    ("cost_usd", "cost at list price", "usd"),
    ("paid_usd", "paid, as vendors report it", "usd"),
    ("sessions", "sessions begun", None),
    ("developers", "developers with agents", None),
    ("requests", "requests", None),
    ("cache_hit_ratio", "prompt tokens read from the cache", "percent"),
    ("commits", "commits", None),
    ("assisted_commits", "commits with an agent", None),
    ("ai_lines", "lines of agents in commits", None),
    ("reverted_commits", "commits reverted since", None),
)

_TOTALS = """
with costs as (
    select
        sum(cost_usd) as cost_usd, sum(paid_usd) as paid_usd,
        coalesce(sum(requests), 0)::bigint as requests,
        sum(cache_read_tokens) / nullif(sum(
            coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0)
            + coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)
        ), 0) as cache_hit_ratio,
        -- Usage by people whom nothing names is not usage by nobody.
        case when count(developer_id) > 0 or count(*) = 0
            then count(distinct developer_id) end as developers,
        coalesce(sum(requests) filter (where cost_source = 'unpriced'), 0)::bigint
            as unpriced_requests,
        sum(cost_usd) filter (where cost_source = 'metric_remainder') as metrics_only_usd
    from main.fct_agent_costs where usage_date between $since and $until
),
sessions as (
    select count(*) as sessions from main.fct_agent_sessions
    where started_date between $since and $until
),
commits as (
    select
        count(*) filter (where not coalesce(is_merge, false)) as commits,
        count(*) filter (where not coalesce(is_merge, false) and agent_assisted)
            as assisted_commits,
        count(*) filter (where is_reverted) as reverted_commits,
        sum(ai_lines)::bigint as ai_lines,
        sum(effective_lines_added)::bigint as effective_lines,
        sum(effective_lines_added)
            filter (where attribution_tier not in ('ambiguous', 'untracked'))::bigint
            as covered_lines
    from main.fct_git_commits where committed_date between $since and $until
)
select * from costs, sessions, commits"""


def read_measures(marts: duckdb.DuckDBPyConnection, week: Week) -> Measures:
    """Sums of the week's days; None is unknown."""
    return fetch(marts, _TOTALS, {"since": week.monday, "until": week.until})[0]


def overview(now: Measures, before: Measures) -> Section:
    """The week's figures beside those of the week before."""
    rows = [
        (label, _text(now, key, unit), _text(before, key, unit),
         _change(now[key], before[key], unit))
        for key, label, unit in _MEASURES
        if now[key] is not None or before[key] is not None
    ]  # fmt: skip
    return Section(
        "overview",
        "The week",
        (_headline(now, before),),
        ("measure", "this week", "week before", "change"),
        rows,
        written_numbers=("this week", "week before", "change"),
    )


def by_day(marts: duckdb.DuckDBPyConnection, week: Week, names: DisplayNames) -> Section:
    """Spend of each day and agent."""
    found = fetch(
        marts,
        """select usage_date as day, agent, sum(requests)::bigint as requests,
            sum(cost_usd) as cost_usd
        from main.fct_agent_costs where usage_date between $since and $until
        group by all order by 1, 2""",
        {"since": week.monday, "until": week.until},
    )
    rows = [tuple(names.shown(row).values()) for row in found]
    agents = dict.fromkeys(row[1] for row in rows)
    known = {(row[0], row[1]): row for row in rows}
    return Section(
        "spend_by_day",
        "Spend by day",
        columns=("day", "agent", "requests", "cost_usd"),
        rows=rows,
        chart=Chart("stacked_bar", x="day", y=("cost_usd",), series="agent", unit="usd"),
        drawn=[
            known.get((day, agent), (day, agent, 0, None)) for agent in agents for day in week.days
        ],
    )


def _headline(now: Measures, before: Measures) -> str:
    if not now["requests"] and now["cost_usd"] is None:
        return "Nothing was recorded in these days."
    cost = usd(now["cost_usd"], is_partial=bool(now["unpriced_requests"]))
    was = usd(before["cost_usd"], is_partial=bool(before["unpriced_requests"]))
    change = _change(now["cost_usd"], before["cost_usd"], "usd")
    beside = f"after {was} in the week before" + (f" ({change})" if change else "")
    if before["cost_usd"] is None:
        beside = "and nothing is known of the week before"
    return f"Agents used {cost} at list price, {beside}."


def _text(measures: Measures, key: str, unit: Unit | None) -> str:
    if key == "cost_usd":
        return usd(measures[key], is_partial=bool(measures["unpriced_requests"]))
    return text_of(measures[key], unit)


def _change(now: Any, before: Any, unit: Unit | None) -> str:
    """`+20%`, `same`; points of percent for a share; empty where nothing can be compared."""
    if now is None or before is None:
        return ""
    if now == before:
        return "same"
    if unit == "percent":
        return f"{(float(now) - float(before)) * 100:+.1f} points"
    if before == 0:
        return "new"
    return f"{float((Decimal(now) - Decimal(before)) / Decimal(before)):+.0%}"
