"""Options for ECharts from the answers to questions."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from agent_analytics_cli import assets
from agent_analytics_collector.dashboards import Chart, Question, load_dashboards
from agent_analytics_collector.web.charts import chart_height, chart_option
from agent_analytics_collector.web.series import every_place, plot
from agent_analytics_collector.web.static_files import CHARTS, ECHARTS, STATIC

D = date(2026, 3, 1)
QUESTIONS = [each for view in load_dashboards(assets.dashboards()) for each in view.questions]


def day(number: int) -> date:
    return date(2026, 3, number)


def option_of(chart: Chart, columns: tuple[str, ...], *rows: tuple[object, ...]) -> dict[str, Any]:
    option = chart_option(chart, columns, rows)
    assert option is not None
    parsed: dict[str, Any] = json.loads(json.dumps(option, allow_nan=False))
    return parsed


def test_days_without_a_row_are_gaps_and_the_series_stay_apart() -> None:
    chart = Chart("stacked_bar", x="day", y=("cost_usd",), series="agent", unit="usd")
    option = option_of(
        chart,
        ("day", "agent", "cost_usd"),
        (day(4), "codex", Decimal("1.5")),
        (day(2), "claude_code", Decimal(2)),
        (day(2), None, None),
    )
    assert option["xAxis"]["data"] == ["2026-03-02", "2026-03-03", "2026-03-04"]
    assert [(each["name"], each["data"]) for each in option["series"]] == [
        ("codex", [None, None, 1.5]),
        ("claude_code", [2.0, None, None]),
        ("—", [None, None, None]),
    ]
    assert {each["stack"] for each in option["series"]} == {"all"}
    assert "legend" in option


def test_bars_of_names_lie_and_leave_each_name_a_line() -> None:
    chart = Chart("bar", x="cause", y=("cost_usd", "avoidable_usd"), unit="usd")
    rows = [(f"cause {n}", n, None) for n in range(30)]
    option = option_of(chart, ("cause", "cost_usd", "avoidable_usd"), *rows)
    assert option["yAxis"]["type"] == "category"
    assert option["yAxis"]["inverse"]
    assert option["xAxis"]["type"] == "value"
    assert [each["name"] for each in option["series"]] == ["cost", "avoidable"]
    assert chart_height(option) > 30 * 20


def test_a_month_is_named_without_a_day() -> None:
    chart = Chart("line", x="month", y=("rate",), unit="percent")
    option = option_of(chart, ("month", "rate"), (date(2025, 12, 1), 0.5), (date(2026, 2, 1), 1))
    assert option["xAxis"]["data"] == ["2025-12", "2026-01", "2026-02"]


def test_a_line_breaks_where_a_value_is_unknown() -> None:
    chart = Chart("line", x="day", y=("rate",), unit="percent")
    option = option_of(chart, ("day", "rate"), (day(1), 0.25), (day(2), None), (day(3), 0.5))
    (series,) = option["series"]
    assert series["data"] == [0.25, None, 0.5]
    assert series["connectNulls"] is False
    assert series["showSymbol"]
    assert "legend" not in option


def test_an_interval_ends_at_its_low_and_its_high_on_both_sides_of_zero() -> None:
    chart = Chart("interval", x="metric", y=("value",), series="agent", low="lo", high="hi")
    option = option_of(
        chart,
        ("metric", "agent", "value", "lo", "hi"),
        ("cost", "codex", 1.0, -2.0, 3.5),
        ("cost", "cursor", 4.0, None, None),
        ("cost", "cursor", 5.0, 4.5, 6.0),
    )
    low, width, points = option["series"]
    assert low["stack"] == width["stack"]
    assert low["stackStrategy"] == width["stackStrategy"] == "all"
    pairs = zip(low["data"], width["data"], strict=True)
    ends = [(start, None if start is None else start + length) for start, length in pairs]
    assert ends == [(-2.0, 3.5), (None, None), (4.5, 6.0)]
    assert points["data"] == [1.0, 4.0, 5.0]
    assert option["yAxis"]["data"] == ["cost · codex", "cost · cursor", "cost · cursor (2)"]


def test_a_heatmap_has_a_square_for_each_known_cell_and_more_is_fuller() -> None:
    chart = Chart("heatmap", x="hour", y=("requests",), series="weekday", unit="count")
    option = option_of(
        chart, ("weekday", "hour", "requests"), ("Monday", 9, 10), ("Tuesday", 23, 5)
    )
    assert option["xAxis"]["data"] == [str(hour) for hour in range(24)]
    assert option["yAxis"]["data"] == ["Monday", "Tuesday"]
    (series,) = option["series"]
    cells = {tuple(point["value"]): point["itemStyle"]["opacity"] for point in series["data"]}
    assert cells.keys() == {(9, 0, 10.0), (23, 1, 5.0)}
    assert 0 < cells[23, 1, 5.0] < cells[9, 0, 10.0] == 1


def test_points_lie_over_numbers_or_names() -> None:
    chart = Chart("scatter", x="lines", y=("cost_usd",), series="agent", unit="usd")
    columns = ("lines", "cost_usd", "agent")
    option = option_of(chart, columns, (10, 1.0, "a"), (20, None, "a"), (None, 2.0, "b"))
    assert option["xAxis"]["type"] == "value"
    assert [(each["name"], each["data"]) for each in option["series"]] == [("a", [[10.0, 1.0]])]
    named = option_of(chart, columns, ("x", 1.0, "a"))
    assert named["xAxis"]["type"] == "category"


@pytest.mark.parametrize("chart", [
    Chart("number", y=("cost_usd",), unit="usd"),
    Chart("table"),
])  # fmt: skip
def test_a_number_and_a_table_are_no_charts(chart: Chart) -> None:
    assert chart_option(chart, ("cost_usd",), [(1,)]) is None


def test_where_nothing_is_known_nothing_is_drawn() -> None:
    chart = Chart("line", x="day", y=("rate",), unit="percent")
    assert chart_option(chart, ("day", "rate"), []) is None
    assert chart_option(chart, ("day", "rate"), [(day(1), None)]) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([date(2026, 1, 1), date(2025, 11, 1)],
         [date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1)]),
        ([day(2), day(16)], [day(2), day(9), day(16)]),
        ([day(2), day(4)], [day(2), day(3), day(4)]),
        ([day(2)], [day(2)]),
        (["b", "a"], ["b", "a"]),
        ([day(2), None], [day(2), None]),
    ],
)  # fmt: skip
def test_months_weeks_and_days_are_told_by_their_dates(
    given: list[object], expected: list[object]
) -> None:
    assert list(every_place(given)) == expected


def test_hours_of_a_line_are_not_filled_up() -> None:
    chart = Chart("bar", x="retries", y=("n",))
    assert plot(chart, ("retries", "n"), [(0, 4), (3, 1)]).places == (0, 3)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: each.id)
def test_every_question_of_the_views_is_drawn_or_is_a_number_or_a_table(
    question: Question,
) -> None:
    columns = question.chart.columns
    row = tuple(D if name in ("day", "week", "month") else 1.5 for name in columns)
    option = chart_option(question.chart, columns, [row])
    assert (option is None) == (question.chart.kind in ("number", "table"))
    if option is not None:
        drawn = {series["type"] for series in option["series"]}
        assert drawn <= {"bar", "line", "scatter"}  # what the vendored build has
        json.dumps(option, allow_nan=False)


def test_the_vendored_file_is_the_one_that_its_readme_names() -> None:
    readme = (STATIC / "vendor" / "README.md").read_text(encoding="utf-8")
    content = ECHARTS.read_bytes()
    assert hashlib.sha256(content).hexdigest() in readme
    assert ECHARTS.name in readme
    licences = ECHARTS.with_name(ECHARTS.name.removesuffix(".common.min.js") + ".licenses")
    assert {path.name for path in licences.iterdir()} == {
        "LICENSE", "NOTICE", "LICENSE-d3", "LICENSE-zrender",
    }  # fmt: skip


def test_scripts_can_stand_in_a_page_and_fetch_nothing() -> None:
    for path in (ECHARTS, CHARTS):
        text = path.read_text(encoding="utf-8")
        assert "</script" not in text.lower()
        assert not re.search(r"sourceMappingURL|\bfetch\(|\beval\(|importScripts", text)
