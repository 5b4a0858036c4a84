"""Published marts with the week of 9 March 2026 and the one before, small enough to add up."""

from __future__ import annotations

from typing import Any

import duckdb

from agent_analytics_collector.home import Home
from tests.dashboards import marts

HOSTILE = "<script>alert(1)</script> | *bold* `code` [x](http://evil.example)\n# heading"
"""A model's name as a sender might choose it."""
APP, LIB = "https://github.com/acme/app", "https://github.com/acme/lib"
RUN = "20260316T060000_000000Z"

Row = dict[str, Any]


def _cost(day: str, agent: str, model: str, project: str, requests: int, cost: str | None) -> Row:
    return {
        "usage_date": day, "agent": agent, "model": model, "project_id": project,
        "developer_id": "ada", "requests": requests, "cost_usd": cost, "input_tokens": 100,
        "cache_read_tokens": 300, "cost_source": "agent_reported" if cost else "unpriced",
    }  # fmt: skip


def _request(key: str, day: str, cost: str | None) -> Row:
    return {
        "request_key": key, "agent": "claude_code", "model": "opus", "project_id": APP,
        "requested_at": f"{day} 12:00:00+00", "requested_date": day, "cost_usd": cost,
    }  # fmt: skip


def _cause(key: str, day: str, cause: str, cost: str, avoidable: str | None) -> Row:
    return {
        "cause_key": f"{key}:{cause}", "request_key": key, "requested_date": day, "cause": cause,
        "agent": "claude_code", "model": "opus", "project_id": APP,
        "cause_cost_usd": cost, "avoidable_usd": avoidable,
    }  # fmt: skip


def _commit(key: str, day: str, tier: str, lines: int, ai_lines: int | None) -> Row:
    return {
        "commit_key": key, "repository": APP, "committed_date": day,
        "attribution_tier": tier, "agent_assisted": tier != "untracked", "is_merge": False,
        "effective_lines_added": lines, "ai_lines": ai_lines,
    }  # fmt: skip


_BUDGET: Row = {
    "month": "2026-03-01", "measure": "list", "budget_usd": "20", "month_to_date_usd": "12.5",
    "projected_usd": "25", "projected_low_usd": "21", "projected_high_usd": "29",
}  # fmt: skip
ROWS: dict[str, list[Row]] = {
    "dim_agents": [
        {"agent": "claude_code", "display_name": "Claude Code", "first_seen_at": "2026-03-03"},
        {"agent": "codex", "display_name": "Codex", "first_seen_at": "2026-03-04"},
    ],
    "dim_projects": [{"project_id": APP}, {"project_id": LIB}],
    "dim_models": [
        {"model": "opus", "display_name": "Opus"},
        {"model": HOSTILE, "display_name": HOSTILE},
    ],
    "fct_agent_costs": [
        _cost("2026-03-03", "claude_code", "opus", APP, 10, "2.00"),
        _cost("2026-03-04", "codex", "gpt", LIB, 5, "1.00"),
        _cost("2026-03-10", "claude_code", "opus", APP, 30, "9.00"),
        _cost("2026-03-11", "claude_code", HOSTILE, APP, 2, None),
        _cost("2026-03-12", "codex", "gpt", LIB, 5, "0.50"),
    ],
    "fct_agent_requests": [
        _request("r0", "2026-03-03", "2.00"),
        _request("r1", "2026-03-10", "9.00"),
    ],
    "fct_cost_causes": [
        _cause("r0", "2026-03-03", "cache_expired", "1.00", "0.90"),
        _cause("r1", "2026-03-10", "cache_expired", "4.00", "3.50"),
        _cause("r1", "2026-03-10", "retry", "0.50", None),
    ],
    "fct_git_commits": [
        _commit("a", "2026-03-10", "tool_call", 60, 50),
        _commit("b", "2026-03-11", "untracked", 40, None),
    ],
    "fct_budget_status": [
        {**_BUDGET, "budget_key": "1", "scope": "all", "status": "over"},
        {**_BUDGET, "budget_key": "2", "scope": "agent", "name": "codex", "status": "within"},
    ],
}  # fmt: skip


def publish(home: Home, rows: dict[str, list[Row]] | None = None) -> None:
    """All marts, empty but for ROWS (or other ones), as one published run."""
    folder = home.published / RUN
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        marts.make(connection, 0)
        for mart, made in (ROWS if rows is None else rows).items():
            for row in made:
                marks = ", ".join("?" for _ in row)
                connection.execute(
                    f"insert into {mart} ({', '.join(row)}) values ({marks})", [*row.values()]
                )
    (home.published / "current").symlink_to(RUN)
