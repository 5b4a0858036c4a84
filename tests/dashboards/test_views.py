"""Every question of the views, asked of made-up marts and of an empty installation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest
import sqlglot
import yaml
from sqlglot import exp

from agent_analytics_cli import assets
from agent_analytics_collector.dashboards import (
    CHOICES,
    FILTERS,
    Question,
    bind,
    counting_people,
    fill,
    load_dashboards,
    rewrite,
    unit_of,
)

from . import marts

VIEWS = load_dashboards(assets.dashboards())
QUESTIONS = {f"{view.id}/{each.id}": each for view in VIEWS for each in view.questions}
COLUMN_OF = {
    "agent": ("agent",),
    "model": ("model", "main_model"),
    "developer": ("developer_id",),
    "project": ("project_id",),
    "repository": ("repository",),
    "tier": ("attribution_tier",),
}
DATES = (
    "month", "usage_date", "requested_date", "started_date", "called_date", "committed_date",
    "quarter_hour_at",
)  # fmt: skip
COMPARED = {
    "git_integration/assisted_commits": ("agent", "tier"),
    "git_integration/ai_code_share": ("agent", "tier"),
    "git_integration/survival": ("agent", "tier"),
    "git_integration/reverts": ("agent", "tier"),
    "agent_comparison/cost_per_session": ("agent",),
    "agent_comparison/matched": ("agent",),
}
"""Filters that keep what the chosen rows are compared with."""
DAY = marts.FIRST_DAY + timedelta(days=70)
GIVEN: dict[str, list[object]] = {
    "since": [DAY],
    "until": [DAY],
    "agent": ["codex", ["codex", "cursor"]],
    "model": ["opus"],
    "developer": ["o'hara", ["ada", "grace"]],
    "team": ["core", ["core", "web"]],
    "project": ["app"],
    "repository": ["acme/app"],
    "tier": ["lines", ["note", "lines"]],
}


def each_question() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", QUESTIONS)


@pytest.fixture(scope="module")
def filled() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        marts.make(connection, marts.ROWS)
        connection.execute("create schema reduced")
        yield connection


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        marts.make(connection, 0)
        yield connection


def test_the_five_views_have_five_to_nine_questions_each() -> None:
    assert [view.id for view in VIEWS] == [
        "roi", "agent_comparison", "team_activity", "git_integration", "cost_tracking",
    ]  # fmt: skip
    assert all(5 <= len(view.questions) <= 9 for view in VIEWS)


@each_question()
def test_a_question_runs_as_it_stands_and_returns_what_its_chart_names(
    filled: duckdb.DuckDBPyConnection, name: str
) -> None:
    question = QUESTIONS[name]
    found = ask(filled, question.sql)
    assert found.rows, "the made-up marts give it nothing to say"
    assert set(question.chart.columns) <= set(found.columns)
    assert len(set(found.columns)) == len(found.columns)
    assert not found.kinds & {"HUGEINT", "BLOB"}
    if question.chart.kind == "number":
        assert len(found.rows) == 1
    if question.chart.x and question.chart.kind != "scatter":
        places = [question.chart.x, *filter(None, [question.chart.series])]
        keys = [tuple(row[found.columns.index(place)] for place in places) for row in found.rows]
        if question.chart.kind != "interval":  # the made-up pairs of agents are not unique
            assert len(set(keys)) == len(keys), "several values in one place of the chart"


@each_question()
def test_a_charts_unit_is_that_of_its_columns_names(name: str) -> None:
    chart = QUESTIONS[name].chart
    assert {unit_of(column) or "count" for column in chart.y} <= {chart.unit}


@each_question()
def test_an_empty_installation_has_no_rows_and_no_made_up_zero(
    empty: duckdb.DuckDBPyConnection, name: str
) -> None:
    question = QUESTIONS[name]
    rows = ask(empty, question.sql).rows
    assert rows == ([(None,)] if question.chart.kind == "number" else [])


@each_question()
def test_a_question_is_one_select_over_marts(name: str) -> None:
    (query,) = sqlglot.parse(QUESTIONS[name].sql, dialect="duckdb")
    assert isinstance(query, exp.Select)
    assert marts.tables_of(QUESTIONS[name].sql) <= marts.columns().keys()


@each_question()
def test_filters_leave_what_marts_without_the_other_rows_would_answer(
    filled: duckdb.DuckDBPyConnection, name: str
) -> None:
    """The oracle knows the marts' columns and nothing of the conditions in the SQL."""
    question = QUESTIONS[name]
    everything = ask(filled, question.sql).rows
    for filter_name in question.filters:
        for value in GIVEN[filter_name]:
            sql, values = bind(question, {filter_name: value})
            filtered = ask(filled, sql, values).rows
            if filter_name not in COMPARED.get(name, ()):
                reduce(filled, question, filter_name, value)
                filled.execute("set search_path = 'reduced,main'")
                try:
                    expected = ask(filled, question.sql).rows
                finally:
                    filled.execute("set search_path = 'main'")
                assert filtered == expected, (filter_name, value)
            if not isinstance(value, list):
                assert filtered != everything, f"{filter_name} changes nothing"


@each_question()
def test_literals_in_the_place_of_parameters_give_the_same_rows(
    filled: duckdb.DuckDBPyConnection, name: str
) -> None:
    """As Metabase and Grafana write them."""
    question = QUESTIONS[name]
    values = {each: GIVEN[each][0] for each in question.filters}
    sql, bound = bind(question, values)
    assert set(bound) == set(question.filters)

    def literally(filter_name: str, condition: str) -> str:
        return "and " + fill(condition, literal(values[filter_name]))

    literal_sql = rewrite(question, literally)
    assert not re.search(r":\w|-- filter", literal_sql)
    assert ask(filled, literal_sql).rows == ask(filled, sql, bound).rows


COUNTED = [name for name, question in QUESTIONS.items() if question.can_count_people]


@pytest.mark.parametrize("name", COUNTED)
def test_the_people_behind_a_row_are_those_who_have_a_row_of_their_own_there(
    filled: duckdb.DuckDBPyConnection, name: str
) -> None:
    """Asked of one developer at a time, each row comes for those whom the whole counts in it."""
    question = counting_people(QUESTIONS[name])
    whole = ask(filled, *bind(question, {}))
    assert whole.columns[-1] == "people"
    assert whole.rows
    if name == "git_integration/survival":
        return  # it compares, so a developer alone has fewer rows
    chart, kinds = question.chart, whole.types
    keys = [
        place
        for place, column in enumerate(whole.columns)
        if column in (chart.x, chart.series)
        or (kinds[place] in ("VARCHAR", "BOOLEAN", "DATE") and column != "last_day")
    ]
    counted: Counter[tuple[Any, ...]] = Counter()
    for developer in marts.TEAMS:
        for row in ask(filled, *bind(question, {"developer": developer})).rows:
            assert row[-1] in (0, 1) or name == "team_activity/days_of_use"
            counted[tuple(row[place] for place in keys)] += row[-1]
    if name != "team_activity/days_of_use":  # one's days are in another row where they are fewer
        assert {tuple(row[place] for place in keys): row[-1] for row in whole.rows} == {
            tuple(row[place] for place in keys): counted[tuple(row[place] for place in keys)]
            for row in whole.rows
        }


@each_question()
def test_what_can_be_asked_with_people_counted_tells_of_no_person(
    filled: duckdb.DuckDBPyConnection, name: str
) -> None:
    question = QUESTIONS[name]
    if question.can_count_people:
        columns = set(ask(filled, question.sql).columns)
        assert not columns & {"developer_id", "session_id", "commit", "machine", "account"}
        assert {"since", "until", "developer", "team"} <= set(question.filters)


@pytest.mark.parametrize("filter_name", CHOICES)
def test_every_text_filter_has_its_choices(
    filled: duckdb.DuckDBPyConnection, empty: duckdb.DuckDBPyConnection, filter_name: str
) -> None:
    found = ask(filled, CHOICES[filter_name])
    assert len(found.columns) == 1
    assert found.rows
    assert ask(empty, CHOICES[filter_name]).rows == []


def test_text_filters_and_choices_are_the_same() -> None:
    assert set(CHOICES) == {name for name, kind in FILTERS.items() if kind == "text"}


def test_a_comparison_keeps_what_the_chosen_is_compared_with(
    filled: duckdb.DuckDBPyConnection,
) -> None:
    whole = by_month(filled, "assisted_commits", {})
    chosen = by_month(filled, "assisted_commits", {"agent": "codex", "tier": ["lines"]})
    assert {month: row["commits"] for month, row in chosen.items()} == {
        month: row["commits"] for month, row in whole.items()
    }
    assert {m: r["coverage"] for m, r in chosen.items()} == {
        m: r["coverage"] for m, r in whole.items()
    }
    ((codex_by_lines,),) = ask(
        filled,
        "select count(*) from fct_git_commits where agent = 'codex' and attribution_tier = 'lines'",
    ).rows
    assert sum(row["assisted_commits"] for row in chosen.values()) == codex_by_lines
    untracked = ask(filled, *bind(QUESTIONS["git_integration/reverts"], {"agent": "codex"}))
    assert {row[1] for row in untracked.rows} == {"assisted", "untracked"}


def test_a_pair_is_found_by_either_of_its_agents(filled: duckdb.DuckDBPyConnection) -> None:
    sql, values = bind(QUESTIONS["agent_comparison/matched"], {"agent": "codex"})
    pairs = {row[1:3] for row in ask(filled, sql, values).rows}
    assert all("codex" in pair for pair in pairs)
    assert {"codex"} < {other for _, other in pairs} | {agent for agent, _ in pairs}


def test_exposures_name_the_marts_that_the_views_read() -> None:
    folder = assets.dbt_project() / "models"
    exposures = {
        exposure["name"]: {each.split("'")[1] for each in exposure["depends_on"]}
        for path in folder.rglob("*.yml")
        for exposure in yaml.safe_load(path.read_text()).get("exposures") or ()
    }
    for view in VIEWS:
        filtered = [
            rewrite(each, lambda _, condition: f"and {condition}") for each in view.questions
        ]
        read = {mart for sql in filtered for mart in marts.tables_of(sql)}
        assert exposures[view.id] == read, view.id


def test_requests_without_a_price_stand_beside_all_of_their_model(
    empty: duckdb.DuckDBPyConnection,
) -> None:
    found = asked_of(
        empty,
        "cost_tracking/unpriced_requests",
        """insert into fct_daily_agent_usage by name from (values
            (date '2026-03-01', 'codex', 'new', 2, 1), (date '2026-03-02', 'codex', 'new', 5, 0),
            (date '2026-03-02', 'codex', 'old', 9, 0)
        ) as made(usage_date, agent, model, requests, unpriced_requests)""",
    )
    assert found == [("codex", "new", 1, 7, date(2026, 3, 1))]


def test_seats_without_hours_are_paid_at_the_least_return_and_not_at_the_most(
    empty: duckdb.DuckDBPyConnection,
) -> None:
    made = """insert into fct_roi_monthly by name from (values
        (date '2026-03-01', 'core', 100, 50, 200, 400), (date '2026-03-01', null, 350, null, null,
        null), (date '2026-04-01', 'core', 100, null, null, null)
    ) as made(month, team, paid_usd, unknown_paid_list_usd, value_low_usd, value_high_usd)"""
    found = asked_of(empty, "roi/return_range", made)
    assert found == [(date(2026, 3, 1), 200 / 500 - 1, 400 / 100 - 1)]


@pytest.mark.parametrize(
    ("name", "mart", "label"),
    [
        ("team_activity/active_developers", "fct_daily_agent_usage", "agent"),
        ("team_activity/projects", "fct_agent_sessions", "project_id"),
        ("team_activity/teams", "fct_agent_sessions", "agent"),
        ("roi/plans", "fct_plan_months", "plan"),
    ],
)
def test_usage_by_people_whom_nothing_names_is_not_usage_by_nobody(
    empty: duckdb.DuckDBPyConnection, name: str, mart: str, label: str
) -> None:
    named = f"""insert into {mart} by name from (values ('known', 'ada'), ('known', null))
        as made({label}, developer_id)"""
    nameless = f"insert into {mart} by name select 'unknown' as {label}, null as developer_id"

    def developers(*statements: str) -> list[int | None]:
        return [row["developers"] for row in asked_by_name(empty, name, *statements)]

    assert developers(nameless) == [None]
    # Nobody is in a team here: all are in one row.
    expected: list[int | None] = [1] if name.endswith("teams") else [1, None]
    assert developers(named, nameless) == expected


def test_rates_of_retries_and_failures_are_of_sums(empty: duckdb.DuckDBPyConnection) -> None:
    made = """insert into fct_agent_quality by name from (values
        ('codex', 1, 10, 1, 4), ('codex', 9, 30, 0, null), ('claude_code', null, null, null, 0)
    ) as made(agent, attempts_again, attempts, tool_failures, tool_runs)"""
    rows = asked_by_name(empty, "agent_comparison/quality", made)
    assert [(row["agent"], row["retry_rate"], row["tool_failure_rate"]) for row in rows] == [
        ("claude_code", None, None), ("codex", 10 / 40, 1 / 4),
    ]  # fmt: skip


def test_cells_that_say_most_come_first(empty: duckdb.DuckDBPyConnection) -> None:
    made = """insert into fct_agent_comparison by name from (values
        ('cell', 'a', 1, false), ('cell', 'b', 12, true), ('cell', 'c', 40, true),
        ('cell', 'd', 30, false)
    ) as made(comparison, repository, sessions, is_enough)"""
    rows = asked_by_name(empty, "agent_comparison/cells", made)
    assert [row["repository"] for row in rows] == ["c", "b", "d", "a"]


def test_a_vendors_day_is_in_no_hour(empty: duckdb.DuckDBPyConnection) -> None:
    """It has none, and stands at noon in marts that need a time."""
    found = asked_of(
        empty,
        "team_activity/weekday_hours",
        """insert into fct_agent_requests by name
        select timestamptz '2026-03-02 09:30:00+00' as requested_at""",
        """insert into fct_usage_15min by name
        select timestamptz '2026-03-02 12:00:00+00' as quarter_hour_at, 500 as requests""",
    )
    assert found == [(9, "Monday", 1)]


def test_commits_of_no_repository_are_no_choice(empty: duckdb.DuckDBPyConnection) -> None:
    empty.execute("begin")
    try:
        empty.execute("insert into fct_git_commits by name select null as repository")
        assert ask(empty, CHOICES["repository"]).rows == []
    finally:
        empty.execute("rollback")


def asked_of(
    empty: duckdb.DuckDBPyConnection, name: str, *statements: str
) -> list[tuple[Any, ...]]:
    """What the question answers where only those rows are."""
    return found_in(empty, name, *statements).rows


def asked_by_name(
    empty: duckdb.DuckDBPyConnection, name: str, *statements: str
) -> list[dict[str, Any]]:
    """The same, each row by its columns' names."""
    found = found_in(empty, name, *statements)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def found_in(empty: duckdb.DuckDBPyConnection, name: str, *statements: str) -> Found:
    empty.execute("begin")
    try:
        empty.execute("set TimeZone = 'UTC'")
        for statement in statements:
            empty.execute(statement)
        return ask(empty, QUESTIONS[name].sql)
    finally:
        empty.execute("rollback")


class Found:
    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self.columns = [each[0] for each in cursor.description or ()]
        self.types = [str(each[1]) for each in cursor.description or ()]
        self.kinds = set(self.types)
        self.rows: list[tuple[Any, ...]] = cursor.fetchall()


def ask(
    connection: duckdb.DuckDBPyConnection, sql: str, values: dict[str, object] | None = None
) -> Found:
    return Found(connection.execute(sql, values or {}))


def by_month(
    connection: duckdb.DuckDBPyConnection, question: str, values: dict[str, object]
) -> dict[date, dict[str, Any]]:
    found = ask(connection, *bind(QUESTIONS[f"git_integration/{question}"], values))
    return {row[0]: dict(zip(found.columns, row, strict=True)) for row in found.rows}


def reduce(
    connection: duckdb.DuckDBPyConnection, question: Question, filter_name: str, value: object
) -> None:
    """Views in the schema `reduced` on the rows that the filter is to leave of the marts."""
    connection.execute("drop schema reduced cascade")
    connection.execute("create schema reduced")
    for mart in marts.tables_of(question.sql):
        condition = kept(marts.columns()[mart], filter_name, value)
        connection.execute(
            f"create view reduced.{mart} as select * from main.{mart} where {condition}"
        )


def kept(columns: dict[str, str], filter_name: str, value: object) -> str:
    chosen = ", ".join(literal(each) for each in (value if isinstance(value, list) else [value]))
    if filter_name in ("since", "until"):
        column = next((each for each in DATES if each in columns), None)
        if column is None:
            return "true"
        compared = ">=" if filter_name == "since" else "<="
        day = literal(DAY.replace(day=1) if column == "month" and compared == ">=" else DAY)
        return f"cast({column} as date) {compared} {day}"
    if filter_name == "team":
        if "team" in columns:
            return f"team in ({chosen})"
        members = f"select developer_id from main.dim_developers where team in ({chosen})"
        return f"developer_id in ({members})" if "developer_id" in columns else "true"
    named = [each for each in COLUMN_OF[filter_name] if each in columns]
    return f"{named[0]} in ({chosen})" if named else "true"


def literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
