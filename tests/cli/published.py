"""Published marts with the columns that dbt's contracts promise and the rows a test wants."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from agent_analytics_collector.home import Home

_MARTS = Path(__file__).parents[2] / "dbt_project" / "models" / "marts"
REQUEST: dict[str, Any] = {
    "agent": "claude_code", "session_id": "s1", "developer_id": "ada", "project_id": "app",
    "requested_at": "2026-03-10 12:00:00+00", "model": "haiku", "input_tokens": 10,
    "cache_read_tokens": 1000, "cache_write_5m_tokens": 200, "cache_write_1h_tokens": 0,
    "output_tokens": 30, "reasoning_tokens": None, "is_error": False, "is_subagent": False,
    "cost_usd": "0.012345678", "cost_source": "agent_reported",
}  # fmt: skip
REMAINDER: dict[str, Any] = {
    "agent": "claude_code", "session_id": "s1", "developer_id": "ada", "project_id": "app",
    "model": "haiku", "booked_at": "2026-03-10 13:00:00+00", "input_tokens": 5,
    "cache_read_tokens": 0, "cache_write_5m_tokens": 0, "cache_write_1h_tokens": 0,
    "output_tokens": 7, "reasoning_tokens": None, "cost_usd": "0.001000000",
}  # fmt: skip
SESSION: dict[str, Any] = {
    "agent": "claude_code", "session_id": "s1", "developer_id": "ada", "project_id": "app",
    "git_branch": "main", "machine": "laptop", "worktree": "/src/app", "outcome": "answered",
    "prompts": 2, "tool_calls": 3, "commits": 1, "started_at": "2026-03-10 11:59:00+00",
    "ended_at": "2026-03-10 12:30:00+00",
}  # fmt: skip
TOOL_CALL: dict[str, Any] = {
    "agent": "claude_code", "session_id": "s1", "tool_name": "Bash", "success": True,
    "is_edit": False, "duration_ms": 40, "called_at": "2026-03-10 12:00:01+00",
}  # fmt: skip
VENDOR_DAY: dict[str, Any] = {
    "vendor_usage_key": "v1", "agent": "cursor", "developer_id": "ada", "model": "sonnet",
    "booked_at": "2026-03-10 12:00:00+00", "usage_date": "2026-03-10", "requests": 4,
    "input_tokens": 100, "cache_read_tokens": 0, "cache_write_5m_tokens": 0,
    "cache_write_1h_tokens": 0, "output_tokens": 50, "reasoning_tokens": None,
    "cost_usd": "0.5", "paid_usd": "0.2", "cost_source": "vendor_billed",
}  # fmt: skip
UNPRICED = {"cost_usd": None, "cost_source": "unpriced"}

Rows = Sequence[dict[str, Any]]


def publish(
    home: Home,
    requests: Rows = (),
    remainders: Rows = (),
    run: str = "run-1",
    *,
    sessions: Rows = (),
    tool_calls: Rows = (),
    agents: Rows = (),
    models: Rows = (),
    vendor_days: Rows = (),
) -> Path:
    """Publish a run: REQUEST, REMAINDER and so on, changed as each row says. The file."""
    folder = home.published / run
    folder.mkdir(parents=True)
    file = folder / "marts.duckdb"
    with duckdb.connect(str(file)) as connection:
        for table, model, rows in (
            ("fct_agent_requests", REQUEST, requests),
            ("fct_metric_remainders", REMAINDER, remainders),
            ("fct_vendor_spend", VENDOR_DAY, vendor_days),
            ("fct_agent_sessions", SESSION, sessions),
            ("fct_tool_calls", TOOL_CALL, tool_calls),
            ("dim_agents", {}, agents),
            ("dim_models", {}, models),
        ):
            columns = contracts()[table].items()
            spelled = ", ".join(f'"{column}" {kind}' for column, kind in columns)
            connection.execute(f"create table {table} ({spelled})")
            _insert(connection, table, [{**model, **row} for row in rows])
    current = home.published / "current"
    current.unlink(missing_ok=True)
    current.symlink_to(run)
    return file


@cache
def contracts() -> dict[str, dict[str, str]]:
    """Mart → column → type."""
    files = (yaml.safe_load(path.read_text()) for path in _MARTS.glob("_*__models.yml"))
    return {
        model["name"]: {column["name"]: column["data_type"] for column in model["columns"]}
        for file in files
        for model in file["models"]
    }


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Rows) -> None:
    columns = contracts()[table]
    unknown = {key for row in rows for key in row} - columns.keys()
    assert not unknown, f"{table} has no {unknown}"
    keyed = [
        {"session_key": f"{row['agent']}:{row['session_id']}", **row}
        if row.get("session_id") and "session_key" in columns
        else row
        for row in rows
    ]
    connection.execute(
        f"insert into {table} by name select unnest(from_json(?, ?), recursive := true)",
        [json.dumps(keyed), json.dumps([columns])],
    )
