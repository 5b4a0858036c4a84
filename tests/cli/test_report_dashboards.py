"""`report cost|roi|agents|team|git`, from published marts."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import click.testing
import duckdb
import pytest
from click.testing import CliRunner

from agent_analytics_cli import assets
from agent_analytics_cli.display_names import DisplayNames
from agent_analytics_cli.main import cli
from agent_analytics_cli.shares import percent, usd
from agent_analytics_cli.views.dashboard_answers import Answer
from agent_analytics_cli.views.dashboard_cells import text_of
from agent_analytics_cli.views.dashboard_print import print_answer
from agent_analytics_cli.views.view_commands import VIEWS
from agent_analytics_collector.dashboards import Chart, Question, load_dashboards
from agent_analytics_collector.home import Home
from tests.dashboards import marts

from .two_weeks import APP, HOSTILE, LIB, RUN, publish

BY_FOLDER = {view.id: view for view in load_dashboards(assets.dashboards())}


def report(*arguments: str) -> click.testing.Result:
    return CliRunner().invoke(cli, ["report", *arguments], prog_name="agent-analytics")


def as_json(*arguments: str) -> dict[str, Any]:
    result = report(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout, parse_float=Decimal)
    return found


def rows_of(question: str, *arguments: str) -> list[dict[str, Any]]:
    (found,) = as_json("cost", "--question", question, *arguments)["questions"]
    rows: list[dict[str, Any]] = found["rows"]
    return rows


@pytest.fixture
def published(home: Home) -> None:
    publish(home)


def test_each_view_of_the_dashboards_has_its_command() -> None:
    assert {folder for folder, _, _ in VIEWS.values()} == set(BY_FOLDER)


@pytest.fixture(scope="module", params=[0, 60], ids=["empty", "filled"])
def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, int]:
    """A run of all marts, and how many made-up rows each has."""
    folder = tmp_path_factory.mktemp("published") / RUN
    folder.mkdir()
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        marts.make(connection, request.param)
    return folder, request.param


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_answers_all_its_questions_in_order(
    home: Home, name: str, run: tuple[Path, int]
) -> None:
    folder, rows = run
    (home.published / "current").symlink_to(folder)
    view = BY_FOLDER[VIEWS[name][0]]
    shown = report(name)
    assert shown.exit_code == 0, shown.output
    places = [f"\n{shown.stdout}".index(f"\n{question.title}\n") for question in view.questions]
    assert places == sorted(places)
    assert ("nothing recorded" in shown.stdout) == (rows == 0)
    assert shown.stdout.count("nothing recorded") in (0, len(view.questions))
    told = as_json(name)
    assert told["view"] == view.id
    assert told["published_at"] == "2026-03-16T06:00:00Z"
    assert [each["id"] for each in told["questions"]] == [each.id for each in view.questions]
    for each in told["questions"]:
        assert all(list(row) == each["columns"] for row in each["rows"])


@pytest.mark.usefixtures("published")
def test_what_goes_over_days_is_a_line_for_each_series_with_gaps() -> None:
    result = report("cost", "--question", "spend_by_day")
    lines = result.stdout.splitlines()
    heading = next(line for line in lines if line.startswith("agent "))
    assert "2026-03-03 to 2026-03-12" in heading
    at = heading.index("2026-03-03")
    claude = next(line for line in lines if line.startswith("Claude Code"))
    assert claude[at : at + 10].rstrip() == "▂      █"
    assert claude.split()[-4:] == ["$2.00", "$9.00", "$9.00", "$11.00"]


def answer(chart: Chart, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Answer:
    return Answer(Question("q", "Title", "Description.", "select 1", chart, 24), columns, rows)


def test_more_days_than_are_drawn_are_counted_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    chart = Chart("line", x="day", y=("cost_usd", "paid_usd"), unit="usd")
    days = [(date(2026, 1, 1) + timedelta(days=n), Decimal(90 - n), None) for n in range(90)]
    print_answer(answer(chart, ("day", "cost_usd", "paid_usd"), days), DisplayNames())
    shown = capsys.readouterr().out
    assert "2026-01-31 to 2026-03-31" in shown
    assert "$90.00" in shown  # the highest, of a day that is not drawn
    assert "drawn are the last 60 of 90; the figures are of all" in shown
    assert "\n  empty everywhere: paid\n" in shown
    assert not any(line.startswith("paid") for line in shown.splitlines())


def test_a_trend_tells_its_unit_and_places_by_their_short_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    chart = Chart("line", x="month", y=("median_hours",), series="repository", unit="hours")
    rows = [(date(2026, month, 1), APP, month / 2) for month in (1, 2)]
    print_answer(answer(chart, ("month", "repository", "median_hours"), rows), DisplayNames())
    line = capsys.readouterr().out.splitlines()[-2]
    assert line.startswith("acme/app  ")
    assert line.endswith("0.5 h      1 h   1 h")


def test_a_month_of_which_nothing_drawn_is_known_is_no_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    chart = Chart("line", x="month", y=("break_even_hours",), unit="hours")
    print_answer(
        answer(chart, ("month", "break_even_hours"), [(date(2026, 3, 1), None)]), DisplayNames()
    )
    assert "\n  not known: break even hours\n" in capsys.readouterr().out


@pytest.mark.usefixtures("published")
def test_a_number_stands_alone() -> None:
    assert "\n  $12.50" in report("cost", "--question", "spend").stdout


@pytest.mark.usefixtures("published")
def test_filters_choose_rows_by_day_and_by_the_end_of_a_name() -> None:
    assert rows_of("spend") == [{"cost_usd": Decimal("12.5")}]
    assert rows_of("spend", "--since", "2026-03-09") == [{"cost_usd": Decimal("9.5")}]
    assert rows_of("spend", "--until", "2026-03-03") == [{"cost_usd": Decimal(2)}]
    assert rows_of("spend", "--project", "lib") == [{"cost_usd": Decimal("1.5")}]
    both = as_json("cost", "--project", "app", "--project", LIB, "--agent", "codex")
    assert both["filters"] == {"agent": ["codex"], "project": [APP, LIB]}
    assert both["questions"][0]["rows"] == [{"cost_usd": Decimal("1.5")}]


@pytest.mark.usefixtures("published")
def test_filters_take_the_names_that_tables_show() -> None:
    by_id = rows_of("spend", "--agent", "claude_code")
    assert by_id == [{"cost_usd": Decimal(11)}]
    assert rows_of("spend", "--agent", "Claude Code") == by_id
    assert rows_of("spend", "--model", "OPUS") == rows_of("spend", "--model", "opus") == by_id


@pytest.mark.usefixtures("published")
def test_months_that_the_days_cut_are_said_to_be_whole() -> None:
    def said(*days: str) -> tuple[bool, bool]:
        (told,) = as_json("cost", "--question", "paid_beside_list", *days)["questions"]
        shown = report("cost", "--question", "paid_beside_list", *days).stdout
        return "Whole months" in shown, told["has_whole_months"]

    assert said() == (False, False)
    assert said("--since", "2026-03-01", "--until", "2026-03-31") == (False, False)
    assert said("--since", "2026-03-10") == (True, True)
    assert said("--until", "2026-03-10") == (True, True)
    assert "Whole months" not in report("cost", "--question", "spend", "--since", "7d").stdout


@pytest.mark.usefixtures("published")
def test_a_filter_that_a_question_does_not_know_is_said_where_it_does_nothing() -> None:
    question = "budgets"
    given = as_json("cost", "--agent", "codex", "--question", question)
    assert given["questions"][0]["ignored_filters"] == ["agent"]
    shown = report("cost", "--agent", "codex")
    assert shown.stdout.count("Shown for every agent.") == sum(
        "agent" not in each.filters for each in BY_FOLDER["cost_tracking"].questions
    )


@pytest.mark.usefixtures("published")
def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    result = report("cost", "--agent", "claude")
    assert result.exit_code == 1
    assert "No agent is named 'claude'" in result.stderr
    assert "claude_code" in result.stderr


@pytest.mark.usefixtures("published")
def test_csv_is_of_one_question() -> None:
    result = report("cost", "--csv", "--question", "spend_by_day")
    assert result.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert {"day": "2026-03-12", "agent": "codex", "cost_usd": "0.5"} in rows
    refused = report("cost", "--csv")
    assert refused.exit_code == 2
    assert "--csv needs --question, one of spend," in refused.output
    unknown = report("cost", "--question", "nonsense")
    assert unknown.exit_code == 2
    assert "spend_by_model" in unknown.output


@pytest.mark.usefixtures("published")
def test_a_hostile_name_moves_no_cursor_and_breaks_no_line() -> None:
    shown = report("cost", "--question", "spend_by_model").stdout
    assert "<script>alert(1)</script>" in shown
    assert HOSTILE not in shown
    assert "\\n# heading" in shown


@pytest.mark.parametrize(
    ("value", "text"),
    [(Decimal("2.5"), "250%"), (-0.4, "-40.0%"), (-0.0001, "-0.1%"), (1, "100%"), (-1, "-100%"),
     (0.9999, "99.9%"), (0.1234, "12.3%"), (0, "0%"), (None, "—")],
)  # fmt: skip
def test_a_return_may_be_more_than_all_or_less_than_nothing(value: Any, text: str) -> None:
    assert percent(value) == text_of(value, "percent") == text


def test_amounts_below_zero_have_their_sign_before_the_dollar() -> None:
    assert usd(Decimal("-0.5")) == "-$0.5000"
    assert usd(Decimal("-1234.5")) == "-$1,234.50"
    assert usd(Decimal("-0.00001")) == "-<$0.0001"


def test_a_comparison_has_the_unit_of_each_rows_metric(home: Home) -> None:
    cell = {
        "comparison": "cell", "repository": APP, "task_size": "small", "developer_id": "ada",
        "agent": "codex", "sessions": 12, "is_enough": True,
    }  # fmt: skip
    publish(home, {"fct_agent_comparison": [
        {**cell, "comparison_key": "1", "metric": "cost_per_session_usd", "value": 1.5,
         "value_low": 1.25, "value_high": 2},
        {**cell, "comparison_key": "2", "metric": "one_shot_rate", "value": 0.625},
    ]})  # fmt: skip
    shown = report("agents", "--question", "cells").stdout
    cost, rate = (line for line in shown.splitlines() if line.startswith("acme/app"))
    assert "cost per session" in cost
    assert {"$1.50", "$1.25", "$2.00"} <= set(cost.split())
    assert "62.5%" in rate.split()
    headings = next(line for line in shown.splitlines() if line.startswith("repository"))
    assert rate.index("—") == headings.index("value low") + len("value low") - 1  # to the right
    told = as_json("agents", "--question", "cells")["questions"][0]["rows"]
    assert {(row["metric"], row["value"]) for row in told} == {
        ("cost_per_session_usd", Decimal("1.5")), ("one_shot_rate", Decimal("0.625")),
    }  # fmt: skip


def test_minutes_are_not_nought_hours(capsys: pytest.CaptureFixture[str]) -> None:
    hours = {Decimal("0.004"): "<0.01", -0.001: "-<0.01", 0.005: "0.01", 0: "0", 1234.5: "1,234.5"}
    chart = Chart("table")
    rows = [(value, f"row {n}") for n, value in enumerate(hours)]
    print_answer(answer(chart, ("break_even_hours", "name"), rows), DisplayNames())
    shown = [line.split()[0] for line in capsys.readouterr().out.splitlines() if "row " in line]
    assert shown == [*hours.values()]
    assert [text_of(value, "hours") for value in hours] == [f"{text} h" for text in hours.values()]


@pytest.mark.usefixtures("published")
def test_a_column_without_a_value_is_named_below_the_table() -> None:
    shown = report("cost", "--question", "spend_by_model").stdout
    heading = next(line for line in shown.splitlines() if line.startswith("agent"))
    assert "cost" in heading
    assert "savings" not in heading
    assert "empty everywhere: " in shown
    assert "cache savings" in shown.split("empty everywhere: ")[1]


def test_without_marts_it_says_what_to_do() -> None:
    result = report("roi")
    assert result.exit_code == 0
    assert "No marts are published yet" in result.stderr
    assert as_json("roi")["questions"] == []
    assert as_json("roi")["published_at"] is None


def test_marts_of_an_older_release_ask_to_be_published_again(home: Home) -> None:
    folder = home.published / RUN
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        connection.execute("create table fct_agent_costs (usage_date date)")
    (home.published / "current").symlink_to(RUN)
    result = report("cost")
    assert result.exit_code == 1
    assert "Publish them again with `agent-analytics transform`" in result.stderr


def test_an_option_before_the_views_name_is_refused_instead_of_lost() -> None:
    result = report("--since", "7d", "cost")
    assert result.exit_code == 2
    assert "--since goes after `cost`" in result.output


@pytest.mark.usefixtures("published")
def test_report_without_a_view_still_groups_usage() -> None:
    result = report("--by", "agent", "--since", "2026-03-01", "--until", "2026-03-31", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["by"] == ["agent"]
