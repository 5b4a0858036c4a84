"""Limit windows from the published marts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from agent_analytics_cli.reports.report_query import fetch
from agent_analytics_cli.statusline.text import duration

FACTS = (
    "agent",
    "account",
    "developer_id",
    "limit_id",
    "window",
    "plan_type",
    "used_percentage",
    "pace",
    "cost_usd",
    "list_usd_per_percent",
    "requests",
    "unpriced_requests",
    "estimated",
    "is_over",
    "started_at",
    "observed_at",
    "resets_at",
    "runs_out_at",
)


@dataclass(frozen=True, slots=True)
class LimitWindows:
    """Limit windows by agent, the shorter before the longer; those whose reset has passed last."""

    rows: list[dict[str, Any]]
    """FACTS of each, and `agent_name`; `is_over` where the reset has passed."""

    @property
    def estimated(self) -> bool:
        """Some row is no reading of the agent's."""
        return any(row["estimated"] for row in self.rows)

    @property
    def told(self) -> bool:
        """Claude Code, whose blocks are estimated, has told some window of its own."""
        return any(row["agent"] == "claude_code" and not row["estimated"] for row in self.rows)

    @property
    def is_partial(self) -> bool:
        """Some cost leaves out requests whose price is unknown."""
        return any(row["unpriced_requests"] for row in self.rows)


def read_limits(marts: duckdb.DuckDBPyConnection | None, now: datetime) -> LimitWindows:
    """Every limit window of the published run; `marts` None is a home that published nothing."""
    if marts is None:
        return LimitWindows([])
    return LimitWindows(
        fetch(
            marts,
            """
            select
                windows.*,
                coalesce(agents.display_name, windows.agent) as agent_name,
                coalesce(resets_at <= $now, false) as is_over
            from main.fct_limit_windows as windows
            left join main.dim_agents as agents using (agent)
            order by
                is_over, windows.agent, resets_at - started_at nulls last, resets_at, limit_key
            """,
            {"now": now},
        )
    )


def for_programs(row: dict[str, Any]) -> dict[str, Any]:
    """FACTS of the row, times in ISO 8601 in UTC."""
    return {name: _moment(row[name]) for name in FACTS}


def for_people(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The row as a table shows it: names, how long from now, `is_partial`."""
    used, resets_at, runs_out_at = row["used_percentage"], row["resets_at"], row["runs_out_at"]
    names = (row["window"], row["limit_id"] if row["limit_id"] != row["agent"] else None)
    return row | {
        "agent": row["agent_name"],
        "window": " ".join(filter(None, names)) + (" (estimated)" if row["estimated"] else ""),
        "used": None if used is None else round(used),
        "pace": None if row["pace"] is None or row["is_over"] else f"{row['pace']:.1f}",
        "resets": _from_now(resets_at, now),
        "runs_out": None if row["is_over"] else _from_now(runs_out_at, now),
        "is_partial": bool(row["unpriced_requests"]),
        "read": _from_now(row["observed_at"], now),
    }


def _moment(value: Any) -> Any:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value


def _from_now(moment: datetime | None, now: datetime) -> str | None:
    if moment is None:
        return None
    seconds = (moment - now).total_seconds()
    return f"in {duration(seconds)}" if seconds > 0 else f"{duration(-seconds)} ago"
