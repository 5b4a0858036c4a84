"""`report --by session`: one row per session, what was used in the days asked for beside it.

Requests, tokens and cost are those of the range, so that they add up; when the session began,
prompts, tool calls, commits and outcome are the whole session's.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import duckdb

from agent_analytics_cli.days import Days
from agent_analytics_cli.display_names import DisplayNames, read_display_names
from agent_analytics_cli.reports.report_query import (
    MEASURES,
    MOMENTS,
    SUMMED,
    choose_range,
    dated_usage,
    days_with,
    fetch,
    read_total,
    total_tokens,
)
from agent_analytics_cli.reports.report_view import View, cost_notes
from agent_analytics_cli.short_names import (
    letters_to_show,
    short_models,
    short_project,
    short_session,
)
from agent_analytics_cli.tables import Column, Kind

FACTS = (
    "session", "agent", "developer", "project", "branch", "machine", "started_at", "last_at",
    "models", "outcome", "prompts", "tool_calls", "commits", *MEASURES,
)  # fmt: skip
"""Keys of a session, in order. Times are ISO 8601 in UTC; `models`: the costliest first."""

_TABLE = (
    Column("began", "started"),
    Column("session", "session"),
    Column("agent", "agent"),
    Column("project", "project"),
    Column("models", "model"),
    Column("prompts", "prompts", Kind.COUNT),
    Column("requests", "requests", Kind.COUNT),
    Column("tokens", "tokens", Kind.COUNT),
    Column("commits", "commits", Kind.COUNT, only_if_any=True),
    Column("cost_usd", "cost", Kind.USD, lower_bound_if="cost_is_partial"),
    Column("unpriced_requests", "unpriced\nrequests", Kind.COUNT, only_if_any=True),
)
_TIME = "'%Y-%m-%dT%H:%M:%SZ'"
_SESSIONS = """
, dated_sessions as (
    select
        *,
        cast(timezone($time_zone, started_at) - to_hours($rollover_hour) as date) as first_day,
        cast(timezone($time_zone, ended_at) - to_hours($rollover_hour) as date) as last_day
    from main.fct_agent_sessions
)
"""


def session_view(
    marts: duckdb.DuckDBPyConnection | None, since: date | None, until: date | None, days: Days
) -> View:
    """Sessions that were active in the range, the one last active first.

    Those without usage in it (nothing was asked of a model, or the agent keeps no count) have an
    unknown cost; usage without a session is a row with none.
    """
    rows: list[dict[str, Any]] = []
    recorded: list[date] = []
    total: dict[str, Any] = dict.fromkeys(MEASURES)
    if marts is not None:
        recorded = days_with(
            marts,
            f"{MOMENTS} union all select started_at from main.fct_agent_sessions",
            days,
        )
        since, until = choose_range(recorded, since, until, days)
        rows = _read(marts, since, until, days)
        total = read_total(marts, since, until, days)
    names = read_display_names(marts)
    letters = letters_to_show(row["session"] for row in rows if row["session"])
    sums = {"tokens": total_tokens(total), "prompts": None, "commits": None}
    for name in ("prompts", "commits"):
        sums[name] = sum(row[name] or 0 for row in rows)
    labels = {"began": "total", "session": "", "agent": "", "project": "", "models": ""}
    return View(
        ("session",),
        since,
        until,
        days.time_zone,
        rows,
        FACTS,
        _TABLE,
        [_for_people(row, names, days, letters) for row in rows],
        {**labels, **sums, **total},
        {"total": total},
        recorded,
        missing="are no sessions",
        notes=list(cost_notes(total)),
    )


def _read(
    marts: duckdb.DuckDBPyConnection, since: date | None, until: date | None, days: Days
) -> list[dict[str, Any]]:
    return fetch(
        marts,
        f"""{dated_usage()} {_SESSIONS},
        by_model as (
            select agent, session_id, list(model order by cost_usd desc nulls last, model) as models
            from (
                select agent, session_id, model, sum(cost_usd) as cost_usd
                from dated where day between $since and $until and model is not null
                group by agent, session_id, model
            )
            group by agent, session_id
        ),
        used as (
            select
                agent, session_id, any_value(developer_id) as developer_id,
                any_value(project_id) as project_id,
                min(used_at) as first_used_at, max(used_at) as last_used_at,
                {SUMMED}
            from dated where day between $since and $until
            group by agent, session_id
        )
        select
            coalesce(sessions.session_id, used.session_id) as session,
            coalesce(sessions.agent, used.agent) as agent,
            coalesce(sessions.developer_id, used.developer_id) as developer,
            coalesce(sessions.project_id, used.project_id) as project,
            git_branch as branch, machine,
            coalesce(sessions.started_at, first_used_at) as began,
            strftime(timezone('UTC', began), {_TIME}) as started_at,
            strftime(timezone('UTC', coalesce(ended_at, last_used_at)), {_TIME}) as last_at,
            coalesce(models, []) as models, outcome, prompts, tool_calls, commits,
            coalesce(used.requests, 0) as requests, used.* exclude (
                agent, session_id, developer_id, project_id, first_used_at, last_used_at,
                requests, unpriced_requests, cost_is_partial
            ),
            coalesce(unpriced_requests, 0) as unpriced_requests,
            coalesce(cost_is_partial, false) as cost_is_partial
        from dated_sessions as sessions full outer join used
            on sessions.agent = used.agent and sessions.session_id = used.session_id
        left join by_model
            on used.agent = by_model.agent
            and used.session_id is not distinct from by_model.session_id
        -- What only metrics saw may be booked on a day after that on which the session ended.
        where used.agent is not null or (last_day >= $since and first_day <= $until)
        order by coalesce(ended_at, last_used_at) desc, session""",
        {**days.parameters(), "since": since, "until": until},
    )


def _for_people(
    row: dict[str, Any], names: DisplayNames, days: Days, letters: int
) -> dict[str, Any]:
    began: datetime = row["began"]
    return {
        **names.shown(row),
        "began": f"{days.local(began):%Y-%m-%d %H:%M}",
        "session": short_session([row["session"]] if row["session"] else [], letters),
        "project": short_project(row["project"]),
        "models": short_models(names.shown(row)["models"]),
        "tokens": total_tokens(row),
    }
