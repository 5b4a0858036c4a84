"""`survey`: one or two questions, and the answer on its way, with a collector or without."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click.testing
import duckdb
import pytest
from click.testing import CliRunner

from agent_analytics_cli.main import cli
from agent_analytics_cli.money.survey_answer import Period, last_seven_days, parse_hours, week_of
from agent_analytics_cli.outbound.flusher import flush_outbox
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.warehouse.flush import flush

from .answering import answering
from .conftest import StartCollector
from .terminal import Terminal

TODAY = datetime.now(UTC).date()
ANSWERS = (
    "SELECT developer_id, period_start, period_end, hours_saved_low, hours_saved_high, helped "
    "FROM raw_surveys"
)
WEEK = Period(date(2026, 11, 16), date(2026, 11, 22))


@pytest.fixture(autouse=True)
def developer(home: Home) -> None:
    home.config_file.write_text("developer_id: ada\ntime_zone: UTC\n")


def run(*arguments: str) -> click.testing.Result:
    return CliRunner().invoke(cli, ["survey", *arguments])


def stored(home: Home) -> list[tuple[Any, ...]]:
    flush(home, load_settings(home).settings, 30)
    with duckdb.connect(str(home.database), read_only=True) as connection:
        return connection.execute(ANSWERS).fetchall()


def waiting(home: Home) -> list[dict[str, Any]]:
    lines = (home.outbox / "surveys.jsonl").read_text().splitlines()
    return [json.loads(line)["body"] for line in lines]


def test_an_answer_is_delivered_at_once_where_a_collector_runs(
    start_collector: StartCollector, home: Home
) -> None:
    start_collector()
    result = run("--hours", "2-4.5", "--helped", "4", "--yes")
    since = TODAY - timedelta(days=6)
    assert (result.exit_code, result.stdout) == (
        0, f"Noted: 2 to 4.5 hours saved from {since} to {TODAY}. Thank you.\n",
    )  # fmt: skip
    assert stored(home) == [("ada", since, TODAY, 2.0, 4.5, 4)]


def test_an_answer_without_a_collector_waits_and_arrives_later(
    start_collector: StartCollector, home: Home
) -> None:
    result = run("--hours", "0", "--week", "2026-11-04", "--yes")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("Noted: no hours saved from 2026-11-02 to 2026-11-08. It waits")
    start_collector()
    flush_outbox(home, linger_s=0.0)
    assert waiting(home) == []
    assert stored(home) == [("ada", date(2026, 11, 2), date(2026, 11, 8), 0.0, 0.0, None)]


@pytest.mark.parametrize(
    "said",
    [
        (422, {"detail": "hours are no longer asked"}),
        (200, {"accepted": 0, "duplicate": 0, "rejected": 1,
               "problems": [{"index": 0, "reason": "hours are no longer asked"}]}),
    ],
)  # fmt: skip
def test_an_answer_that_is_refused_for_good_is_not_thanked_for(
    home: Home, said: tuple[int, Any]
) -> None:
    with answering(lambda path, bodies: said) as asked:
        home.config_file.write_text(f"developer_id: ada\nbackend_url: {asked.url}\n")
        result = run("--hours", "2-4", "--yes")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "does not take the answer, and it is not kept: hours are no longer" in result.stderr
    assert not (home.outbox / "surveys.jsonl").exists()


def test_an_answer_that_is_refused_for_now_waits_and_says_why(home: Home) -> None:
    with answering(lambda path, bodies: (401, {"detail": "the key is wrong"})) as asked:
        home.config_file.write_text(f"developer_id: ada\nbackend_url: {asked.url}\n")
        result = run("--hours", "2-4", "--yes")
    assert result.exit_code == 0
    assert "the key is wrong" in result.stderr
    assert "It waits until" in result.stdout
    assert len(waiting(home)) == 1


def test_an_answer_that_is_taken_takes_those_that_wait_along(
    start_collector: StartCollector, home: Home
) -> None:
    for hours in ("5-6", "1-2"):
        run("--hours", hours, "--week", "2026-11-04", "--yes")
    start_collector()
    assert "Thank you" in run("--hours", "2-4", "--week", "2026-11-11", "--yes").stdout
    assert waiting(home) == []
    assert {row[1:5] for row in stored(home)} == {
        (date(2026, 11, 11) - timedelta(days=2), date(2026, 11, 15), 2.0, 4.0),
        (date(2026, 11, 2), date(2026, 11, 8), 5.0, 6.0),
        (date(2026, 11, 2), date(2026, 11, 8), 1.0, 2.0),
    }


def test_a_second_answer_for_the_same_days_has_the_id_of_the_first(home: Home) -> None:
    for hours in ("2-4", "3-5"):
        run("--hours", hours, "--week", "2026-11-04", "--yes")
    run("--hours", "2-4", "--week", "2026-10-28", "--yes")
    first, second, other = waiting(home)
    assert first["survey_id"] == second["survey_id"] != other["survey_id"]
    # Of the same second too, or which of both counts would be chance.
    assert first["answered_at"] < second["answered_at"]


def test_on_a_terminal_it_asks_until_it_gets_a_range(home: Home, tmp_path: Path) -> None:
    with Terminal("survey", "--week", "2026-11-04", cwd=tmp_path) as terminal:
        terminal.answer("How many hours did agents save you from 2026-11-02 to 2026-11-08", "3")
        terminal.wait_for("'3' is no range of hours; write 2-4, or 0.")
        terminal.answer("How many hours", "2-4")
        terminal.answer("How well did they help", "")
        assert terminal.exit_code() == 0
    (body,) = waiting(home)
    assert (body["hours_saved_low"], body["hours_saved_high"]) == (2.0, 4.0)
    assert "helped" not in body


def test_without_somebody_to_ask_it_needs_the_hours(home: Home) -> None:
    result = run("--helped", "3")
    assert result.exit_code == 2
    assert "give --hours" in result.stderr


def test_an_answer_of_nobody_is_not_taken(home: Home) -> None:
    home.config_file.unlink()
    result = run("--hours", "2-4", "--yes")
    assert result.exit_code == 1
    assert "developer_id is not set" in result.stderr
    assert not (home.outbox / "surveys.jsonl").exists()


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2-4", (2, 4)),
        ("2 \N{EN DASH} 4", (2, 4)),
        ("0.5 to 1", (0.5, 1)),
        ("0", (0, 0)),
        ("1-1h", (1, 1)),
    ],
)
def test_a_range_is_read_as_people_write_it(text: str, hours: tuple[float, float]) -> None:
    assert parse_hours(text, WEEK) == hours


@pytest.mark.parametrize("text", ["", "3", "4-2", "-1-2", "2-169", "some", "1-2-3", "nan-nan"])
def test_what_is_no_range_within_the_days_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"range|hours"):
        parse_hours(text, WEEK)


def test_a_week_is_monday_to_sunday_and_never_beyond_today() -> None:
    assert week_of(date(2026, 11, 18), date(2026, 12, 1)) == WEEK
    assert week_of(date(2026, 11, 18), date(2026, 11, 19)).end == date(2026, 11, 19)
    assert last_seven_days(date(2026, 11, 22)) == WEEK
    with pytest.raises(ValueError, match="still to come"):
        week_of(date(2026, 11, 20), date(2026, 11, 19))
