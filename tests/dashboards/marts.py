"""Marts of made-up rows with the columns that dbt's contracts promise, to ask the views of."""

from __future__ import annotations

import json
import random
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.publish import publish_new_runs
from tests.cli.published import contracts

ROWS = 60
FIRST_DAY = date(2026, 1, 1)
TEAMS = {"ada": "core", "grace": "web", "o'hara": None}
VALUES: dict[str, list[Any]] = {
    "agent": ["claude_code", "codex", "cursor"],
    "other_agent": ["codex", "cursor", None],
    "model": ["opus", "sonnet", None],
    "main_model": ["opus", "sonnet", None],
    "developer_id": [*TEAMS, None],
    "team": ["core", "web", None],
    "project_id": ["app", "lib", None],
    "repository": ["acme/app", "acme/lib"],
    "attribution_tier": ["note", "lines", "window", "ambiguous", "untracked"],
    "comparison": ["cell", "matched"],
    "metric": ["cost_per_session_usd", "one_shot_rate"],
    "breakdown": ["total", "language"],
}
GRAINS = {"fct_outcomes_monthly": ("month", "repository")}
"""What is unique in a mart, where a question stands on it."""


def columns() -> dict[str, dict[str, str]]:
    """Mart → column → type."""
    return contracts()


def tables_of(sql: str) -> set[str]:
    """The marts that a query reads."""
    query = sqlglot.parse_one(sql, dialect="duckdb")
    steps = {step.alias for step in query.find_all(exp.CTE)}
    return {table.name for table in query.find_all(exp.Table)} - steps


def make(connection: duckdb.DuckDBPyConnection, rows: int) -> None:
    """All marts in the connection's own schema, each with so many rows, the same ones each time."""
    for mart, kinds in columns().items():
        spelled = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
        connection.execute(f"create table {mart} ({spelled})")
        made = _people() if mart == "dim_developers" else [_row(mart, n) for n in range(rows)]
        if mart in GRAINS:
            made = [*{tuple(row[name] for name in GRAINS[mart]): row for row in made}.values()]
        if rows:
            connection.execute(
                f"insert into {mart} by name select unnest(from_json(?, ?), recursive := true)",
                [json.dumps(made, default=str), json.dumps([kinds])],
            )


def publish_copy(built: Home, home: Home) -> Path:
    """Publish what dbt has built in one home as another home's marts; the file of views."""
    shutil.copy(built.database, home.database)
    with lease(home.database) as connection:
        connection.execute("update dbt_runs set published_at = null")
        assert publish_new_runs(connection, home, Settings())
    return home.bi_database


def _people() -> list[dict[str, Any]]:
    return [{"developer_id": name, "team": team} for name, team in TEAMS.items()]


def _row(mart: str, n: int) -> dict[str, Any]:
    """What stands in a column does not depend on which other columns there are."""
    return {
        name: _value(random.Random(f"{mart} {name} {n}"), name, kind, n)
        for name, kind in columns()[mart].items()
    }


def _value(chance: random.Random, name: str, kind: str, n: int) -> Any:
    if name in VALUES:
        return chance.choice(VALUES[name])
    if name.endswith("_key"):
        return f"key {n}"
    day = FIRST_DAY + timedelta(days=chance.randrange(150))
    match kind.split("(")[0].split()[0]:
        case "date":
            return day.replace(day=1) if name == "month" else day
        case "timestamptz" | "timestamp":
            return f"{day} {chance.randrange(24):02}:{chance.randrange(60):02}:00+00"
        case "boolean":
            return chance.random() < 0.5
        case "bigint":
            return chance.choice([None, *range(1, 9)])
        case "double" | "decimal":
            return chance.choice([None, *(part / 16 for part in range(1, 17))])
        case "varchar":
            return f"{name} {chance.randrange(3)}"
    raise AssertionError(f"{name} is {kind}")
