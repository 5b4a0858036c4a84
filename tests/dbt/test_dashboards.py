"""The five views asked of the published demo, as a BI tool asks them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from agent_analytics_cli import assets
from agent_analytics_collector.dashboards import CHOICES, bind, load_dashboards
from agent_analytics_collector.home import Home
from tests.dashboards.marts import publish_copy

from .warehouse import Warehouse

pytestmark = pytest.mark.slow

QUESTIONS = {
    f"{view.id}/{each.id}": each
    for view in load_dashboards(assets.dashboards())
    for each in view.questions
}


@pytest.fixture(scope="module")
def bi(
    built: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """`bi.duckdb` of the demo, read-only."""
    home = Home(tmp_path_factory.mktemp("published"))
    home.create()
    with duckdb.connect(str(publish_copy(built.home, home)), read_only=True) as connection:
        yield connection


def rows(bi: duckdb.DuckDBPyConnection, name: str, **filters: object) -> list[dict[str, Any]]:
    cursor = bi.execute(*bind(QUESTIONS[name], filters))
    columns = [each[0] for each in cursor.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_query_runs_as_it_stands_and_returns_what_its_chart_names(
    bi: duckdb.DuckDBPyConnection, name: str
) -> None:
    cursor = bi.execute(QUESTIONS[name].sql)
    columns = {each[0] for each in cursor.description or ()}
    assert set(QUESTIONS[name].chart.columns) <= columns
    kinds = {str(each[1]) for each in cursor.description or ()}
    assert not kinds & {"HUGEINT", "BLOB"}, "some drivers cannot read these"


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_filter_runs_with_a_value_of_its_choices(
    bi: duckdb.DuckDBPyConnection, name: str
) -> None:
    values: dict[str, object] = {"since": date(2026, 1, 1), "until": date(2027, 1, 1)}
    values |= {
        each: [row[0] for row in bi.execute(sql).fetchall()] for each, sql in CHOICES.items()
    }
    sql, bound = bind(QUESTIONS[name], values)
    bi.execute(sql, bound)


def test_parts_of_the_spend_add_up_in_every_view(bi: duckdb.DuckDBPyConnection) -> None:
    (whole,) = rows(bi, "cost_tracking/spend")
    assert whole["cost_usd"] > 0
    for name, column in (
        ("cost_tracking/spend_by_day", "cost_usd"),
        ("cost_tracking/spend_by_model", "cost_usd"),
        ("cost_tracking/paid_beside_list", "list_cost_usd"),
        ("git_integration/yield", "cost_usd"),
        ("roi/list_cost", "list_cost_usd"),
        ("roi/teams_and_projects", "list_cost_usd"),
    ):
        known = [row[column] for row in rows(bi, name) if row[column] is not None]
        assert sum(known, Decimal(0)) == whole["cost_usd"], name


def test_a_day_without_usage_has_no_rows_and_an_unknown_sum(bi: duckdb.DuckDBPyConnection) -> None:
    assert rows(bi, "cost_tracking/spend_by_day", until=date(2026, 1, 1)) == []
    assert rows(bi, "cost_tracking/spend", until=date(2026, 1, 1)) == [{"cost_usd": None}]


def test_sessions_are_counted_once_in_every_table_of_activity(
    bi: duckdb.DuckDBPyConnection,
) -> None:
    ((sessions,),) = bi.execute("select count(*) from fct_agent_sessions").fetchall()
    for question in ("teams", "projects", "developers", "sessions_by_day", "outcomes"):
        assert sum(row["sessions"] for row in rows(bi, f"team_activity/{question}")) == sessions
    assert sum(row["sessions"] for row in rows(bi, "agent_comparison/quality")) == sessions
