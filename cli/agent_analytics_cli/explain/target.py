"""What `agent-analytics explain` is asked about: a day, a session or a branch of the marts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from agent_analytics_cli.days import Days
from agent_analytics_cli.reports.report_query import fetch
from agent_analytics_cli.tables import as_text
from agent_analytics_collector.errors import AgentAnalyticsError

_SHOWN = 10

# A whole id or a branch's name beats an id that only begins so.
_NAMED = """
with found as (
    select
        'session' as kind, agent, session_id as name, project_id, started_at,
        session_id = $name as is_whole
    from main.fct_agent_sessions
    where starts_with(session_id, $name)
    union all
    select 'branch', null, git_branch, null, null, true
    from (
        select git_branch from main.fct_agent_requests where git_branch = $name
        union
        select git_branch from main.fct_agent_sessions where git_branch = $name
    )
)
select kind, agent, name, project_id, started_at from found
qualify is_whole or not bool_or(is_whole) over ()
order by kind, started_at desc nulls last, agent, name
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A day, a session or a branch, and how the rows of it are found."""

    kind: str
    """day, session or branch."""
    name: str
    days: Days
    agent: str | None = None
    """Of a session."""
    project_id: str | None = None
    """Of a session."""
    day: date | None = None

    def where(self, moment: str) -> str:
        """A condition on the rows of a mart; `moment` is the column that has their time."""
        match self.kind:
            case "day":
                local = f"timezone($time_zone, {moment}) - to_hours($rollover_hour)"
                return f"cast({local} as date) = $day"
            case "session":
                return "agent = $agent and session_id = $name"
            case _:
                return "git_branch = $name"

    @property
    def of_usage(self) -> str:
        """The same of `report_query.dated_usage`, whose rows have their day."""
        return "day = $day" if self.kind == "day" else self.where("used_at")

    def parameters(self, sql: str) -> dict[str, object]:
        """Those of the named parameters that the SQL asks for."""
        known = {
            **self.days.parameters(),
            "day": self.day,
            "agent": self.agent,
            "name": self.name,
            "project": self.project_id,
        }
        return {name: value for name, value in known.items() if f"${name}" in sql}


class NothingNamed(AgentAnalyticsError):
    """No session and no branch is called so, and it is no day."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{as_text(name)!r} is no day, and no session or branch in the published marts is "
            "called so. Write a day as 2026-03-14, today or yesterday; `agent-analytics report "
            "--by session` and `--by branch` list the others."
        )


class SeveralNamed(AgentAnalyticsError):
    """Several sessions have ids that begin so."""

    def __init__(self, name: str, found: Sequence[Mapping[str, Any]]) -> None:
        listed = "\n".join(
            f"  {row['kind']:<7}  {as_text(row['name'])}  {as_text(row['agent'])}"
            for row in found[:_SHOWN]
        )
        more = len(found) - _SHOWN
        rest = f"\n  and {more:,} more" if more > 0 else ""
        super().__init__(
            f"{as_text(name)!r} names {len(found):,} of them; give more of the id:\n{listed}{rest}"
        )


def find_target(marts: duckdb.DuckDBPyConnection, named: str, days: Days) -> Target:
    """What `named` names: a day, else a session by its id or the start of it, else a branch.

    Raises NothingNamed, SeveralNamed.
    """
    name = named.strip()
    try:
        day = days.parse(name)
    except ValueError:
        pass
    else:
        return Target("day", str(day), days, day=day)
    found = fetch(marts, _NAMED, {"name": name}) if name else []
    if not found:
        raise NothingNamed(named)
    if len(found) > 1:
        raise SeveralNamed(named, found)
    (row,) = found
    return Target(row["kind"], row["name"], days, row["agent"], row["project_id"])
