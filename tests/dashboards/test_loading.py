"""Views from files: what is loaded, what is refused, how filters become SQL."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from agent_analytics_collector.dashboards import (
    BadDashboard,
    Chart,
    Question,
    bind,
    counting_people,
    fill,
    load_dashboards,
    rewrite,
    unit_of,
)

VIEW = """
position: 2
title: Spend
description: What it costs.
questions:
  - id: by_day
    title: By day
    description: Day by day.
    chart: {kind: line, x: day, y: [cost_usd], unit: usd}
    width: 12
"""
SQL = """-- Days without usage are left out.
select
    usage_date as day,
    sum(cost_usd) as cost_usd
from fct_agent_costs
where
    true
    -- filter since: usage_date >= cast(:since as date)
    -- filter agent: (agent = :agent or vendor = :agent)
group by day
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "dashboards", "spend", VIEW, SQL)


@pytest.fixture
def question(folder: Path) -> Question:
    return load_dashboards(folder)[0].questions[0]


def write(folder: Path, view: str, yml: str, sql: str) -> Path:
    (folder / view).mkdir(parents=True)
    (folder / view / "view.yml").write_text(yml)
    (folder / view / "by_day.sql").write_text(sql)
    return folder


def test_views_come_by_their_position_with_their_questions(folder: Path) -> None:
    write(folder, "zebra", VIEW.replace("position: 2", "position: 1"), SQL)
    first, second = load_dashboards(folder)
    assert (first.id, second.id, second.title) == ("zebra", "spend", "Spend")
    (question,) = second.questions
    assert question.sql == SQL.rstrip()
    assert question.chart == Chart("line", x="day", y=("cost_usd",), unit="usd")
    assert question.filters == ("since", "agent")


def test_a_folder_without_views_has_none(tmp_path: Path) -> None:
    assert load_dashboards(tmp_path) == ()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("title: Spend", "titel: Spend", "titel"),
        ("kind: line", "kind: pie", "pie"),
        ("width: 12", "width: 25", "width 25"),
        ("width: 12", "width: wide", "width"),
        ("x: day, ", "", "needs x and y"),
        ("kind: line", "kind: table", "names roles"),
        ("kind: line", "kind: number", "needs one y and no x"),
        ("kind: line", "kind: interval", "low and high"),
        ("kind: line", "kind: heatmap", "needs x, series"),
        ("id: by_day", "id: by_week", "by_day, by_week"),
        ("questions:", "questions: [", "expected"),
    ],
)
def test_a_view_that_cannot_be_drawn_is_refused(
    folder: Path, old: str, new: str, problem: str
) -> None:
    path = folder / "spend" / "view.yml"
    path.write_text(VIEW.replace(old, new))
    with pytest.raises(BadDashboard, match=problem) as refused:
        load_dashboards(folder)
    assert refused.value.path == path


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("group by day", "group by day;", "without a semicolon"),
        ("select\n", "update x set a = 1 where 1 in (select 1)\n", "one SELECT"),
        ("-- filter since", "-- filter sinse", "sinse"),
        ("-- filter since:", "-- filter since", "is no filter"),
        ("-- filter since:", "--filter since:", "is no filter"),
        (":since", ":until", ":since alone"),
        ("cast(:since as date)", "date '2026-01-01'", ":since alone"),
        ("vendor = :agent", "vendor in (:agent)", "no list"),
        ("from fct", "-- people count(*) as people\nfrom fct", "a line that counts people"),
        ("from fct", "-- people: count(*) as heads\nfrom fct", "does not name the column people"),
    ],
)
def test_a_query_that_tools_cannot_use_is_refused(
    folder: Path, old: str, new: str, problem: str
) -> None:
    path = folder / "spend" / "by_day.sql"
    assert old in SQL
    path.write_text(SQL.replace(old, new))
    with pytest.raises(BadDashboard, match=problem) as refused:
        load_dashboards(folder)
    assert refused.value.path == path


def test_a_query_without_its_file_and_a_file_without_its_question_are_refused(
    folder: Path,
) -> None:
    shutil.copy(folder / "spend" / "by_day.sql", folder / "spend" / "by_hour.sql")
    with pytest.raises(BadDashboard, match="by_hour"):
        load_dashboards(folder)
    (folder / "spend" / "by_hour.sql").unlink()
    (folder / "spend" / "by_day.sql").unlink()
    with pytest.raises(BadDashboard, match="by_day"):
        load_dashboards(folder)


def test_the_same_question_twice_is_refused(folder: Path) -> None:
    path = folder / "spend" / "view.yml"
    path.write_text(VIEW + VIEW.partition("questions:\n")[2])
    with pytest.raises(BadDashboard, match="twice"):
        load_dashboards(folder)


def test_values_become_parameters_and_other_filters_go(question: Question) -> None:
    sql, values = bind(question, {"since": date(2026, 3, 1), "agent": None, "team": "core"})
    assert "    and usage_date >= cast($since as date)\n" in sql
    assert "agent" not in sql.replace("fct_agent_costs", "")
    assert values == {"since": date(2026, 3, 1)}


def test_several_values_of_a_text_are_any_of_them(question: Question) -> None:
    sql, values = bind(question, {"agent": ("codex", "cursor")})
    assert "    and (agent = any($agent) or vendor = any($agent))\n" in sql
    assert values == {"agent": ["codex", "cursor"]}
    assert bind(question, {"agent": []}) == bind(question, {})


def test_a_tool_puts_its_own_clauses_into_the_filters_places(question: Question) -> None:
    def clause(name: str, condition: str) -> str | None:
        return f"[[and {fill(condition, '{{' + name + '}}')}]]" if name == "agent" else None

    assert rewrite(question, clause) == SQL.rstrip().replace(
        "    -- filter since: usage_date >= cast(:since as date)\n", ""
    ).replace(
        "-- filter agent: (agent = :agent or vendor = :agent)",
        "[[and (agent = {{agent}} or vendor = {{agent}})]]",
    )


def test_people_are_a_column_only_for_tools_that_count_them(folder: Path) -> None:
    path = folder / "spend" / "by_day.sql"
    line = "    -- people: count(distinct developer_id) as people\n"
    path.write_text(SQL.replace("from fct", f"{line}from fct"))
    ((question,),) = (view.questions for view in load_dashboards(folder))
    assert question.can_count_people
    assert bind(question, {})[0] == bind(counting_people(question), {})[0].replace(
        "    , count(distinct developer_id) as people\n", ""
    )
    assert "people" not in bind(question, {})[0]


def test_a_question_that_cannot_count_people_stays_as_it_is(question: Question) -> None:
    assert not question.can_count_people
    assert counting_people(question) == question


def test_a_condition_keeps_its_casts_and_takes_any_text() -> None:
    assert fill("a::date >= :since", r"'\1'") == r"a::date >= '\1'"


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("cost_usd", "usd"), ("roi_low", "percent"), ("survival_30d", "percent"),
        ("hours_saved_high", "hours"), ("cost_per_merged_line_usd", "usd"),
        ("cache_hit_ratio", "percent"), ("output_tokens", "tokens"), ("sessions", None),
    ],
)  # fmt: skip
def test_a_columns_name_tells_its_unit(column: str, unit: str | None) -> None:
    assert unit_of(column) == unit
