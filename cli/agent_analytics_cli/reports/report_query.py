"""Cost and usage by any of a request's attributes, from the published marts.

Spend is whole only with three marts: requests, what nothing but the agent's metrics saw
(`fct_metric_remainders`), which has tokens and cost and is no request, and what only a vendor tells
(`fct_vendor_spend`), a row for a developer's day and model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from agent_analytics_cli.days import Days


@dataclass(frozen=True, slots=True)
class _Key:
    """What usage is grouped by: an expression over `dated`."""

    sql: str
    reads: tuple[str, ...] = ()
    """Columns of `fct_agent_requests` that nothing else needs; marts published by an older release
    may lack them, so they are read only where they are asked for."""
    of_session: bool = False
    """What no request tells is that of its session."""


_KEYS = {
    "day": _Key("day"),
    "week": _Key("cast(date_trunc('week', day) as date)"),  # its Monday
    "month": _Key("strftime(day, '%Y-%m')"),
    "agent": _Key("agent"),
    "model": _Key("model"),
    "developer": _Key("developer_id"),
    "project": _Key("project_id"),
    "branch": _Key("git_branch", ("git_branch",), of_session=True),
    "worktree": _Key("worktree", ("worktree",), of_session=True),
    "machine": _Key("machine", ("machine",), of_session=True),
    "session": _Key("session_id"),
    # A sub-agent's request that only a file told of has no source.
    "query_source": _Key(
        "coalesce(query_source, case when is_subagent then 'subagent' end)",
        ("query_source", "is_subagent"),
    ),
    "subagent": _Key(
        "coalesce(subagent, case when is_subagent then 'subagent' end)", ("subagent", "is_subagent")
    ),
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

MOMENTS = """
    select requested_at as moment from main.fct_agent_requests
    union all
    select booked_at from main.fct_metric_remainders
    union all
    select booked_at from main.fct_vendor_spend"""
"""When there was usage, as `moment`."""
# A sum over nothing is a known 0; a sum of nothing but unknowns stays unknown.
_SUMS = ", ".join(
    f"case when count(*) = 0 then 0 else sum(dated.{column}) end as {column}"
    for column in ("requests", *TOKENS, "cost_usd")
)
SUMMED = f"""
    {_SUMS},
    coalesce(sum(dated.requests) filter (where is_unpriced), 0) as unpriced_requests,
    coalesce(bool_or(is_unpriced) and count(dated.cost_usd) > 0, false) as cost_is_partial
"""
"""MEASURES of a group of `dated`."""


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


def _quarter(moment: str) -> str:
    return f"epoch_us({moment}) // 900000000"


def _days_of(moments: str) -> str:
    """Quarter and day of the column `moment` of a query.

    A day begins with a quarter of an hour in every time zone of today. To ask the zone for each of
    500,000 moments takes 0.3 s, for their quarters 20 ms.
    """
    return f"""
    select
        {_quarter("moment")} as quarter,
        -- Of min(): DuckDB would otherwise ask for the day of every moment, to filter by it early.
        cast(timezone($time_zone, min(moment)) - to_hours($rollover_hour) as date) as day
    from ({moments})
    where moment is not null
    group by 1"""


def dated_usage(keys: Iterable[str] = ()) -> str:
    """`with … dated as (…)`: all usage, one row per request, remainder or vendor's
    day, and the `day` it is of.

    `quarter` is the quarter of an hour since 1970. Takes the parameters `time_zone` and
    `rollover_hour`; `keys` are those of DIMENSIONS to come.
    """
    asked = [_KEYS[key] for key in keys]
    reads = dict.fromkeys(column for key in asked for column in key.reads)
    of_session = {column for key in asked if key.of_session for column in key.reads}
    of_requests = "".join(f", {column}" for column in reads)
    of_remainders = "".join(
        f", sessions.{column}" if column in of_session else ", null" for column in reads
    )
    join_sessions = (
        "left join main.fct_agent_sessions as sessions "
        "on remainders.session_key = sessions.session_key"
        if of_session
        else ""
    )
    remainder = ", ".join(
        f"remainders.{column}"
        for column in ("agent", "session_id", "developer_id", "project_id", "model", "booked_at")
    )
    of_vendors = ", null" * len(reads)
    return f"""
with days as materialized ({_days_of(MOMENTS)}),
usage as (
    select
        agent, session_id, developer_id, project_id, model, requested_at as used_at,
        1 as requests, {", ".join(TOKENS)}, cost_usd,
        cost_source = 'unpriced' and not is_error as is_unpriced,
        false as is_of_vendor {of_requests}
    from main.fct_agent_requests
    union all
    select
        {remainder},
        0, {", ".join(f"remainders.{column}" for column in TOKENS)}, remainders.cost_usd,
        remainders.cost_usd is null, false {of_remainders}
    from main.fct_metric_remainders as remainders {join_sessions}
    union all
    select
        agent, session_id, developer_id, project_id, model, booked_at,
        coalesce(requests, 0), {", ".join(TOKENS)}, cost_usd,
        cost_source = 'unpriced', true {of_vendors}
    from main.fct_vendor_spend
),
dated as (
    select usage.*, days.quarter, days.day
    from usage inner join days on {_quarter("used_at")} = days.quarter
)
"""


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
    recorded = days_with(marts, MOMENTS, days)
    since, until = choose_range(recorded, since, until, days)
    keys = [f'"{key}"' for key in by]
    order = [f'"{key}"' for key in by if key in PERIODS] + ["cost_usd desc nulls last"]
    rows = fetch(
        marts,
        f"""{dated_usage(by)}
        select {", ".join(f'{_KEYS[key].sql} as "{key}"' for key in by)}, {SUMMED}
        from dated where day between $since and $until
        group by {", ".join(map(str, range(1, len(by) + 1)))} order by {", ".join(order + keys)}""",
        {**days.parameters(), "since": since, "until": until},
    )
    total = read_total(marts, since, until, days)
    return Report(by, since, until, days.time_zone, rows, total, recorded)


def read_total(
    marts: duckdb.DuckDBPyConnection, since: date | None, until: date | None, days: Days
) -> dict[str, Any]:
    """MEASURES of all usage from `since` to `until`."""
    return fetch(
        marts,
        f"{dated_usage()} select {SUMMED} from dated where day between $since and $until",
        {**days.parameters(), "since": since, "until": until},
    )[0]


def total_tokens(measures: Mapping[str, Any]) -> int | None:
    """Of all classes together; reasoning is part of the output. None when no class is known."""
    classes = (measures[name] for name in TOKENS if name != "reasoning_tokens")
    known = [count for count in classes if count is not None]
    return sum(known) if known else None


def days_with(marts: duckdb.DuckDBPyConnection, moments: str, days: Days) -> list[date]:
    """The distinct days, in order, of the column `moment` of a query."""
    found = fetch(
        marts,
        f"select distinct day from ({_days_of(moments)}) order by day",
        days.parameters(),
    )
    return [row["day"] for row in found]


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
