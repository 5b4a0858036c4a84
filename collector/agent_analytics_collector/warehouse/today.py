"""`today.json` beside the published marts: the day's cost and the limits, for status lines.

Importing DuckDB takes longer than a status line has.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import orjson
import structlog

from agent_analytics_collector.settings import Settings
from agent_analytics_collector.warehouse.user_input import machine_time_zone

log = structlog.get_logger()

FILE_NAME = "today.json"

_DAY = """
with today as (
    select cast(timezone($time_zone, now()) - to_hours($rollover_hour) as date) as usage_date
)
select
    cast(usage_date as varchar) as day,
    epoch(timezone($time_zone, cast(usage_date as timestamp) + to_hours($rollover_hour)))
        as begins_at,
    epoch(timezone($time_zone, cast(usage_date + 1 as timestamp) + to_hours($rollover_hour)))
        as ends_at,
    cast(case when count(costs.agent) = 0 then 0 else sum(cost_usd) end as double) as cost_usd,
    coalesce(
        bool_or(cost_usd is null and coalesce(input_tokens, output_tokens) is not null), false
    ) as is_lower_bound
from today
left join marts.fct_agent_costs as costs using (usage_date)
group by usage_date
"""
_WINDOWS = """
select
    "window", used_percentage, cast(cost_usd as double) as cost_usd, estimated,
    epoch(resets_at) as resets_at
from marts.fct_limit_windows
where agent = 'claude_code' and resets_at > now()
qualify
    row_number() over (
        partition by "window" order by estimated, observed_at desc, limit_key
    ) = 1
order by resets_at
"""


def write_today(connection: duckdb.DuckDBPyConnection, folder: Path, settings: Settings) -> None:
    """Write `today.json` into the folder of a run; without it a status line shows less.

    `{day, begins_at, ends_at, cost_usd, is_lower_bound, windows}`, times in seconds since 1970,
    `windows` the present limit windows of Claude Code as the marts have them.
    """
    zone = {
        "time_zone": settings.time_zone or machine_time_zone(),
        "rollover_hour": settings.day_rollover_hour,
    }
    try:
        (today,) = _rows(connection, _DAY, zone)
        content = orjson.dumps(today | {"windows": _rows(connection, _WINDOWS, {})})
    except duckdb.Error as error:  # a dbt project of the user's own, without these marts
        log.warning("today_not_written", problem=str(error).splitlines()[0])
        return
    descriptor = os.open(folder / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)


def _rows(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, object]
) -> list[dict[str, object]]:
    cursor = connection.execute(sql, parameters)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
