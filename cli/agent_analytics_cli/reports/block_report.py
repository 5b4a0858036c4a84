"""`report --by block`: usage in five-hour blocks, and how fast the block that runs now burns.

The blocks are those of ccusage: one begins at the full hour (UTC) of the first usage and lasts five
hours; the first usage after its end begins the next. They estimate a limit window; what agents say
of theirs is in `fct_limit_windows`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from agent_analytics_cli.days import Days
from agent_analytics_cli.display_names import DisplayNames, read_display_names
from agent_analytics_cli.reports.report_query import (
    MEASURES,
    SUMMED,
    choose_range,
    dated_usage,
    fetch,
    total_tokens,
)
from agent_analytics_cli.reports.report_view import View, cost_notes
from agent_analytics_cli.short_names import short_models
from agent_analytics_cli.tables import Column, Kind

HOURS = 5
LEAST_S = 600
"""Seconds of use from which it is projected: a minute's rate says nothing of five hours."""
FACTS = (
    "block", "ends_at", "agent", "developer", "first_used_at", "last_used_at", "models",
    "is_active", "estimated", *MEASURES, "total_tokens", "tokens_per_minute", "cost_usd_per_hour",
    "projected_cost_usd",
)  # fmt: skip
"""Keys of a block, in order. Times are ISO 8601 in UTC. The last three are of the active block
alone: what it uses between its first and its last usage, and where that leads by its end, once
these are ten minutes apart."""

Row = dict[str, Any]
Hour = tuple[str | None, str | None, int]
"""Agent, developer and an hour since 1970 in which there was usage."""

# Given as JSON: of a list, DuckDB's client looks at each value, 0.5 ms a piece (1.5.6).
_HOURS = {"agent": "VARCHAR", "developer": "VARCHAR", "hour": "BIGINT", "started_hour": "BIGINT"}

_TABLE = (
    Column("from_to", "block"),
    Column("agent", "agent"),
    Column("developer", "developer"),
    Column("models", "model"),
    Column("state", "state", only_if_any=True),
    Column("requests", "requests", Kind.COUNT),
    Column("total_tokens", "tokens", Kind.COUNT),
    Column("cost_usd", "cost", Kind.USD, lower_bound_if="cost_is_partial"),
    Column("cost_usd_per_hour", "cost\nan hour", Kind.USD, only_if_any=True),
    Column("projected_cost_usd", "at its\nend", Kind.USD, only_if_any=True),
    Column("unpriced_requests", "unpriced\nrequests", Kind.COUNT, only_if_any=True),
)


def block_view(
    marts: duckdb.DuckDBPyConnection | None, since: date | None, until: date | None, days: Days
) -> View:
    """Blocks that began in the range, whole, per agent and developer, in their order."""
    return view_at(datetime.now(UTC), marts, since, until, days)


def view_at(
    now: datetime,
    marts: duckdb.DuckDBPyConnection | None,
    since: date | None,
    until: date | None,
    days: Days,
) -> View:
    """The same as of `now`, which has a time zone."""
    blocks = _read(marts, now, days) if marts is not None else []
    recorded = sorted({block["day"] for block in blocks})
    since, until = choose_range(recorded, since, until, days)
    rows = [row for row in blocks if since and until and since <= row["day"] <= until]
    names = read_display_names(marts)
    several = len({row["developer"] for row in rows}) > 1
    notes = [
        "Blocks of five hours are estimated from requests; `agent-analytics limits` shows what "
        "agents say of their own limits."
    ]
    unpriced = {
        "unpriced_requests": sum(row["unpriced_requests"] for row in rows),
        "cost_is_partial": any(row["cost_is_partial"] for row in rows),
    }
    return View(
        ("block",),
        since,
        until,
        days.time_zone,
        rows,
        FACTS,
        [column for column in _TABLE if several or column.key != "developer"],
        [_for_people(row, now, names, days) for row in rows],
        recorded=recorded,
        missing="are no blocks that began",
        notes=[*(notes if rows else []), *cost_notes(unpriced)],
    )


def blocks_of_hours(hours: Iterable[Hour]) -> Iterator[tuple[Hour, int]]:
    """Each hour with that in which its block begins; per agent and developer they are in order."""
    begun: dict[tuple[str | None, str | None], int] = {}
    for agent, developer, hour in hours:
        began = begun.setdefault((agent, developer), hour)
        if hour >= began + HOURS:
            began = begun[agent, developer] = hour
        yield (agent, developer, hour), began


def _read(marts: duckdb.DuckDBPyConnection, now: datetime, days: Days) -> list[Row]:
    """All blocks with FACTS; `day` is that of the block's first hour."""
    # Materialized, or DuckDB 1.5.6 pairs days with hours before it looks at usage: 20 s, not 0.3.
    usage = f"""{dated_usage()},
    hourly as materialized (
        select *, quarter // 4 as hour from dated where not is_of_vendor
    )"""
    hours = fetch(
        marts,
        f"{usage} select distinct agent, developer_id, hour from hourly order by hour",
        days.parameters(),
    )
    of_blocks = list(
        blocks_of_hours((row["agent"], row["developer_id"], row["hour"]) for row in hours)
    )
    if not of_blocks:
        return []
    rows = fetch(
        marts,
        f"""{usage},
        hours as (
            select unnest(from_json($hours, '{json.dumps([_HOURS])}'), recursive := true)
        ),
        blocks as (
            select hourly.*, hours.started_hour
            from hourly inner join hours
                on hourly.agent = hours.agent
                and hourly.developer_id is not distinct from hours.developer
                and hourly.hour = hours.hour
        ),
        by_model as (
            select
                started_hour, agent, developer_id,
                list(model order by cost_usd desc nulls last, model) as models
            from (
                select started_hour, agent, developer_id, model, sum(cost_usd) as cost_usd
                from blocks where model is not null
                group by started_hour, agent, developer_id, model
            )
            group by started_hour, agent, developer_id
        ),
        summed as (
            select
                started_hour, agent, developer_id,
                min(used_at) as began, max(used_at) as ended,
                {SUMMED.replace("dated.", "blocks.")}
            from blocks group by started_hour, agent, developer_id
        )
        select summed.*, summed.developer_id as developer, coalesce(models, []) as models
        from summed left join by_model
            on summed.started_hour = by_model.started_hour and summed.agent = by_model.agent
            and summed.developer_id is not distinct from by_model.developer_id
        order by summed.started_hour, summed.agent, summed.developer_id""",
        {
            **days.parameters(),
            "hours": json.dumps(
                [dict(zip(_HOURS, (*hour, began), strict=True)) for hour, began in of_blocks]
            ),
        },
    )
    for row in rows:
        _complete(row, now, days)
    return rows


def _complete(row: Row, now: datetime, days: Days) -> None:
    start = datetime.fromtimestamp(row["started_hour"] * 3600, UTC)
    end = start + timedelta(hours=HOURS)
    row["day"] = days.day_of(start)
    row["start"], row["end"] = start, end
    for name, moment in (
        ("block", start), ("ends_at", end), ("first_used_at", row["began"]),
        ("last_used_at", row["ended"]),
    ):  # fmt: skip
        row[name] = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    row["is_active"] = now < end
    row["estimated"] = True
    row["total_tokens"] = total_tokens(row)
    row |= dict.fromkeys(("tokens_per_minute", "cost_usd_per_hour", "projected_cost_usd"))
    seconds = Decimal(str((row["ended"] - row["began"]).total_seconds()))
    if not row["is_active"] or not seconds:
        return
    if row["total_tokens"] is not None:
        row["tokens_per_minute"] = round(row["total_tokens"] / seconds * 60)
    if row["cost_usd"] is not None:
        left = Decimal(str((end - now).total_seconds()))
        row["cost_usd_per_hour"] = _usd(row["cost_usd"] / seconds * 3600)
        if seconds >= LEAST_S:
            row["projected_cost_usd"] = _usd(row["cost_usd"] * (1 + left / seconds))


def _usd(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("1e-9"))


def _for_people(row: Row, now: datetime, names: DisplayNames, days: Days) -> Row:
    minutes = int((row["end"] - now).total_seconds()) // 60
    return {
        **names.shown(row),
        "from_to": f"{days.local(row['start']):%Y-%m-%d %H:%M}-{days.local(row['end']):%H:%M}",
        "models": short_models(names.shown(row)["models"]),
        "state": f"active, {minutes // 60}h {minutes % 60:02}m left" if row["is_active"] else "",
    }
