"""Grafana's panels asked of the published demo, through the data source as it is provisioned."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from agent_analytics_collector.home import Home
from tests.containers.grafana import datasource, interpolated, panels
from tests.dashboards.marts import publish_copy

from .warehouse import Warehouse

pytestmark = pytest.mark.slow

PANELS = {name: (panel, dashboard) for name, panel, dashboard in panels()}
YEAR = ("2026-01-01T00:00:00Z", "2026-12-31T23:59:59Z")


@pytest.fixture(scope="module")
def bi(
    built: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """`bi.duckdb` of the demo, opened with the options and the first SQL of the data source."""
    home = Home(tmp_path_factory.mktemp("published"))
    home.create()
    publish_copy(built.home, home)
    settings = datasource()["jsonData"]
    path, _, option = settings["path"].partition("?")
    name, _, value = option.partition("=")
    with duckdb.connect(str(home.bi_database), config={name: value}) as connection:
        connection.execute(
            settings["initSql"].replace(path.rpartition("/")[0], str(home.published))
        )
        yield connection


@pytest.mark.parametrize("name", PANELS)
def test_every_panels_sql_runs(bi: duckdb.DuckDBPyConnection, name: str) -> None:
    panel, dashboard = PANELS[name]
    variables = dashboard["templating"]["list"]
    offered = {
        each["name"]: [row[0] for row in bi.execute(each["query"]).fetchall()] for each in variables
    }
    for chosen in ({}, {key: values for key, values in offered.items() if values}):
        bi.execute(interpolated(panel["targets"][0]["rawSql"], dashboard, chosen, *YEAR)).fetchall()


def test_the_demos_spend_is_shown(bi: duckdb.DuckDBPyConnection) -> None:
    ((wanted,),) = bi.execute("select sum(cost_usd) from fct_agent_costs").fetchall()
    (panel, dashboard) = next(
        (panel, dashboard)
        for panel, dashboard in PANELS.values()
        if panel["type"] == "stat" and dashboard["title"] == "Cost tracking"
    )
    sql = panel["targets"][0]["rawSql"]
    assert bi.execute(interpolated(sql, dashboard, {}, *YEAR)).fetchall() == [(wanted,)]
    before = ("2025-01-01T00:00:00Z", "2025-12-31T00:00:00Z")
    assert bi.execute(interpolated(sql, dashboard, {}, *before)).fetchall() == [(None,)]


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('/etc/hostname')",
        "attach '/tmp/elsewhere.duckdb'",
        "create table made (a int)",
        "reset allowed_directories",
        "set enable_external_access = true",
    ],
)
def test_sql_typed_into_a_panel_reaches_the_marts_alone(
    bi: duckdb.DuckDBPyConnection, sql: str
) -> None:
    with pytest.raises(
        (duckdb.PermissionException, duckdb.InvalidInputException),
        match=r"disabled by configuration|locked|read-only",
    ):
        bi.execute(sql)
