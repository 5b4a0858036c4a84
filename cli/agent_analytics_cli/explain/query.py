"""Why a day, a session or a branch cost what it cost, from the published marts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

import duckdb

from agent_analytics_cli.explain.target import Target
from agent_analytics_cli.reports.report_query import SUMMED, dated_usage, fetch

MOST_ROWS = 100
"""Requests of a cause that are listed, the costliest first."""
DAYS_BEFORE = 14
_PARTS = {
    "agent": "agent",
    "model": "model",
    "subagent": "coalesce(subagent, case when is_subagent then 'subagent' end)",
}
_OTHERS = {
    "day": f"{dated_usage()} select sum(cost_usd) as cost_usd from dated "
    f"where day < $day and day >= cast($day as date) - {DAYS_BEFORE} group by day",
    "session": "select cost_usd from main.fct_agent_sessions where project_id = $project "
    "and not (agent = $agent and session_id = $name)",
    "branch": f"""{dated_usage(("branch",))},
        projects as (select distinct project_id from dated where git_branch = $name)
        select sum(cost_usd) as cost_usd from dated inner join projects using (project_id)
        where git_branch <> $name group by git_branch""",
}
"""Costs of what a target is compared with."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Usual:
    """What such a thing costs otherwise."""

    cost_usd: Decimal | None
    """The median; None where there is nothing to compare with."""
    count: int
    """Days with usage of the 14 before, other sessions of the project, or its other branches."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A total and what it is made of. None is unknown."""

    target: Target
    total: Row
    """MEASURES of `report_query`."""
    usual: Usual
    parts: dict[str, list[Row]]
    """By agent, model and sub-agent (None is the main conversation): the value under that key,
    requests, cost_usd, cost_is_partial, share."""
    tools: list[Row]
    """tool_name, calls, failures, rejections. What a tool costs no record tells."""
    causes: list[Row]
    """cause, requests, unknown_requests (without a known cost), cause_cost_usd, share,
    avoidable_usd, unknowable_requests (of which nobody knows what was avoidable), wasted_tokens
    and `rows`: the MOST_ROWS costliest, with a `request_key` for `audit`."""

    @property
    def explained_usd(self) -> Decimal:
        return _sum(row["cause_cost_usd"] for row in self.causes)

    @property
    def unexplained_usd(self) -> Decimal | None:
        """What no cause explains: the work itself, as far as anybody can tell."""
        cost: Decimal | None = self.total["cost_usd"]
        return None if cost is None else cost - self.explained_usd

    @property
    def avoidable_usd(self) -> Decimal:
        """What avoiding all causes would have saved, as far as that can be known."""
        return _sum(row["avoidable_usd"] for row in self.causes)


def explain(marts: duckdb.DuckDBPyConnection, target: Target) -> Explanation:
    """The whole of it; a day without usage has a cost of 0."""
    usage = dated_usage(("branch", "subagent"))
    (total,) = _fetch(marts, target, f"{usage} select {SUMMED} from dated where {target.of_usage}")
    cost = total["cost_usd"]
    parts = {
        key: _shared(
            _fetch(
                marts,
                target,
                f"""{usage} select {part} as {key}, {SUMMED}
                from dated where {target.of_usage}
                group by 1 order by cost_usd desc nulls last, 1""",
            ),
            "cost_usd",
            cost,
        )
        for key, part in _PARTS.items()
    }
    tools = _fetch(
        marts,
        target,
        f"""select tool_name, count(*) as calls,
            count(*) filter (not success and coalesce(decision, '') <> 'reject') as failures,
            count(*) filter (decision = 'reject') as rejections
        from main.fct_tool_calls where {target.where("called_at")}
        group by 1 order by calls desc, 1""",
    )
    return Explanation(
        target, total, _usual(marts, target), parts, tools, _causes(marts, target, cost)
    )


def _causes(marts: duckdb.DuckDBPyConnection, target: Target, cost: Decimal | None) -> list[Row]:
    causes = f"from main.fct_cost_causes where {target.where('requested_at')}"
    found = _fetch(
        marts,
        target,
        f"""select cause, count(*) as requests,
            count(*) filter (cause_cost_usd is null) as unknown_requests,
            sum(cause_cost_usd) as cause_cost_usd, sum(avoidable_usd) as avoidable_usd,
            count(*) filter (avoidable_usd is null) as unknowable_requests,
            cast(sum(wasted_tokens) as bigint) as wasted_tokens
        {causes} group by cause
        order by avoidable_usd desc nulls last, cause_cost_usd desc nulls last, cause""",
    )
    rows = _fetch(
        marts,
        target,
        f"""select cause, request_key, session_id, agent, model, previous_model, requested_at,
            pause_seconds, wasted_tokens, cause_cost_usd, avoidable_usd
        {causes}
        qualify row_number() over (
            partition by cause
            order by avoidable_usd desc nulls last, cause_cost_usd desc nulls last, request_key
        ) <= {MOST_ROWS}
        order by avoidable_usd desc nulls last, cause_cost_usd desc nulls last, request_key""",
    )
    return [
        {
            **cause,
            "rows": [
                {name: value for name, value in row.items() if name != "cause"}
                for row in rows
                if row["cause"] == cause["cause"]
            ],
        }
        for cause in _shared(found, "cause_cost_usd", cost)
    ]


def _usual(marts: duckdb.DuckDBPyConnection, target: Target) -> Usual:
    rows = _fetch(marts, target, _OTHERS[target.kind])
    costs = [row["cost_usd"] for row in rows if row["cost_usd"] is not None]
    return Usual(median(costs) if costs else None, len(costs))


def _shared(rows: Sequence[Row], name: str, whole: Decimal | None) -> list[Row]:
    """The rows with the part that each has of the whole."""
    return [
        {**row, "share": round(row[name] / whole, 6) if whole and row[name] is not None else None}
        for row in rows
    ]


def _fetch(marts: duckdb.DuckDBPyConnection, target: Target, sql: str) -> list[Row]:
    return fetch(marts, sql, target.parameters(sql))


def _sum(amounts: Any) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), Decimal(0))
