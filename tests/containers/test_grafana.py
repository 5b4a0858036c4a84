"""Grafana's dashboards: up to date, and each panel's SQL answers what its question does."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from agent_analytics_cli import assets
from agent_analytics_collector.dashboards import Question, bind, load_dashboards
from agent_analytics_collector.home import Home
from tests.dashboards import marts

from .files import DOCKERFILE, ROOT, environment, instructions, services
from .grafana import PROVISIONING, dashboards, datasource, interpolated, panels

VIEWS = {view.id: view for view in load_dashboards(assets.dashboards())}
PANELS = {name: (panel, dashboard) for name, panel, dashboard in panels()}
ALWAYS = ("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z")
DAY = marts.FIRST_DAY + timedelta(days=70)
HANDED_ON = {
    "VARCHAR", "BOOLEAN", "BIGINT", "INTEGER", "SMALLINT", "DOUBLE", "DATE", "TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE",
}  # fmt: skip
"""Types, DECIMAL besides, that the plugin turns into numbers, texts and times of Grafana."""

each_panel = pytest.mark.parametrize("name", PANELS)


@pytest.fixture(scope="module", params=[marts.ROWS, 0], ids=["filled", "empty"])
def made(request: pytest.FixtureRequest) -> Iterator[duckdb.DuckDBPyConnection]:
    """All marts, of made-up rows and of none."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        marts.make(connection, request.param)
        yield connection


def test_the_files_are_what_the_views_say() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generate_grafana_dashboards.py", "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, (
        f"{checked.stdout}{checked.stderr}\n"
        "Run python scripts/generate_grafana_dashboards.py and commit what it writes."
    )


def test_every_question_has_its_panel() -> None:
    assert {
        name: [panel["title"] for panel in each["panels"]] for name, each in dashboards().items()
    } == {name: [question.title for question in view.questions] for name, view in VIEWS.items()}


@each_panel
def test_a_panel_answers_what_its_question_answers(
    made: duckdb.DuckDBPyConnection, name: str
) -> None:
    """With all chosen and always as the time, the same rows in the same order."""
    question = question_of(name)
    columns, rows = ask(made, sql_of(name, {}, *ALWAYS))
    asked_columns, asked_rows = ask(made, question.sql)
    assert columns == asked_columns
    labels = labels_of(name)
    assert labels <= {question.chart.x, question.chart.series}
    places = [columns.index(column) for column in columns if column not in labels]
    assert [[row[n] for n in places] for row in rows] == [
        [row[n] for n in places] for row in asked_rows
    ]
    for n in map(columns.index, labels):
        assert all(isinstance(row[n], str) for row in rows), "Grafana's matrix breaks on NULL"


@each_panel
def test_a_choice_in_grafana_restricts_as_the_filter_does(
    made: duckdb.DuckDBPyConnection, name: str
) -> None:
    question = question_of(name)
    chosen: dict[str, Any] = {
        "developer": ["o'hara", "ada"],
        "agent": ["codex"],
        "tier": ["lines", "note"],
    }
    since = until = str(DAY)
    days = {"since": since, "until": until}
    values = {key: each for key, each in (chosen | days).items() if key in question.filters}
    sql, bound = bind(question, values)
    columns, rows = ask(made, sql_of(name, chosen, f"{since}T00:00:00Z", f"{until}T23:59:59Z"))
    _, expected = ask(made, sql, bound)
    if labels_of(name):
        measures = [columns.index(column) for column in question.chart.y]
        rows, expected = ([tuple(row[n] for n in measures) for row in each]
                          for each in (rows, expected))  # fmt: skip
    assert rows == expected


@each_panel
def test_what_a_panel_names_is_in_its_answer_and_of_a_type_that_arrives(
    made: duckdb.DuckDBPyConnection, name: str
) -> None:
    panel, _ = PANELS[name]
    described = made.execute(f"describe {sql_of(name, {}, *ALWAYS)}").fetchall()
    kinds = {column: kind for column, kind, *_ in described}
    assert {kind for kind in kinds.values() if not kind.startswith("DECIMAL")} <= HANDED_ON
    assert set(fields_of(panel)) <= kinds.keys()
    if panel["type"] == "timeseries":
        assert any(kind == "DATE" or kind.startswith("TIMESTAMP") for kind in kinds.values())


def test_a_variables_value_is_never_read_as_sql(made: duckdb.DuckDBPyConnection) -> None:
    hostile = ["x') or true --", "${agent:sqlstring}", "a'b"]
    for name in ("cost_tracking/3", "cost_tracking/4"):
        _, rows = ask(made, sql_of(name, {"agent": hostile}, *ALWAYS))
        assert rows == []


def test_every_variable_that_sql_uses_is_there_and_every_one_there_is_used() -> None:
    for dashboard in dashboards().values():
        text = " ".join(panel["targets"][0]["rawSql"] for panel in dashboard["panels"])
        for variable in dashboard["templating"]["list"]:
            assert f"${{{variable['name']}:sqlstring}}" in text
        interpolated(text, dashboard, {}, *ALWAYS)


def test_variables_offer_what_is_there(made: duckdb.DuckDBPyConnection) -> None:
    for dashboard in dashboards().values():
        for variable in dashboard["templating"]["list"]:
            columns, _ = ask(made, variable["query"])
            assert len(columns) == 1
            assert variable["multi"]
            assert variable["includeAll"]


def test_panels_stand_in_the_grid_without_overlap() -> None:
    for dashboard in dashboards().values():
        taken: set[tuple[int, int]] = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert all(0 <= x < 24 for x, _ in cells)
            assert not cells & taken
            taken |= cells


def test_dashboards_name_the_provisioned_data_source_and_differ_in_id() -> None:
    source = datasource()
    named = {"type": source["type"], "uid": source["uid"]}
    for _, panel, dashboard in panels():
        assert panel["datasource"] == panel["targets"][0]["datasource"] == named
        assert all(each["datasource"] == named for each in dashboard["templating"]["list"])
    ids = [dashboard["uid"] for dashboard in dashboards().values()]
    assert len(set(ids)) == len(ids)
    assert all(len(each) <= 40 for each in ids)  # Grafana refuses longer ones


def test_grafana_reads_the_published_marts_where_the_service_writes_them() -> None:
    path, _, option = datasource()["jsonData"]["path"].partition("?")
    home = Home(Path(environment(DOCKERFILE)["AGENT_ANALYTICS_HOME"]))
    assert (path, option) == (str(home.bi_database), "access_mode=READ_ONLY")
    assert f":{home.published}:ro" in " ".join(services()["grafana"]["volumes"])


def test_the_image_has_plugin_and_dashboards_where_grafana_looks() -> None:
    dockerfile = ROOT / "docker" / "grafana" / "Dockerfile"
    copied = {tuple(each.words[-2:]) for each in instructions(dockerfile) if each.name == "COPY"}
    variables = environment(dockerfile)
    assert ("/plugins", variables["GF_PATHS_PLUGINS"]) in copied
    assert variables["GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS"] == datasource()["type"]
    content = yaml.safe_load((PROVISIONING / "dashboards" / "agent-analytics.yaml").read_text())
    (provider,) = content["providers"]
    assert ("grafana/dashboards", provider["options"]["path"]) in copied
    assert ("grafana/provisioning", "/etc/grafana/provisioning") in copied


def question_of(name: str) -> Question:
    view, _, number = name.partition("/")
    return VIEWS[view].questions[int(number) - 1]


def labels_of(name: str) -> set[str]:
    """Columns that the panel's SQL turns into names."""
    sql: str = PANELS[name][0]["targets"][0]["rawSql"]
    head = sql.partition("\nfrom (")[0] if sql.startswith("select * replace (") else ""
    return set(re.findall(r' as "(\w+)"', head))


def sql_of(name: str, chosen: dict[str, Any], since: str, until: str) -> str:
    panel, dashboard = PANELS[name]
    return interpolated(panel["targets"][0]["rawSql"], dashboard, chosen, since, until)


def fields_of(panel: dict[str, Any]) -> Iterator[str]:
    """Columns that a panel's options, transformations and overrides name."""
    for each in panel["transformations"]:
        options = each["options"]
        yield from (options[key] for key in ("rowField", "columnField", "valueField")
                    if key in options)  # fmt: skip
        yield from options.get("fields", ())
    if "\\" not in panel["options"].get("xField", "\\"):
        yield panel["options"]["xField"]
    yield from (each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"])


def ask(
    connection: duckdb.DuckDBPyConnection, sql: str, values: dict[str, object] | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    cursor = connection.execute(sql, values or {})
    return [each[0] for each in cursor.description or ()], cursor.fetchall()
