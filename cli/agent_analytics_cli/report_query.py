"""Cost and usage by any of a request's attributes, from the published marts.

Spend is whole only with both marts: requests, and what nothing but the agent's metrics saw
(`fct_metric_remainders`), which has tokens and cost and is no request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from agent_analytics_cli.days import Days

_KEYS = {
    "day": "day",
    "week": "cast(date_trunc('week', day) as date)",  # its Monday
    "month": "strftime(day, '%Y-%m')",
    "agent": "agent",
    "model": "model",
    "developer": "developer_id",
    "project": "project_id",
    "session": "session_id",
}
DIMENSIONS = tuple(_KEYS)
PERIODS = ("day", "week", "month")
TOKENS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
)
MEASURES = ("requests", *TOKENS, "cost_usd", "unpriced_requests", "cost_is_partial")
DEFAULT_DAYS = 30

_USAGE = f"""
with usage as (
    select
        agent, session_id, developer_id, project_id, model, requested_at as used_at,
        1 as requests, {", ".join(TOKENS)}, cost_usd,
        cost_source = 'unpriced' and not is_error as is_unpriced
    from main.fct_agent_requests
    union all
    select
        agent, session_id, developer_id, project_id, model, booked_at,
        0, {", ".join(TOKENS)}, cost_usd,
        cost_usd is null
    from main.fct_metric_remainders
),
dated as (
    select *, cast(timezone($time_zone, used_at) - to_hours($rollover_hour) as date) as day
    from usage
)
"""
# A sum over nothing is a known 0; a sum of nothing but unknowns stays unknown.
_SUMS = ", ".join(
    f"case when count(*) = 0 then 0 else sum(dated.{column}) end as {column}"
    for column in ("requests", *TOKENS, "cost_usd")
)
_MEASURES = f"""
    {_SUMS},
    count(*) filter (where is_unpriced and dated.requests = 1) as unpriced_requests,
    coalesce(bool_or(is_unpriced) and count(dated.cost_usd) > 0, false) as cost_is_partial
"""


@dataclass(frozen=True, slots=True)
class Report:
    """Usage by the keys asked for, from `since` to `until`, both included."""

    by: tuple[str, ...]
    since: date | None
    """None when nothing was asked for and there is no data to tell."""
    until: date | None
    time_zone: str
    rows: list[dict[str, Any]]
    """Per group its keys (a day and a week's Monday as `date`, a month as `2026-03`) and MEASURES.

    None is unknown. `cost_is_partial`: `cost_usd` leaves out usage whose price is unknown.
    """
    total: dict[str, Any]
    """MEASURES of all rows together; all None when nothing is published yet."""
    recorded: Sequence[date] = ()
    """Every day that has data, whether in the range or not."""


def read_report(
    marts: duckdb.DuckDBPyConnection | None,
    by: tuple[str, ...],
    since: date | None,
    until: date | None,
    days: Days,
) -> Report:
    """Usage grouped by the DIMENSIONS in `by`; `marts` None is a home that has published nothing.

    Without `since` and `until` the range is chosen as `choose_range` says. Periods come in their
    order, and within them the costliest first.
    """
    if marts is None:
        return Report(by, since, until, days.time_zone, [], dict.fromkeys(MEASURES))
    zone = {"time_zone": days.time_zone, "rollover_hour": days.rollover_hour}
    found = fetch(
        marts, f"{_USAGE} select distinct day from dated where day is not null order by day", zone
    )
    recorded = [row["day"] for row in found]
    since, until = choose_range(recorded, since, until, days)
    scope = {**zone, "since": since, "until": until}
    in_range = f"{_MEASURES} from dated where day between $since and $until"
    keys = [f'"{key}"' for key in by]
    order = [f'"{key}"' for key in by if key in PERIODS] + ["cost_usd desc nulls last"]
    rows = fetch(
        marts,
        f"""{_USAGE}
        select {", ".join(f'{_KEYS[key]} as "{key}"' for key in by)}, {in_range}
        group by {", ".join(keys)} order by {", ".join(order + keys)}""",
        scope,
    )
    total = fetch(marts, f"{_USAGE} select {in_range}", scope)[0]
    return Report(by, since, until, days.time_zone, rows, total, recorded)


def choose_range(
    recorded: Sequence[date], since: date | None, until: date | None, days: Days
) -> tuple[date | None, date | None]:
    """The first and the last day to show, of the days that have data (`recorded`, in order).

    Without `since` the range begins where it has the last 30 days that have data; without
    `until` it ends today, or with the last of those.
    """
    if since is None:
        latest = [day for day in recorded if until is None or day <= until][-DEFAULT_DAYS:]
        return (latest[0], until or latest[-1]) if latest else (None, until)
    return since, until or max([days.today(), *recorded[-1:]])


def fetch(
    marts: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, object]
) -> list[dict[str, Any]]:
    """The rows of a query as dicts, with named parameters."""
    cursor = marts.execute(sql, parameters)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
